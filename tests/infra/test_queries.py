"""Alerts and workbook read fields that the app's log lines really have."""

import re
import sys
from collections.abc import Iterator

import pytest

from local.endpoint import StandIn
from tests.conftest import CANARY
from tests.scenario import scenario

from .conftest import ROOT

sys.path.append(str(ROOT / "infra"))
from deployment.queries import every_query

ALL = every_query()
EVENTS = {"run": ["poll finished"], "row": ["row written"]}
TROUBLE = {
    "message poisoned": {"messageId", "poisonMessageId", "reason", "cut"},
    "claim failed": {"reason"},
    "internal error": {"messageId", "jobId", "reason"},
    "message kept": {"messageId", "jobId", "reason"},
    "queue made": {"name"},
    "table made": {"name"},
    "master key not configured": {"masterKeyName", "setting", "reason"},
    "master key refused": {"masterKeyName", "setting", "reason"},
    "master key throttled": {"masterKeyName", "reason", "retryAfterSeconds"},
    "endpoint unavailable": {"host", "reason", "jobs", "jobId"},
    "job refused": {"masterKeyName", "reason", "jobs", "jobId"},
    "unknown status": {"status", "jobs", "jobId"},
    "unknown app setting": {"setting"},
}
"""Event -> its fields, of all lines about trouble."""


@pytest.fixture(scope="session")
def lines(connection_string: str) -> Iterator[dict[str, set[str]]]:
    """Event -> fields; those of runs and rows from lines that the app really writes."""
    fields = dict(TROUBLE)
    with StandIn(keys={CANARY}) as stand_in, scenario(connection_string, stand_in) as app:
        app.job()
        app.poll()
        for event in ("poll finished", "row written"):
            [line, *_] = app.lines(event)
            fields[event] = set(line)
        yield fields


@pytest.mark.parametrize("name", [name for name in ALL if "startswith" in ALL[name]])
def test_the_fields_of_a_query_are_in_the_lines_it_reads(name: str, lines: dict[str, set[str]]) -> None:
    """A field that no line has would make a picture that is always empty, or an alert that never comes."""
    events = re.findall(r'startswith "([a-z ]+) \{"', ALL[name])
    assert set(events) <= set(lines)
    for variable, field in re.findall(r"\b(run|row|line)\.(\w+)", ALL[name]):
        for event in EVENTS.get(variable, events):
            assert field in lines[event], f"{event} has no {field}"


@pytest.mark.parametrize("name", ALL)
def test_a_query_finds_the_json_where_it_begins(name: str) -> None:
    """`substring` counts from after the event's name."""
    begins = re.findall(
        r'startswith "([a-z ]+) \{" \| extend \w+ = parse_json\(substring\(Message, (\d+)\)\)', ALL[name]
    )
    assert all(len(event) + 1 == int(at) for event, at in begins)


def test_trouble_by_kind_tells_each_kind() -> None:
    """Each line about trouble has one of the fields by which the workbook tells them apart."""
    fields = set(re.findall(r"line\.(\w+)", ALL["Trouble by kind"]))
    for event, has in TROUBLE.items():
        assert fields & has, event
        assert re.fullmatch("[a-z ]+", event)


def test_queries_of_alerts_with_several_windows_keep_the_time() -> None:
    """Azure tells the windows by the column TimeGenerated."""
    for kind in ("no-run", "old", "endpoint"):
        assert all("TimeGenerated" in columns for columns in re.findall(r"\| project ([^|]+)", ALL[kind]))
