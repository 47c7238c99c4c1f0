"""The app's identity, and all that it may do."""

from dataclasses import dataclass

import pulumi
from pulumi_azure_native import managedidentity

from deployment.components.monitoring import Monitoring
from deployment.components.storage import HostStorage, JobStorage
from deployment.components.vault import Vault
from deployment.names import Names
from deployment.roles import Right, give


@dataclass(frozen=True)
class IdentityArgs:
    names: Names
    group: pulumi.Input[str]
    host_storage: HostStorage
    job_storage: JobStorage
    vault: Vault
    monitoring: Monitoring


class Identity(pulumi.ComponentResource):
    """A user-assigned identity with exactly the rights that the app needs."""

    def __init__(self, name: str, args: IdentityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dataflow-poller:components:Identity", name, None, opts)
        child = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(parent=self))
        self.identity = managedidentity.UserAssignedIdentity(
            name, resource_name_=args.names.of("id", 128), resource_group_name=args.group, opts=child
        )
        self.id, self.client_id = self.identity.id, self.identity.client_id
        jobs = args.job_storage
        rights = {
            "poll": Right("Storage Queue Data Contributor", jobs.queue.id),
            "poison": Right("Storage Queue Data Message Sender", jobs.poison_queue.id),
            "record": Right("Storage Table Data Contributor", jobs.table.id),
            "host": Right("Storage Blob Data Owner", args.host_storage.id),
            "telemetry": Right("Monitoring Metrics Publisher", args.monitoring.insights.id),
            **{f"key-{key}": Right("Key Vault Secrets User", secret.id) for key, secret in args.vault.secrets.items()},
        }
        if jobs.completion_queue:
            rights["complete"] = Right("Storage Queue Data Message Sender", jobs.completion_queue.id)
        self.rights = [
            give(f"{name}-{purpose}", right, self.identity.principal_id, "ServicePrincipal", child)
            for purpose, right in rights.items()
        ]
        self.register_outputs({})
