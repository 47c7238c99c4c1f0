"""The program's variants, each recorded once in a process of its own."""

import json
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from .record import KEY, SUBSCRIPTION

ROOT = Path(__file__).parents[2]
SOMEBODY, A_GROUP, A_PROGRAM = (f"{digit * 8}-2222-3333-4444-555555555555" for digit in "abc")
ACTION_GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/on-call/providers/Microsoft.Insights/actionGroups/pager"
VARIANTS: dict[str, dict[str, str]] = {
    "plain": {},
    "private network": {"privateNetwork": "true"},
    "several keys": {"masterKeys": json.dumps({"default": KEY, "Contoso_1": KEY + "-too"})},
    "several pollers": {"pollers": "3", "instanceMemory": "2048", "jobQueue": "loads", "dataSourceTable": "Loads"},
    "everything": {
        "privateNetwork": "true",
        "storageRedundancy": "GZRS",
        "completionQueue": "ended-loads",
        "submitters": json.dumps([{"id": SOMEBODY, "type": "User"}, {"id": A_GROUP, "type": "Group"}]),
        "operators": json.dumps([{"id": A_GROUP, "type": "Group"}, {"id": A_PROGRAM, "type": "ServicePrincipal"}]),
        "actionGroupId": ACTION_GROUP,
        "monthlyBudget": "20",
        "diagnosticLogs": "true",
        "tags": json.dumps({"Stack": "ours", "costCenter": 4711}),
    },
}


@dataclass(frozen=True)
class Recording:
    """What a run of the program registered."""

    resources: list[dict[str, Any]]
    outputs: dict[str, Any]
    seconds: float

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The resources of a type, by the end of its name."""
        provided = [resource for resource in self.resources if not resource["type"].startswith("dataflow-poller:")]
        return [resource for resource in provided if resource["type"].endswith(f":{kind}")]

    def one(self, kind: str, name: str | None = None) -> dict[str, Any]:
        """The inputs of the only resource of a type and name."""
        [resource] = [resource for resource in self.of(kind) if name in (None, resource["name"])]
        inputs: dict[str, Any] = resource["inputs"]
        return inputs

    def settings(self) -> dict[str, str]:
        """The function app's settings."""
        return {setting["name"]: setting["value"] for setting in self.one("WebApp")["siteConfig"]["appSettings"]}


def run_program(config: dict[str, str], stack: str = "dev") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.infra.record", json.dumps(config), stack]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@cache
def recorded(variant: str) -> Recording:
    run = run_program(VARIANTS[variant])
    assert run.returncode == 0, run.stderr
    return Recording(**json.loads(run.stdout))


@pytest.fixture(params=VARIANTS)
def recording(request: pytest.FixtureRequest) -> Recording:
    return recorded(request.param)


@pytest.fixture
def plain() -> Recording:
    return recorded("plain")


@pytest.fixture
def private() -> Recording:
    return recorded("private network")


@pytest.fixture
def everything() -> Recording:
    return recorded("everything")
