"""The guide names what there is."""

import re

import pytest
import yaml

from .conftest import ROOT, Recording

pytestmark = pytest.mark.xdist_group("program")  # Its recordings are made once a process.
GUIDE = (ROOT / "docs/deploy.md").read_text("utf-8")
UNDECLARED = {"masterKeys", "operators", "submitters", "tags", "monthlyBudget"}
"""Pulumi has no type for them; the comment at the top of Pulumi.yaml says more."""


def test_its_stack_outputs_are_there(everything: Recording) -> None:
    """A command that asks for an output which is not there fails in the reader's hands."""
    named = set(re.findall(r"pulumi stack output (\w+)", GUIDE))
    assert len(named) > 4
    assert named <= set(everything.outputs)


def test_its_configuration_is_known() -> None:
    """What it tells to set is in Pulumi.yaml."""
    declared = set(yaml.safe_load((ROOT / "infra/Pulumi.yaml").read_text("utf-8"))["config"]) | UNDECLARED
    named = re.findall(r"pulumi config (?:set|rm) (?:--secret )?(?:--path )?'?(\w+)(?![\w-]*:)", GUIDE)
    assert len(named) > 8
    assert set(named) - {"azure"} <= declared


def test_each_alert_is_in_its_table(plain: Recording) -> None:
    """Whoever gets a mail finds what to do: a row for each alert."""
    table = GUIDE.partition("## When an alert comes")[2].partition("\n\nThe lines")[0]
    assert table.count("\n| ") == len(plain.of("ScheduledQueryRule")) + 1


def test_its_tools_are_there() -> None:
    """The modules that it runs."""
    for module in set(re.findall(r"-m (deployment[\w.]+)", GUIDE)):
        assert (ROOT / "infra" / (module.replace(".", "/") + ".py")).is_file()
