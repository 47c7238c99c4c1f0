"""`make check-infra` finds what is wrong: one broken input of each kind."""

import copy
import json
from typing import Any

import pytest

from .check import queries_of, query_problems
from .conftest import Recording
from .properties import problems

ACCOUNT: dict[str, Any] = {
    "resourceGroupName": "g",
    "accountName": "a",
    "kind": "StorageV2",
    "sku": {"name": "Standard_LRS"},
    "allowSharedKeyAccess": False,
    "minimumTlsVersion": "TLS1_2",
    "networkRuleSet": {
        "defaultAction": "Deny",
        "bypass": "AzureServices",
        "ipRules": [{"iPAddressOrRange": "192.0.2.1"}],
    },
    "tags": {"project": "dataflow-poller"},
}
RULE: dict[str, Any] = {
    "resourceGroupName": "g",
    "severity": 2.0,
    "criteria": {"allOf": [{"operator": "GreaterThan", "threshold": 0.5, "query": "AppTraces"}]},
}


@pytest.mark.parametrize(("path", "value", "said"), [
    ("nam", "x", "StorageAccount.nam is no property of it"),
    ("primaryEndpoints", {}, "StorageAccount.primaryEndpoints is read-only"),
    ("kind", ..., "StorageAccount.kind is missing"),
    ("kind", "StorageV3", "StorageAccount.kind: 'StorageV3' is none of Storage, StorageV2, "),
    ("allowSharedKeyAccess", "false", "StorageAccount.allowSharedKeyAccess: 'false' is no bool"),
    ("sku", "Standard_LRS", "StorageAccount.sku: 'Standard_LRS' is no SkuArgs"),
    ("sku.tier", "Standard", "StorageAccount.sku.tier is read-only"),
    ("sku.name", "Standard_XRS", "StorageAccount.sku.name: 'Standard_XRS' is none of "),
    ("networkRuleSet.defaultAction", ..., "StorageAccount.networkRuleSet.defaultAction is missing"),
    ("networkRuleSet.default", "Deny", "StorageAccount.networkRuleSet.default is no property of it"),
    ("networkRuleSet.ipRules", {}, "StorageAccount.networkRuleSet.ipRules: {} is no Sequence"),
    ("networkRuleSet.ipRules.0.action", "Forbid", "StorageAccount.networkRuleSet.ipRules[0].action: 'Forbid' is none of Allow"),
    ("networkRuleSet.ipRules.0.iPAddressOrRange", ..., "StorageAccount.networkRuleSet.ipRules[0].iPAddressOrRange is missing"),
    ("tags.project", 1, "StorageAccount.tags.project: 1 is no str"),
])  # fmt: skip
def test_a_broken_input_is_found(path: str, value: Any, said: str) -> None:
    """Unknown, read-only, missing, none of the values, of another type; at the top, inside, in lists, in maps."""
    assert problems("azure-native:storage:StorageAccount", ACCOUNT) == []
    [found] = problems("azure-native:storage:StorageAccount", changed(ACCOUNT, path, value))
    assert found.startswith(said)


@pytest.mark.parametrize(("path", "value", "said"), [
    ("criteria.allOf.0.operator", "gt", "ScheduledQueryRule.criteria.allOf[0].operator: 'gt' is none of Equals, GreaterThan, "),
    ("criteria.allOf.0.threshold", True, "ScheduledQueryRule.criteria.allOf[0].threshold: True is no float"),
    ("severity", "high", "ScheduledQueryRule.severity: 'high' is no float"),
])  # fmt: skip
def test_a_broken_alert_is_found(path: str, value: Any, said: str) -> None:
    """Numbers, and what azure-native itself is wrong about."""
    assert problems("azure-native:monitor:ScheduledQueryRule", RULE) == []
    [found] = problems("azure-native:monitor:ScheduledQueryRule", changed(RULE, path, value))
    assert found.startswith(said)


@pytest.mark.parametrize(("query", "said"), [
    ("AppTraces | summarize last = max(TimeGenerated)", "The name 'last' needs to be bracketed"),
    ("AppTraces | where Message ==", "Missing expression"),
    ("AppTraces | where (Message == 'a'", ""),
    ("AppTraces | summarise count()", ""),
])  # fmt: skip
def test_a_query_that_does_not_parse_is_found(query: str, said: str) -> None:
    """By Kusto's own parser, with where it stands."""
    found = query_problems({"AppTraces | take 1": "a good one", query: "alert-x.criteria"})
    assert found
    assert all(one.startswith(f"alert-x.criteria: {said}") for one in found)


def test_the_queries_of_alerts_and_workbook_are_found(plain: Recording) -> None:
    """Those that Azure gets: in the inputs, and in the workbook's text."""
    found = set(queries_of(plain.resources).values())
    alerts = {resource["name"] for resource in plain.of("ScheduledQueryRule")}
    assert alerts <= {where.partition(".")[0] for where in found}
    [workbook] = plain.of("Workbook")
    tiles = [tile for tile in json.loads(workbook["inputs"]["serializedData"])["items"] if "query" in tile["content"]]
    assert len(tiles) == sum(where.startswith("workbook.") for where in found) > 3


def changed(inputs: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """With another value there; without it, where the value is `...`."""
    inputs = copy.deepcopy(inputs)
    *outer, last = path.split(".")
    part: Any = inputs
    for name in outer:
        part = part[int(name) if name.isdigit() else name]
    if value is ...:
        del part[last]
    else:
        part[last] = value
    return inputs
