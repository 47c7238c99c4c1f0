"""Two storage accounts: the host's, where it needs wide rights, and that of the jobs."""

from dataclasses import dataclass

import pulumi
from pulumi_azure_native import storage

from deployment.names import Names

# checkov:skip=CKV_AZURE_206: a load job outlives no region, and its id can be sent again; 'storageRedundancy' has GZRS
# checkov:skip=CKV_AZURE_33: the logs of queues are kept where 'diagnosticLogs' is on, as the guide's last step


@dataclass(frozen=True)
class AccountArgs:
    """Of either account.

    Attributes:
        redundancy: LRS, ZRS or GZRS.
        private: whether it is reached through private endpoints only.
    """

    names: Names
    group: pulumi.Input[str]
    redundancy: str
    private: bool


@dataclass(frozen=True)
class JobStorageArgs:
    account: AccountArgs
    job_queue: str
    completion_queue: str | None
    table: str


class _Account(pulumi.ComponentResource):
    def __init__(
        self, name: str, short_name: str, args: AccountArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(f"dataflow-poller:components:{type(self).__name__}", name, None, opts)
        self._child = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(parent=self))
        self.account = storage.StorageAccount(
            name,
            account_name=args.names.compact(short_name),
            resource_group_name=args.group,
            kind="StorageV2",
            sku={"name": f"Standard_{args.redundancy}"},
            allow_blob_public_access=False,
            allow_cross_tenant_replication=False,
            allow_shared_key_access=False,
            default_to_o_auth_authentication=True,
            enable_https_traffic_only=True,
            minimum_tls_version="TLS1_2",
            public_network_access="Disabled" if args.private else "Enabled",
            # checkov:skip=CKV_AZURE_35: without privateNetwork, app and senders come from public addresses
            # checkov:skip=CKV_AZURE_59: public access is off where privateNetwork is on
            network_rule_set={
                "default_action": storage.DefaultAction.DENY if args.private else storage.DefaultAction.ALLOW,
                "bypass": "AzureServices",
            },
            opts=self._child,
        )
        self.blob_service = storage.BlobServiceProperties(
            name,
            account_name=self.account.name,
            resource_group_name=args.group,
            blob_services_name="default",
            delete_retention_policy={"enabled": True, "days": 7},
            container_delete_retention_policy={"enabled": True, "days": 7},
            opts=self._child,
        )
        self.id, self.name = self.account.id, self.account.name


class HostStorage(_Account):
    """The Functions host's account: the deployed package, locks and keys."""

    def __init__(self, name: str, args: AccountArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, "host", args, opts)
        self.container = storage.BlobContainer(
            f"{name}-package",
            account_name=self.name,
            resource_group_name=args.group,
            container_name="package",
            public_access=storage.PublicAccess.NONE,
            opts=self._child,
        )
        blobs = self.account.primary_endpoints.apply(lambda ends: ends.blob)
        self.package_url = pulumi.Output.concat(blobs, self.container.name)
        self.register_outputs({})


class JobStorage(_Account):
    """The jobs' account: job queue, poison queue, completion queue where there is one, data source table.

    All of these are protected: what is in them would go with them.
    """

    def __init__(self, name: str, args: JobStorageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, "jobs", args.account, opts)
        protected = pulumi.ResourceOptions.merge(self._child, pulumi.ResourceOptions(protect=True))

        def queue(resource_name: str, queue_name: str) -> storage.Queue:
            return storage.Queue(
                resource_name,
                account_name=self.name,
                resource_group_name=args.account.group,
                queue_name=queue_name,
                opts=protected,
            )

        self.queue = queue(f"{name}-queue", args.job_queue)
        self.poison_queue = queue(f"{name}-poison-queue", f"{args.job_queue}-poison")
        self.completion_queue = (
            queue(f"{name}-completion-queue", args.completion_queue) if args.completion_queue else None
        )
        self.table = storage.Table(
            f"{name}-table",
            account_name=self.name,
            resource_group_name=args.account.group,
            table_name=args.table,
            opts=protected,
        )
        self.queue_endpoint = self.account.primary_endpoints.apply(lambda ends: ends.queue)
        self.table_endpoint = self.account.primary_endpoints.apply(lambda ends: ends.table)
        self.register_outputs({})

    def command(self, verb: str, target: str, rest: str) -> pulumi.Output[str]:
        """An Azure CLI command on this account, by the caller's own rights."""
        return pulumi.Output.concat(
            "az storage ", verb, " ", target, " --account-name ", self.name, " --auth-mode login ", rest
        )
