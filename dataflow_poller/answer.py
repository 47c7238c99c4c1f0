"""What the endpoint's answer to one poll means. Pure.

The first row that fits decides:

    429, 503, or the header X-MS-BM-WS-INFO: 1                          Throttled
    401, 403, or an authenticationResultCode other than ValidCredentials    KeyRefused
    400, 404                                                            JobRefused
    200 about this job                                                  JobStatus
    anything else                                                       Unavailable
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime

from .status import Envelope, InvalidBody, JobStatus, read_envelope

MAX_RETRY_AFTER = 3600
"""Seconds; a longer `Retry-After` is cut to this."""


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

STATUSES_WITH_A_BODY = frozenset({200, 400, 401, 403, 404})


def read_answer(status_code: int, headers: Mapping[str, str], body: bytes | Unavailable, job_id: str) -> Answer:
    """Say what a response means for one job.

    Args:
        status_code: the HTTP status.
        headers: the response's headers; looked up by the names used here, so without case.
        body: the decoded body, or why it could not be read (cut short, too large, too slow).
        job_id: the job that was asked about.
    """
    throttled = status_code in (429, 503) or headers.get("X-MS-BM-WS-INFO", "").strip() == "1"
    if throttled:
        return Throttled(f"throttled: HTTP {status_code}", retry_after(headers))
    if status_code not in STATUSES_WITH_A_BODY:
        return Unavailable(f"HTTP {status_code}" + (", redirect not followed" if 300 <= status_code < 400 else ""))
    envelope = _envelope(body)
    if isinstance(envelope, Unavailable):
        if status_code == 200:
            return envelope
        envelope = Envelope()  # The status alone says enough.
    said = "; ".join([f"HTTP {status_code}", *envelope.error_details])
    credentials = envelope.authentication_result_code
    if credentials and credentials.casefold() != "validcredentials":
        return KeyRefused(f"{said}; {credentials}")
    if status_code in (401, 403):
        return KeyRefused(said)
    if status_code in (400, 404):
        return JobRefused(said)
    return envelope.job(job_id) or Unavailable("HTTP 200: the body is not about this job")


def _envelope(body: bytes | Unavailable) -> Envelope | Unavailable:
    if isinstance(body, Unavailable):
        return body
    try:
        return read_envelope(body)
    except InvalidBody as error:
        return Unavailable(f"HTTP 200: {error}")


def retry_after(headers: Mapping[str, str]) -> float:
    """Seconds that `Retry-After` asks for, from 0 to `MAX_RETRY_AFTER`; 0 where it is missing or junk.

    A date counts from the response's own `Date`, so no clock of this machine is in it.
    """
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(min(int(value.lstrip("0")[:5] or 0), MAX_RETRY_AFTER))
    try:
        wait: timedelta = parsedate_to_datetime(value) - parsedate_to_datetime(headers.get("Date", ""))
    except (ValueError, TypeError, OverflowError, IndexError):
        return 0.0
    return math.ceil(min(max(wait.total_seconds(), 0), MAX_RETRY_AFTER))
