"""What the endpoint's answer to one poll means. Pure.

The first row that fits decides:

    429, 503, or a header X-MS-BM-WS-INFO: 1                            Throttled
    401, 403, or a 200, 400 or 404 with an authenticationResultCode
    other than ValidCredentials                                         KeyRefused
    400, 404                                                            JobRefused
    200 about this job                                                  JobStatus
    anything else                                                       Unavailable

A 200 without a job counts as the status that its body repeats.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from .body import InvalidBody
from .status import Envelope, JobStatus, read_envelope

MAX_RETRY_AFTER = 3600
"""Seconds; a longer `Retry-After` is cut to this."""

_SECONDS = re.compile(r"[0-9]+(\s*,\s*[0-9]+)*+")

MAX_TEXT = 32_000
"""Code points of an answer's text; a row and a line of the log hold no more."""


@dataclass(frozen=True)
class Throttled:
    """The service sheds load: the key rests, for ``retry_after`` seconds at least (0: it did not say)."""

    reason: str
    retry_after: float


@dataclass(frozen=True)
class KeyRefused:
    """The service does not accept the master key."""

    reason: str


@dataclass(frozen=True)
class JobRefused:
    """400 or 404: the service does not know this job, or not yet."""

    reason: str


@dataclass(frozen=True)
class Unavailable:
    """No usable answer: no connection, a timeout, another status, or a body that is not about this job."""

    reason: str


@dataclass(frozen=True)
class KeyResting:
    """Nobody asked: the key rests for the run, another ``seconds`` at least, or is not configured."""

    reason: str
    seconds: float


Answer = JobStatus | Throttled | KeyRefused | JobRefused | Unavailable | KeyResting


def read_answer(
    status_code: int,
    headers: Mapping[str, str],
    body: bytes | Unavailable,
    job_id: str,
    mask: Callable[[str], str],
) -> Answer:
    """Say what a response means for one job.

    The texts of the answer are masked whole, each once, and cut after that: no half of a key is left at a cut, and
    nobody after this has a long text to search. The data source URL stays whole, since its end names the data source.

    Args:
        status_code: the HTTP status.
        headers: the response's headers; looked up by the names used here, so without case.
        body: the decoded body, or why it could not be read (cut short, too large, too slow).
        job_id: the job that was asked about.
        mask: replaces master keys.
    """
    read = _envelope(body)
    said = Envelope() if isinstance(read, Unavailable) else read  # The status alone may say enough.
    status, words = _status(status_code, said)

    def reason(*texts: str) -> str:
        return mask("; ".join(filter(None, [*texts, said.error_details])))[:MAX_TEXT]

    if status in (429, 503):
        return Throttled(reason(f"throttled: {words}"), retry_after(headers))
    if "1" in (value.strip() for value in headers.get("X-MS-BM-WS-INFO", "").split(",")):
        return Throttled(reason(f"throttled: {words}, X-MS-BM-WS-INFO: 1"), retry_after(headers))
    credentials = said.authentication_result_code
    refusal = "" if credentials.casefold() == "validcredentials" else credentials
    if status in (401, 403) or (refusal and status in (200, 400, 404)):
        return KeyRefused(reason(words, refusal))
    if status in (400, 404):
        return JobRefused(reason(words))
    if status != 200:
        return Unavailable(reason(words + (", redirect not followed" if 300 <= status_code < 400 else "")))
    if isinstance(read, Unavailable):
        return read
    job = said.job(job_id)
    return _masked(job, mask) if job else Unavailable(reason(f"{words}: the body is not about this job"))


def _status(status_code: int, said: Envelope) -> tuple[int, str]:
    """The status that counts, and how to say it."""
    if status_code == 200 and not said.has_job and said.status_code is not None and said.status_code != 200:
        return said.status_code, f"HTTP 200, but status {said.status_code} in its body"
    return status_code, f"HTTP {status_code}"


def _envelope(body: bytes | Unavailable) -> Envelope | Unavailable:
    if isinstance(body, Unavailable):
        return body
    try:
        return read_envelope(body)
    except InvalidBody as error:
        return Unavailable(f"HTTP 200: {error}")


def _masked(job: JobStatus, mask: Callable[[str], str]) -> JobStatus:
    return replace(
        job,
        state=mask(job.state)[:MAX_TEXT],
        data_source_url=mask(job.data_source_url),
        error_log_url=mask(job.error_log_url)[:MAX_TEXT],
        description=mask(job.description)[:MAX_TEXT],
        error_message=mask(job.error_message)[:MAX_TEXT],
        trace_id=mask(job.trace_id)[:MAX_TEXT],
    )


def retry_after(headers: Mapping[str, str]) -> float:
    """Seconds that `Retry-After` asks for, from 0 to `MAX_RETRY_AFTER`; 0 where it is missing or junk.

    A date counts from the response's own `Date`, so no clock of this machine is in it. Of a header that is there more
    than once, the longest of the seconds counts.
    """
    value = headers.get("Retry-After", "").strip()
    if _SECONDS.fullmatch(value):
        longest = max(int(seconds.strip().lstrip("0")[:5] or 0) for seconds in value.split(","))
        return float(min(longest, MAX_RETRY_AFTER))
    try:
        wait: timedelta = _first_date(value) - _first_date(headers.get("Date", ""))
    except (ValueError, TypeError, OverflowError, IndexError):
        return 0.0
    return math.ceil(min(max(wait.total_seconds(), 0), MAX_RETRY_AFTER))


def _first_date(value: str) -> datetime:
    """The date of a header; the first one where a proxy has added its own."""
    return parsedate_to_datetime(value.partition(" GMT,")[0])
