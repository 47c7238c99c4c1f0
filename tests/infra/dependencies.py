"""What must be there before what, held to what the program registers.

The engine makes a resource once those are made that it depends on, and takes away in the other order: what is missing
here shows in Azure only, and now and then.
"""

from itertools import combinations, product
from typing import Any

NEEDED = {
    "web:WebApp": (
        # Made before, it would fail to read its package and its keys, and remember that.
        "authorization:RoleAssignment", "keyvault:Secret", "storage:BlobContainer", "storage:Queue", "storage:Table",
        "web:AppServicePlan", "applicationinsights:Component", "managedidentity:UserAssignedIdentity",
        # It finds storage and vault by them.
        "network:PrivateEndpoint", "network:PrivateDnsZoneGroup", "privatedns:VirtualNetworkLink", "network:Subnet",
    ),
    "web:WebAppScmAllowed": ("web:WebApp",),
    "web:WebAppFtpAllowed": ("web:WebApp",),
    "local:Command": ("web:WebApp",),
    # Before there is code, there is no run.
    "monitor:ScheduledQueryRule": ("local:Command", "operationalinsights:Workspace", "monitor:ActionGroup"),
    "keyvault:Secret": ("keyvault:Vault",),
    "applicationinsights:Component": ("operationalinsights:Workspace",),
    "monitor:DiagnosticSetting": ("operationalinsights:Workspace",),
    "network:Subnet": ("network:VirtualNetwork",),
    "network:PrivateDnsZoneGroup": ("privatedns:PrivateZone|same name", "network:PrivateEndpoint|same name"),
    "privatedns:VirtualNetworkLink": ("privatedns:PrivateZone|same name", "network:VirtualNetwork"),
}  # fmt: skip
"""Type -> the types of all that must be there before; with `same name`, those of its own name only."""

ONE_BY_ONE = ("network:Subnet", "network:PrivateEndpoint")
"""Azure changes a network, and a storage account, once at a time."""

APP_RIGHTS = "identity-"
"""How the names of the app's own rights begin: it does not wait for the rights of people."""


def missing(resources: list[dict[str, Any]]) -> list[str]:
    """What does not wait for something that it needs, in words."""
    waits = _waits(resources)
    found = [
        f"{_words(resource)} does not wait for {_words(other)}"
        for resource, other in product(resources, resources)
        if _needs(resource, other) and other["urn"] not in waits[resource["urn"]]
    ]
    return found + [
        f"{_words(one)} and {_words(other)} are changed at once"
        for one, other in combinations(resources, 2)
        if _kind(one) == _kind(other)
        and _kind(one) in ONE_BY_ONE
        and one["urn"] not in waits[other["urn"]]
        and other["urn"] not in waits[one["urn"]]
    ]


def _needs(resource: dict[str, Any], other: dict[str, Any]) -> bool:
    kind, needed = _kind(resource), NEEDED.get(_kind(resource), ())
    if _kind(other) == "resources:ResourceGroup":
        return resource["type"].startswith("azure-native:") and kind != "resources:ResourceGroup"
    if _kind(other) == "authorization:RoleAssignment" and not other["name"].startswith(APP_RIGHTS):
        return False
    return _kind(other) in needed or (f"{_kind(other)}|same name" in needed and other["name"] == resource["name"])


def _waits(resources: list[dict[str, Any]]) -> dict[str, set[str]]:
    """URN -> those of all that come before it."""
    direct = {resource["urn"]: resource["depends_on"] for resource in resources}
    waits: dict[str, set[str]] = {}
    for urn, direct_ones in direct.items():
        before, todo = set(), list(direct_ones)
        while todo:
            if (earlier := todo.pop()) not in before:
                before.add(earlier)
                todo += direct[earlier]
        waits[urn] = before
    return waits


def _words(resource: dict[str, Any]) -> str:
    return f"{_kind(resource)} {resource['name']}"


def _kind(resource: dict[str, Any]) -> str:
    kind: str = resource["type"].partition(":")[2]
    return kind
