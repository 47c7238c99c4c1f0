"""Built-in roles, and giving them: https://learn.microsoft.com/azure/role-based-access-control/built-in-roles."""

from dataclasses import dataclass

import pulumi
from pulumi_azure_native import authorization

ROLES = {
    "Storage Queue Data Contributor": "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
    "Storage Queue Data Message Sender": "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a",
    "Storage Table Data Contributor": "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
    "Storage Table Data Reader": "76199698-9eea-4c19-bc75-cec21354c6b6",
    "Storage Blob Data Owner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "Key Vault Secrets User": "4633458b-17de-408a-b874-0445c86b69e6",
    "Monitoring Metrics Publisher": "3913510d-42f4-4e42-8a64-420c390055eb",
}


@dataclass(frozen=True)
class Right:
    """A role at a scope, which is as narrow as Azure has it."""

    role: str
    scope: pulumi.Input[str]


def give(
    name: str, right: Right, principal_id: pulumi.Input[str], principal_type: str, opts: pulumi.ResourceOptions
) -> authorization.RoleAssignment:
    """Give somebody a right. The type is named, for Azure would look up a new identity before it is known there."""
    subscription = authorization.get_client_config().subscription_id
    definitions = f"/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions"
    return authorization.RoleAssignment(
        name,
        principal_id=principal_id,
        principal_type=principal_type,
        role_definition_id=f"{definitions}/{ROLES[right.role]}",
        scope=right.scope,
        opts=opts,
    )
