"""The private network: one for the app, private endpoints for storage and vault, and their names."""

from collections.abc import Mapping
from dataclasses import dataclass

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


@dataclass(frozen=True)
class PrivateNetworkArgs:
    """What the network connects.

    Attributes:
        services: of ``ZONES``, each with the id of the resource that has it.
    """

    names: Names
    group: pulumi.Input[str]
    location: str
    services: Mapping[str, pulumi.Input[str]]


class PrivateNetwork(pulumi.ComponentResource):
    """A virtual network with a subnet for the app and one for private endpoints."""

    def __init__(self, name: str, args: PrivateNetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dataflow-poller:components:PrivateNetwork", name, None, opts)
        self._args = args
        self._child = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(parent=self))
        self._network = network.VirtualNetwork(
            name,
            virtual_network_name=args.names.of("vnet", 64),
            resource_group_name=args.group,
            location=args.location,
            address_space={"address_prefixes": ["10.20.0.0/24"]},
            opts=self._child,
        )
        app = self._subnet(
            f"{name}-app", "app", "10.20.0.0/26", [{"name": "app", "service_name": "Microsoft.App/environments"}]
        )
        # One after the other, the endpoints too: Azure changes a network, and a storage account, once at a time.
        self._endpoints = self._subnet(f"{name}-endpoints", "endpoints", "10.20.0.64/26", [], after=app)
        last: pulumi.Resource = self._endpoints
        for service, resource_id in args.services.items():
            last = self._connect(f"{name}-{service}", service, resource_id, after=last)
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
            resource_group_name=self._args.group,
            address_prefix=prefix,
            delegations=delegations,
            opts=self._after(after),
        )

    def _connect(
        self, name: str, service: str, resource_id: pulumi.Input[str], after: pulumi.Resource
    ) -> network.PrivateEndpoint:
        """A private endpoint for one service of a resource, and the name by which the network finds it."""
        zone = privatedns.PrivateZone(
            name,
            private_zone_name=ZONES[service],
            resource_group_name=self._args.group,
            location="global",
            opts=self._child,
        )
        privatedns.VirtualNetworkLink(
            name,
            virtual_network_link_name=self._args.names.of("link", 80),
            private_zone_name=zone.name,
            resource_group_name=self._args.group,
            location="global",
            registration_enabled=False,
            virtual_network={"id": self._network.id},
            opts=self._child,
        )
        endpoint = network.PrivateEndpoint(
            name,
            private_endpoint_name=self._args.names.of(f"pe-{service}", 64),
            resource_group_name=self._args.group,
            subnet={"id": self._endpoints.id},
            private_link_service_connections=[
                {"name": service, "private_link_service_id": resource_id, "group_ids": [service]}
            ],
            opts=self._after(after),
        )
        network.PrivateDnsZoneGroup(
            name,
            private_dns_zone_group_name="default",
            private_endpoint_name=endpoint.name,
            resource_group_name=self._args.group,
            private_dns_zone_configs=[{"name": service, "private_dns_zone_id": zone.id}],
            opts=self._child,
        )
        return endpoint

    def _after(self, resource: pulumi.Resource | None) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions.merge(
            self._child, pulumi.ResourceOptions(depends_on=[resource] if resource else [])
        )
