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
from deployment import queries

ALL = {name: query for name, (_, query) in queries.WORKBOOK.items()} | {
    "poison": queries.POISONED, "no-run": queries.RUNS, "key": queries.KEY_TROUBLE, "old": queries.OLDEST,
}  # fmt: skip
EVENTS = {"run": ["poll finished"], "row": ["row written"]}


@pytest.fixture(scope="session")
def lines(connection_string: str) -> Iterator[dict[str, set[str]]]:
    """Event -> fields, from runs that write every kind of line."""
    fields: dict[str, set[str]] = {}
    with StandIn(keys={CANARY}) as stand_in, scenario(connection_string, stand_in) as app:
        app.job()
        app.job(faults=("status:500",))
        app.job(masterKeyName="nobody")
        app.job("never", faults=("status:401",))
        app.send("poison")
        app.poll()
        for event in (
            "poll finished",
            "row written",
            "message poisoned",
            "endpoint unavailable",
            "master key refused",
            "master key not configured",
        ):
            [line, *_] = app.lines(event)
            fields[event] = set(line)
        fields["message kept"] = {"messageId", "reason"}
        yield fields


@pytest.mark.parametrize("name", ALL)
def test_the_fields_of_a_query_are_in_the_lines_it_reads(name: str, lines: dict[str, set[str]]) -> None:
    """A field that no line has would make a picture that is always empty."""
    query = ALL[name] if name == "key" else ALL[name].replace(queries.KEY_TROUBLE, "")
    events = re.findall(r'startswith "([a-z ]+) \{"', query)
    assert events
    assert set(events) <= set(lines)
    for variable, field in re.findall(r"\b(run|row|line)\.(\w+)", query):
        for event in EVENTS.get(variable, [event for event in events if event not in ("poll finished", "row written")]):
            assert field in lines[event], f"{event} has no {field}"


@pytest.mark.parametrize("name", ALL)
def test_a_query_finds_the_json_where_it_begins(name: str) -> None:
    """`substring` counts from after the event's name."""
    for event, at in re.findall(
        r'startswith "([a-z ]+) \{" \| extend \w+ = parse_json\(substring\(Message, (\d+)\)\)', ALL[name]
    ):
        assert len(event) + 1 == int(at)
    assert ALL[name].count("(") == ALL[name].count(")")
