"""What the program registers, as an ARM template, for scanners that read those."""

import re
from typing import Any

from .record import INFRA

TYPES = {
    "storage:StorageAccount": "Microsoft.Storage/storageAccounts",
    "storage:BlobContainer": "Microsoft.Storage/storageAccounts/blobServices/containers",
    "storage:Queue": "Microsoft.Storage/storageAccounts/queueServices/queues",
    "storage:Table": "Microsoft.Storage/storageAccounts/tableServices/tables",
    "keyvault:Vault": "Microsoft.KeyVault/vaults",
    "keyvault:Secret": "Microsoft.KeyVault/vaults/secrets",
    "web:AppServicePlan": "Microsoft.Web/serverfarms",
    "web:WebApp": "Microsoft.Web/sites",
    "operationalinsights:Workspace": "Microsoft.OperationalInsights/workspaces",
    "applicationinsights:Component": "Microsoft.Insights/components",
    "authorization:RoleAssignment": "Microsoft.Authorization/roleAssignments",
    "network:VirtualNetwork": "Microsoft.Network/virtualNetworks",
    "network:Subnet": "Microsoft.Network/virtualNetworks/subnets",
    "network:PrivateEndpoint": "Microsoft.Network/privateEndpoints",
}
ARM_NAMES = {"enableHttpsTrafficOnly": "supportsHttpsTrafficOnly", "networkRuleSet": "networkAcls"}
TOP = {"name", "location", "sku", "kind", "identity", "tags"}


def template(resources: list[dict[str, Any]]) -> dict[str, Any]:
    """The ARM template."""
    schema = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
    rendered = [
        _resource(resource) for resource in resources if resource["type"].removeprefix("azure-native:") in TYPES
    ]
    return {"$schema": schema, "contentVersion": "1.0.0.0", "resources": rendered}


def skipped() -> list[str]:
    """The checks that infra/ says it skips, each with its reason beside it there."""
    comments = [
        comment
        for path in sorted(INFRA.rglob("*.py"))
        for comment in re.findall(r"# checkov:skip=(.*)", path.read_text("utf-8"))
    ]
    assert all(re.fullmatch(r"\w+: \S.{10,}", comment) for comment in comments), "a skipped check has no reason"
    return sorted({comment.partition(":")[0] for comment in comments})


def _resource(resource: dict[str, Any]) -> dict[str, Any]:
    inputs = {ARM_NAMES.get(name, name): value for name, value in resource["inputs"].items()}
    properties = inputs.pop("properties", {})
    properties |= {name: value for name, value in inputs.items() if name not in TOP and not name.endswith("Name")}
    return {
        "type": TYPES[resource["type"].removeprefix("azure-native:")],
        "apiVersion": "2024-01-01",
        "name": resource["id"].rpartition("/")[2],
        "location": "westeurope",
        "properties": properties,
        **{name: inputs[name] for name in TOP - {"name", "location"} if name in inputs},
    }
