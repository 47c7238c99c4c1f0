"""Completion events: what a consumer of them reads."""

import base64
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow_poller.completion import CUT_TEXT, completion_event
from dataflow_poller.poison_text import MAX_BYTES
from dataflow_poller.row import MAX_STRING, Row, fit_for_a_row

ROW: Row = {
    "PartitionKey": "default",
    "RowKey": "a%20b",
    "JobId": "a b",
    "Status": "Aborted",
    "DataSourceUrl": "",
    "Polls": 3,
}
TEXTS = ("DataSourceUrl", "DataSourceName", "Description", "ErrorMessage", "ErrorLogUrl", "TraceId")


def read(event: str) -> dict[str, Any]:
    properties: dict[str, Any] = json.loads(base64.b64decode(event, validate=True))
    return properties


def test_an_event_is_the_row_as_json_in_base64() -> None:
    """The names and values of the table; dates in ISO 8601 with Z, whatever their zone."""
    date = datetime(2026, 3, 3, 2, 5, tzinfo=timezone(timedelta(hours=-8)))
    told = ROW | {
        "ErrorMessage": "緯度",
        "CompletedDate": date,
        "RecordedDate": datetime(2026, 1, 1, 1, 2, 3, 4000, UTC),
    }
    assert read(completion_event(told)) == {
        **ROW, "ErrorMessage": "緯度", "CompletedDate": "2026-03-03T10:05:00Z", "RecordedDate": "2026-01-01T01:02:03.004000Z",
    }  # fmt: skip


@pytest.mark.parametrize(("length", "cut"), [(48_000 - 200, False), (49_200, True)])
def test_an_event_that_is_too_large_has_its_texts_cut(length: int, cut: bool) -> None:
    """48 KiB are 64 KiB in base64; the row has the whole."""
    event = read(completion_event(ROW | {"ErrorMessage": "e" * (length // 2), "Description": "d" * (length // 2)}))
    assert event.get("cut", False) is cut
    assert len(event["ErrorMessage"]) == (CUT_TEXT if cut else length // 2)
    assert event["ErrorMessage"].endswith("…") is cut
    assert event["JobId"] == "a b"


@given(
    st.fixed_dictionaries({}, optional={name: st.text().map(fit_for_a_row) for name in TEXTS}), st.integers(1, 10_000)
)
def test_every_row_makes_an_event_that_a_queue_takes(texts: dict[str, str], times: int) -> None:
    """Whatever is in its texts, however long they are."""
    row = ROW | {name: fit_for_a_row((text * times)[: 2 * MAX_STRING]) for name, text in texts.items()}
    event = completion_event(row)
    assert len(event) <= MAX_BYTES
    assert read(event).keys() - {"cut"} == row.keys()
