"""What to do with a job: an answer, the message's age and its expiry in, one decision out. Pure."""

from dataclasses import dataclass, replace
from typing import assert_never

from .answer import Answer, JobRefused, KeyRefused, KeyResting, Throttled, Unavailable
from .outcome import Outcome
from .policy import PollingPolicy, Wait
from .status import JobStatus
from .urls import is_web_url

REJECTED_AFTER = 3
"""A job is `Rejected` at this many polls in a row that ended with 400 or 404."""

NO_LINK = "completed without a data source link"
NO_URL = "completed with a data source link that is no http or https URL"

EXPIRY_MARGIN = 120
"""Seconds that a message must still have to live when its next poll is due."""


@dataclass(frozen=True)
class Record:
    """The job has ended: write its row, then delete its message.

    Attributes:
        outcome: one that has a row.
        status: what the endpoint said of the job, where it said anything.
        error: what the row's `ErrorMessage` says; empty for none.
    """

    outcome: Outcome
    status: JobStatus | None
    error: str


@dataclass(frozen=True)
class Defer:
    """Poll again: the message reappears after the wait.

    Attributes:
        outcome: `PENDING`, or `UNAVAILABLE` for any other reason to poll again.
        rejections: the count of 400 and 404 in a row to keep in the message.
    """

    wait: Wait
    outcome: Outcome
    rejections: int


Decision = Record | Defer


def decide(answer: Answer, rejections: int, age: float, expires_in: float, policy: PollingPolicy) -> Decision:
    """Decide about one job.

    Args:
        answer: what came of asking, or why nobody asked.
        rejections: polls in a row, before this one, that ended with 400 or 404.
        age: seconds since the message was inserted, by the storage server's clock.
        expires_in: seconds until the message expires, by the same clock.
        policy: delays and the greatest age.
    """
    wait = policy.delay(age)
    kept = 0
    status = None
    match answer:
        case JobStatus(state="Completed"):
            return _completed(answer)
        case JobStatus(state="Aborted"):
            return Record(Outcome.ABORTED, answer, answer.error_message)
        case JobStatus():
            status, last = answer, _with_words(f"status {answer.state or 'missing'}", answer)
        case JobRefused(reason):
            kept, last = rejections + 1, reason
            if kept >= REJECTED_AFTER:
                return Record(Outcome.REJECTED, None, reason)
        case Throttled(reason, retry_after):
            wait, last = wait.at_least(retry_after), reason
        case KeyResting(reason, seconds):
            wait, last, kept = wait.at_least(seconds), reason, rejections
        case KeyRefused(reason) | Unavailable(reason):
            last = reason
        case _:
            assert_never(answer)
    if age > policy.max_age or expires_in <= wait.latest + EXPIRY_MARGIN:
        return Record(Outcome.TIMED_OUT, status, f"no end seen {_why_now(age, policy)}; last: {last}")
    return Defer(wait, Outcome.UNAVAILABLE if status is None else Outcome.PENDING, rejections=kept)


def _completed(status: JobStatus) -> Record:
    if is_web_url(status.data_source_url):
        return Record(Outcome.COMPLETED, status, status.error_message)
    why = f"{NO_URL}: {status.data_source_url}" if status.data_source_url else NO_LINK
    return Record(Outcome.COMPLETED, replace(status, data_source_url=""), _with_words(why, status))


def _with_words(reason: str, status: JobStatus) -> str:
    """The reason, and the service's own words where it says any."""
    return f"{reason}; {status.error_message}" if status.error_message else reason


def _why_now(age: float, policy: PollingPolicy) -> str:
    if age > policy.max_age:
        return f"within {policy.max_age / 3600:g} hours"
    return "before the message expires"
