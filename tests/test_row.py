"""Rows: what the table gets, in its types and within its limits."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow_poller.decide import Record
from dataflow_poller.job import DataflowJob
from dataflow_poller.outcome import Outcome
from dataflow_poller.row import MAX_STRING, Row, fit_for_a_row, row
from dataflow_poller.status import JobStatus

SENT = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 1, 1, 1, tzinfo=UTC)


def written(status: JobStatus | None = None, error: str = "", job_id: str = "id", polls: int = 3) -> Row:
    return row(Record(Outcome.COMPLETED, status, error), DataflowJob(job_id, "contoso"), polls, SENT, NOW)


def test_a_full_row() -> None:
    """Every property of the contract, each from where it belongs."""
    status = JobStatus(
        state="Completed", data_source_url="https://x/data/abc/Fourth%20Coffee", error_log_url="https://x/log", description="d",
        trace_id="t", created=SENT, completed=NOW, total_entities=3, processed_entities=2, failed_entities=1,
    )  # fmt: skip
    assert written(status, "e") == {
        "PartitionKey": "contoso",
        "RowKey": "id",
        "JobId": "id",
        "Status": "Completed",
        "DataSourceUrl": "https://x/data/abc/Fourth%20Coffee",
        "DataSourceName": "Fourth Coffee",
        "Description": "d",
        "ErrorMessage": "e",
        "ErrorLogUrl": "https://x/log",
        "TraceId": "t",
        "CreatedDate": SENT,
        "CompletedDate": NOW,
        "SubmittedDate": SENT,
        "RecordedDate": NOW,
        "TotalEntityCount": 3,
        "ProcessedEntityCount": 2,
        "FailedEntityCount": 1,
        "Polls": 3,
    }


def test_what_has_no_value_is_left_out_but_the_url() -> None:
    """A query for `DataSourceUrl eq ''` finds every job without one."""
    assert set(written()) == {
        "PartitionKey", "RowKey", "JobId", "Status", "DataSourceUrl", "SubmittedDate", "RecordedDate", "Polls",
    }  # fmt: skip
    assert written()["DataSourceUrl"] == ""


@pytest.mark.parametrize(("job_id", "key"), [("aZ09-_.~", "aZ09-_.~"), ("a/b\\c#d?e%f g", "a%2Fb%5Cc%23d%3Fe%25f%20g")])
def test_the_row_key_is_the_encoded_job_id(job_id: str, key: str) -> None:
    """Keys refuse some characters; the job's own id stands beside."""
    assert (written(job_id=job_id)["RowKey"], written(job_id=job_id)["JobId"]) == (key, job_id)


@pytest.mark.parametrize(("text", "fitting"), [
    ("a\0b\x1fc\x7fd\x85e", "a\ufffdb\ufffdc\ufffdd\ufffde"),
    ("line\nend\t", "line\ufffdend\ufffd"),
    ("\ud800x\udc00", "\ufffdx\ufffd"),
    ("é😀", "é😀"),
    ("x" * 40_000, "x" * 32_000),
    ("😀" * 20_000, "😀" * 16_000),
    ("x" + "😀" * 20_000, "x" + "😀" * 15_999),
    ("\0" * 1_000_000, "\ufffd" * 32_000),
])  # fmt: skip
def test_strings_are_made_fit(text: str, fitting: str) -> None:
    """Control characters and halves of surrogate pairs are replaced, and length counts in UTF-16 units."""
    assert fit_for_a_row(text) == fitting


@given(st.text(st.characters(codec=None)))
def test_any_string_is_fit_in_the_end(text: str) -> None:
    """The table takes it: it encodes, and it is short enough."""
    assert len(fit_for_a_row(text).encode("utf-16-le")) <= 2 * MAX_STRING


@pytest.mark.parametrize(("count", "kept"), [(2**31 - 1, True), (-(2**31), True), (2**31, False), (10**30, False)])
def test_integers_beyond_int32_are_left_out(count: int, *, kept: bool) -> None:
    """The table's type of these is int32."""
    assert ("TotalEntityCount" in written(JobStatus("Completed", total_entities=count))) is kept


@pytest.mark.parametrize(("year", "kept"), [(1600, False), (1601, True), (9999, True)])
def test_dates_before_1601_are_left_out(year: int, *, kept: bool) -> None:
    """The table's dates begin there; the service's minimal date is of the year 1."""
    assert ("CreatedDate" in written(JobStatus("Completed", created=datetime(year, 1, 1, tzinfo=UTC)))) is kept


@pytest.mark.parametrize(("url", "name"), [
    ("https://x/data/abc/Name", "Name"),
    ("https://x/data/abc/Name/", "Name"),
    ("https://x/data/abc/Name?x=y", "Name"),
    ("HTTP://x/data/abc/Name#y/z", "Name"),
    ("https://x/data/abc/A%2FB", "A/B"),
    ("https://x/data/abc/***", "***"),
    ("https://x/" + "a" * 40_000 + "/Name", "Name"),
    ("https://x/data/abc/N%C3%A4me", "Näme"),
    ("https://[", None),
    ("nonsense", None),
    ("https://x", None),
])  # fmt: skip
def test_the_data_source_name_is_the_last_segment(url: str, name: str | None) -> None:
    """What people call the data source, decoded."""
    assert written(JobStatus("Completed", data_source_url=url)).get("DataSourceName") == name


texts = st.text(st.characters(codec=None))


@given(st.builds(JobStatus, texts, texts, texts, texts, texts, texts, st.none() | st.datetimes(timezones=st.just(UTC)),
                 st.none() | st.datetimes(timezones=st.just(UTC)), st.none() | st.integers()), texts, st.integers(0))  # fmt: skip
def test_any_status_makes_a_row_of_the_tables_types(status: JobStatus, error: str, polls: int) -> None:
    """Whatever the service says, the row can be written."""
    value: Any
    for name, value in written(status, error, polls=polls).items():
        assert isinstance(value, str | int | datetime)
        if isinstance(value, str):
            value.encode()
            assert name == "DataSourceUrl" or value
