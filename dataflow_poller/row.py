"""The end of a job -> one row of the data source table. Pure."""

import re
from datetime import UTC, datetime
from urllib.parse import quote

from .decide import Record
from .job import DataflowJob
from .status import JobStatus
from .urls import data_source_name

Row = dict[str, str | int | datetime]

ESSENTIAL = ("PartitionKey", "RowKey", "JobId", "Status", "DataSourceUrl")
"""The properties without which a row would be of no use."""

MAX_STRING = 32_000
"""UTF-16 units; the table takes 32,768 (64 KiB) a property."""

_EARLIEST = datetime(1601, 1, 1, tzinfo=UTC)  # of the table's date type
_UNSOUND = re.compile("[\0-\x1f\x7f-\x9f\ud800-\udfff]")  # Control characters, unpaired surrogates.


def row(
    record: Record,
    job: DataflowJob,
    polls: int,
    submitted: datetime,
    recorded: datetime,
) -> Row:
    """The row that says how a job ended.

    Args:
        record: the end. The endpoint's texts have the master keys masked: so what is derived from one has no key.
        job: as the message named it.
        polls: how often the job's message was received.
        submitted: when it was inserted, by the storage server's clock.
        recorded: now, by the same clock.
    """
    said = record.status or JobStatus("")
    values: dict[str, str | int | datetime | None] = {
        "PartitionKey": job.master_key_name,
        "RowKey": quote(job.job_id, safe=""),
        "JobId": job.job_id,
        "Status": record.outcome.status,
        "DataSourceName": fit_for_a_row(data_source_name(said.data_source_url)),
        "Description": fit_for_a_row(said.description),
        "ErrorMessage": fit_for_a_row(record.error),
        "ErrorLogUrl": fit_for_a_row(said.error_log_url),
        "TraceId": fit_for_a_row(said.trace_id),
        "CreatedDate": _date(said.created),
        "CompletedDate": _date(said.completed),
        "SubmittedDate": _date(submitted),
        "RecordedDate": _date(recorded),
        "TotalEntityCount": _int32(said.total_entities),
        "ProcessedEntityCount": _int32(said.processed_entities),
        "FailedEntityCount": _int32(said.failed_entities),
        "Polls": _int32(polls),
    }
    known = {name: value for name, value in values.items() if value is not None and value != ""}
    return known | {"DataSourceUrl": fit_for_a_row(said.data_source_url)}


def fit_for_a_row(text: str) -> str:
    """``text`` as a string property takes it: sound characters only, at most `MAX_STRING` UTF-16 units."""
    sound = _UNSOUND.sub("\N{REPLACEMENT CHARACTER}", text[:MAX_STRING])
    return sound.encode("utf-16-le")[: 2 * MAX_STRING].decode("utf-16-le", "ignore")


def _date(date: datetime | None) -> datetime | None:
    return date if date is not None and date >= _EARLIEST else None


def _int32(number: int | None) -> int | None:
    return number if number is not None and -(2**31) <= number < 2**31 else None
