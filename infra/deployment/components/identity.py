"""The app's identity, and all that it may do."""

import pulumi
from pulumi_azure_native import authorization, managedidentity

from deployment.components.monitoring import Monitoring
from deployment.components.storage import HostStorage, JobStorage
from deployment.components.vault import Vault
from deployment.names import Names

# Built-in roles: https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
ROLES = {
    "Storage Queue Data Contributor": "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
    "Storage Queue Data Message Sender": "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a",
    "Storage Table Data Contributor": "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
    "Storage Blob Data Owner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "Key Vault Secrets User": "4633458b-17de-408a-b874-0445c86b69e6",
    "Monitoring Metrics Publisher": "3913510d-42f4-4e42-8a64-420c390055eb",
}


class Identity(pulumi.ComponentResource):
    """A user-assigned identity with exactly the rights that the app needs."""

    def __init__(
        self,
        name: str,
        names: Names,
        group: pulumi.Input[str],
        host: HostStorage,
        jobs: JobStorage,
        vault: Vault,
        monitoring: Monitoring,
    ) -> None:
        super().__init__("dataflow-poller:identity:Identity", name)
        self.identity = managedidentity.UserAssignedIdentity(
            name,
            resource_name_=names.of("id", 128),
            resource_group_name=group,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.id, self.client_id = self.identity.id, self.identity.client_id
        rights = {
            # To do what: the role, and where, as narrow as Azure has it.
            "poll": ("Storage Queue Data Contributor", jobs.queue.id),
            "poison": ("Storage Queue Data Message Sender", jobs.poison_queue.id),
            "record": ("Storage Table Data Contributor", jobs.table.id),
            "host": ("Storage Blob Data Owner", host.id),
            "telemetry": ("Monitoring Metrics Publisher", monitoring.insights.id),
            **{f"key-{key}": ("Key Vault Secrets User", secret.id) for key, secret in vault.secrets.items()},
        }
        self.rights = [self._right(f"{name}-{purpose}", role, scope) for purpose, (role, scope) in rights.items()]
        self.register_outputs({})

    def _right(self, name: str, role: str, scope: pulumi.Input[str]) -> authorization.RoleAssignment:
        subscription = authorization.get_client_config().subscription_id
        definitions = f"/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions"
        return authorization.RoleAssignment(
            name,
            principal_id=self.identity.principal_id,
            principal_type="ServicePrincipal",  # Else a new identity races the directory.
            role_definition_id=f"{definitions}/{ROLES[role]}",
            scope=scope,
            opts=pulumi.ResourceOptions(parent=self),
        )
