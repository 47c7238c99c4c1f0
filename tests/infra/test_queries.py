"""Alerts and workbook read fields that the app's log lines really have."""

import re
import sys
from unittest import mock

import pytest

from local.azurite import Clock
from local.endpoint import StandIn
from tests.conftest import CANARY, OTHER_KEY
from tests.scenario import Scenario, scenario
from tests.storage_proxy import Fault, StorageProxy

from .conftest import ROOT

sys.path.append(str(ROOT / "infra"))
from deployment.queries import every_query

ALL = every_query()
EVENTS = {"run": ["poll finished"], "row": ["row written"]}
TROUBLE = [
    "message poisoned", "claim failed", "internal error", "message kept", "queue made", "table made", "master key not configured",
    "master key refused", "master key throttled", "endpoint unavailable", "job refused", "unknown status", "unknown app setting",
]  # fmt: skip
"""The events of lines about trouble."""


def cause_everything(app: Scenario, proxy: StorageProxy) -> None:
    """Runs that write every kind of line."""
    for faults in (("status:500",), ("status:404",), ('job:{"status": "Odd"}',), ("throttled:429",)):
        app.job(faults=faults)
        app.poll(POLL_CONCURENCY="1")
    app.job(faults=("status:401",), masterKeyName="other")
    app.job(masterKeyName="nobody")
    app.send("poison")
    app.poll(BING_MAPS_MASTER_KEY_OTHER=OTHER_KEY)
    app.job()
    proxy.faults += [Fault("receive", "500", times=2), Fault("delete", "500", times=2)]
    app.poll()
    app.later(3600)
    with mock.patch("dataflow_poller.poll.row", side_effect=LookupError):
        app.fail()


@pytest.fixture(scope="session")
def lines(connection_string: str, clock: Clock) -> dict[str, set[str]]:
    """Event -> the fields that all lines of it have, as the app really writes them."""
    with (
        StandIn(keys={CANARY}) as stand_in,
        StorageProxy(connection_string) as proxy,
        scenario(
            connection_string, stand_in, clock, JobStorage=proxy.connection_string, POLL_MIN_DELAY_SECONDS="30"
        ) as app,
    ):
        cause_everything(app, proxy)
        return {
            event: set.intersection(*map(set, app.lines(event))) for event in ["poll finished", "row written", *TROUBLE]
        }


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


def test_trouble_by_kind_tells_each_kind(lines: dict[str, set[str]]) -> None:
    """Each line about trouble has one of the fields by which the workbook tells them apart."""
    fields = set(re.findall(r"line\.(\w+)", ALL["Trouble by kind"]))
    for event in TROUBLE:
        assert fields & lines[event], event
        assert re.fullmatch("[a-z ]+", event)


def test_queries_of_alerts_with_several_windows_keep_the_time() -> None:
    """Azure tells the windows by the column TimeGenerated."""
    for kind in ("no-run", "old", "endpoint"):
        assert all("TimeGenerated" in columns for columns in re.findall(r"\| project ([^|]+)", ALL[kind]))
