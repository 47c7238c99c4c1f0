"""Two storage accounts: the host's, where it needs wide rights, and that of the jobs."""

import pulumi
from pulumi_azure_native import storage

from deployment.components.network import Network
from deployment.config import DeploymentConfig
from deployment.names import Names

# checkov:skip=CKV_AZURE_206: replicated over zones; a load job outlives no region, and its id can be sent again


class _Account(pulumi.ComponentResource):
    def __init__(
        self, kind: str, name: str, account_name: str, group: pulumi.Input[str], network: Network | None
    ) -> None:
        super().__init__(f"dataflow-poller:storage:{kind}", name)
        self.parent = pulumi.ResourceOptions(parent=self)
        self.group = group
        default = storage.DefaultAction.DENY if network else storage.DefaultAction.ALLOW
        self.account = storage.StorageAccount(
            name,
            account_name=account_name,
            resource_group_name=group,
            kind="StorageV2",
            sku={"name": "Standard_ZRS"},
            allow_blob_public_access=False,
            allow_cross_tenant_replication=False,
            allow_shared_key_access=False,
            default_to_o_auth_authentication=True,
            enable_https_traffic_only=True,
            minimum_tls_version="TLS1_2",
            public_network_access="Disabled" if network else "Enabled",
            # checkov:skip=CKV_AZURE_35: without privateNetwork, app and senders come from public addresses
            # checkov:skip=CKV_AZURE_59: public access is off where privateNetwork is on
            network_rule_set={"default_action": default, "bypass": "AzureServices"},
            opts=self.parent,
        )
        storage.BlobServiceProperties(
            name,
            account_name=self.account.name,
            resource_group_name=group,
            blob_services_name="default",
            delete_retention_policy={"enabled": True, "days": 7},
            container_delete_retention_policy={"enabled": True, "days": 7},
            opts=self.parent,
        )
        self.id = self.account.id
        self.name = self.account.name


class HostStorage(_Account):
    """The Functions host's account: the deployed package, locks and keys."""

    def __init__(self, name: str, names: Names, group: pulumi.Input[str], network: Network | None) -> None:
        super().__init__("HostStorage", name, names.compact("host"), group, network)
        self.container = storage.BlobContainer(
            f"{name}-package",
            account_name=self.account.name,
            resource_group_name=group,
            container_name="package",
            public_access=storage.PublicAccess.NONE,
            opts=self.parent,
        )
        self.package_url = pulumi.Output.concat(
            self.account.primary_endpoints.apply(lambda ends: ends.blob), self.container.name
        )
        if network:
            network.connect(f"{name}-blob", self.account.id, "blob")
        self.register_outputs({})


class JobStorage(_Account):
    """The jobs' account: job queue, poison queue, data source table."""

    def __init__(
        self, name: str, names: Names, group: pulumi.Input[str], config: DeploymentConfig, network: Network | None
    ) -> None:
        super().__init__("JobStorage", name, names.compact("jobs"), group, network)
        self.queue = self._queue(f"{name}-queue", config.job_queue)
        self.poison_queue = self._queue(f"{name}-poison-queue", config.job_queue + "-poison")
        self.table = storage.Table(
            f"{name}-table",
            account_name=self.account.name,
            resource_group_name=group,
            table_name=config.table,
            # The rows are the product: taking the stack away must be meant.
            opts=self.parent,
        )
        self.queue_endpoint = self.account.primary_endpoints.apply(lambda ends: ends.queue)
        self.table_endpoint = self.account.primary_endpoints.apply(lambda ends: ends.table)
        if network:
            network.connect(f"{name}-queue", self.account.id, "queue")
            network.connect(f"{name}-table", self.account.id, "table")
        self.register_outputs({})

    def _queue(self, name: str, queue_name: str) -> storage.Queue:
        return storage.Queue(
            name,
            account_name=self.account.name,
            resource_group_name=self.group,
            queue_name=queue_name,
            opts=self.parent,
        )

    def command(self, verb: str, target: str, rest: str) -> pulumi.Output[str]:
        """An Azure CLI command on this account, by the caller's own rights."""
        return pulumi.Output.concat(
            "az storage ", verb, " ", target, " --account-name ", self.account.name, " --auth-mode login ", rest
        )
