"""The document of a status response -> Envelope, JobStatus. Pure.

Whatever is of an unexpected type counts as missing: a string where a number belongs costs that number, not the
answer.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from .body import Document, lower, read_body

STATES = ("Pending", "Completed", "Aborted")

_LONGEST_DATE = 64


@dataclass(frozen=True)
class JobStatus:
    """What the service says of one job.

    Attributes:
        state: `Pending`, `Completed` or `Aborted`; any other word as it stands; empty where there is none.
        data_source_url: the link of role `dataSource`; empty where there is none.
        error_log_url: the link of role `output` named `failed`; empty where there is none.
        error_message: the job's own; where it has none, what the answer says of errors.
        trace_id: of the request, for the service's support.
    """

    state: str
    data_source_url: str = ""
    error_log_url: str = ""
    description: str = ""
    error_message: str = ""
    trace_id: str = ""
    created: datetime | None = None
    completed: datetime | None = None
    total_entities: int | None = None
    processed_entities: int | None = None
    failed_entities: int | None = None


@dataclass(frozen=True)
class Envelope:
    """What every answer of the service is wrapped in.

    Attributes:
        status_code: the HTTP status as the body repeats it; None where it does not.
        error_details: what the service says went wrong, all of it; empty where it says nothing.
    """

    status_code: int | None = None
    authentication_result_code: str = ""
    error_details: str = ""
    trace_id: str = ""
    resources: list[Document] = field(default_factory=list)

    @property
    def has_job(self) -> bool:
        """Whether there is a job in it, of whatever id."""
        return any(_text(resource.get("id")) for resource in self.resources)

    def job(self, job_id: str) -> JobStatus | None:
        """The status of that job, or None where the answer is not about it."""
        for resource in self.resources:
            if _text(resource.get("id")).casefold() == job_id.casefold():
                return _job_status(resource, self)
        return None


def read_envelope(body: bytes) -> Envelope:
    """Read a body.

    Raises:
        InvalidBody: and nothing else, for any bytes.
    """
    document = read_body(body)
    details = document.get("errordetails")
    return Envelope(
        status_code=_count(document.get("statuscode")),
        authentication_result_code=_text(document.get("authenticationresultcode")),
        error_details="; ".join(filter(None, map(_text, details if isinstance(details, list) else [details]))),
        trace_id=_text(document.get("traceid")),
        resources=[
            lower(resource)
            for resource_set in _list(document.get("resourcesets"))
            for resource in _list(lower(resource_set).get("resources"))
        ],
    )


def _job_status(resource: Document, envelope: Envelope) -> JobStatus:
    state = _text(resource.get("status"))
    known = {known.casefold(): known for known in STATES}
    links = [lower(link) for link in _list(resource.get("links"))]
    return JobStatus(
        state=known.get(state.casefold(), state),
        data_source_url=_link(links, "datasource"),
        error_log_url=_link(links, "output", "failed"),
        description=_text(resource.get("description")),
        error_message=_text(resource.get("errormessage")) or envelope.error_details,
        trace_id=envelope.trace_id,
        created=_date(_text(resource.get("createddate"))),
        completed=_date(_text(resource.get("completeddate"))),
        total_entities=_count(resource.get("totalentitycount")),
        processed_entities=_count(resource.get("processedentitycount")),
        failed_entities=_count(resource.get("failedentitycount")),
    )


def _link(links: list[Document], role: str, name: str | None = None) -> str:
    """The first link of that role; the reference writes roles in several cases."""
    for link in links:
        named = name is None or _text(link.get("name")).casefold() == name
        if _text(link.get("role")).casefold() == role and named and (url := _text(link.get("url"))):
            return url
    return ""


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _count(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    text = _text(value)
    return int(text) if text.isascii() and text.removeprefix("-").isdigit() and len(text) < 20 else None


def _date(text: str) -> datetime | None:
    """``Sat, 13 Nov 2010 20:58:39 GMT``, whatever the weekday, or ISO 8601 with any number of fractional digits."""
    if len(text) > _LONGEST_DATE:
        return None
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            date = parse(text)
            return (date if date.tzinfo else date.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, TypeError, OverflowError, IndexError):
            continue
    return None
