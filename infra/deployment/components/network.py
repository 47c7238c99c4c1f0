"""The private network: one for the app, private endpoints for storage and vault, and their names."""

import pulumi
from pulumi_azure_native import network, privatedns

from deployment.names import Names

ZONES = {
    "blob": "privatelink.blob.core.windows.net",
    "queue": "privatelink.queue.core.windows.net",
    "table": "privatelink.table.core.windows.net",
    "vault": "privatelink.vaultcore.azure.net",
}
"""Service of a private endpoint -> its DNS zone in Azure's public cloud."""


class Network(pulumi.ComponentResource):
    """A virtual network with a subnet for the app and one for private endpoints."""

    def __init__(self, name: str, names: Names, group: pulumi.Input[str], location: str) -> None:
        super().__init__("dataflow-poller:network:Network", name)
        self._names, self._group, self._parent = names, group, pulumi.ResourceOptions(parent=self)
        self._network = network.VirtualNetwork(
            name,
            virtual_network_name=names.of("vnet", 64),
            resource_group_name=group,
            location=location,
            address_space={"address_prefixes": ["10.20.0.0/24"]},
            opts=self._parent,
        )
        app = self._subnet(
            f"{name}-app", "app", "10.20.0.0/26", [{"name": "app", "service_name": "Microsoft.App/environments"}]
        )
        # One after the other: Azure changes a network once at a time.
        self._endpoints = self._subnet(f"{name}-endpoints", "endpoints", "10.20.0.64/26", [], after=app)
        self.app_subnet_id = app.id
        self.register_outputs({})

    def _subnet(
        self,
        name: str,
        subnet: str,
        prefix: str,
        delegations: list[network.DelegationArgsDict],
        after: pulumi.Resource | None = None,
    ) -> network.Subnet:
        return network.Subnet(
            name,
            subnet_name=subnet,
            virtual_network_name=self._network.name,
            resource_group_name=self._group,
            address_prefix=prefix,
            delegations=delegations,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[after] if after else []),
        )

    def connect(self, name: str, resource_id: pulumi.Input[str], service: str) -> None:
        """A private endpoint for one service of a resource, and the name by which the network finds it."""
        zone = privatedns.PrivateZone(
            name,
            private_zone_name=ZONES[service],
            resource_group_name=self._group,
            location="global",
            opts=self._parent,
        )
        privatedns.VirtualNetworkLink(
            name,
            virtual_network_link_name=self._names.of("link", 80),
            private_zone_name=zone.name,
            resource_group_name=self._group,
            location="global",
            registration_enabled=False,
            virtual_network={"id": self._network.id},
            opts=self._parent,
        )
        endpoint = network.PrivateEndpoint(
            name,
            private_endpoint_name=self._names.of(f"pe-{service}", 64),
            resource_group_name=self._group,
            subnet={"id": self._endpoints.id},
            private_link_service_connections=[
                {"name": service, "private_link_service_id": resource_id, "group_ids": [service]}
            ],
            opts=self._parent,
        )
        network.PrivateDnsZoneGroup(
            name,
            private_dns_zone_group_name="default",
            private_endpoint_name=endpoint.name,
            resource_group_name=self._group,
            private_dns_zone_configs=[{"name": service, "private_dns_zone_id": zone.id}],
            opts=self._parent,
        )
