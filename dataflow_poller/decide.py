"""What to do with a job: an answer, the message's age and its expiry in, one decision out. Pure."""

import math
from dataclasses import dataclass
from typing import assert_never

from .answer import Answer, JobRefused, KeyRefused, KeyResting, Throttled, Unavailable
from .status import JobStatus

FINAL = ("Completed", "Aborted")
"""Ends that the service itself told: they replace any row, and no other end replaces them."""

REJECTED_AFTER = 3
"""A job is `Rejected` at this many polls in a row that ended with 400 or 404."""

NO_LINK = "completed without a data source link"

EXPIRY_MARGIN = 120
"""Seconds that a message must still have to live when its next poll is due."""


@dataclass(frozen=True)
class PollingPolicy:
    """When to poll again, and when to give up. Seconds, and a ratio of the job's age."""

    delay_ratio: float
    min_delay: float
    max_delay: float
    max_age: float

    def delay(self, age: float) -> "Wait":
        """The wait before the next poll of a job of this age (seconds): a share of it, within the bounds."""
        middle = min(max(self.delay_ratio * age, self.min_delay), self.max_delay)
        earliest, latest = math.ceil(0.9 * middle), math.floor(1.1 * middle)
        if earliest > latest:
            earliest = latest = max(1, round(middle))
        return Wait(earliest, latest)


@dataclass(frozen=True)
class Wait:
    """The next poll is due after this many whole seconds: any of this span, so that polls spread."""

    earliest: int
    latest: int

    def at_least(self, seconds: float) -> "Wait":
        """This wait, but no shorter than ``seconds``."""
        return Wait(max(self.earliest, math.ceil(seconds)), max(self.latest, math.ceil(seconds)))

    def pick(self, share: float) -> int:
        """One of the span's seconds, for a random ``share`` of 0 to 1."""
        return min(self.latest, self.earliest + int(share * (self.latest - self.earliest + 1)))


@dataclass(frozen=True)
class Record:
    """The job has ended: write its row, then delete its message.

    Attributes:
        outcome: `Completed`, `Aborted`, `Rejected` or `TimedOut`.
        status: what the endpoint said of the job, where it said anything.
        error: what the row's `ErrorMessage` says; empty for none.
    """

    outcome: str
    status: JobStatus | None
    error: str


@dataclass(frozen=True)
class Defer:
    """Poll again: the message reappears after the wait.

    Attributes:
        pending: whether that is because the job is pending, or for any other reason.
        rejections: the count of 400 and 404 in a row to keep in the message.
    """

    wait: Wait
    pending: bool
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
            return Record("Completed", answer, answer.error_message if answer.data_source_url else NO_LINK)
        case JobStatus(state="Aborted"):
            return Record("Aborted", answer, answer.error_message)
        case JobStatus():
            status, last = answer, f"status {answer.state or 'missing'}"
        case JobRefused(reason):
            kept, last = rejections + 1, reason
            if kept >= REJECTED_AFTER:
                return Record("Rejected", None, reason)
        case Throttled(reason, retry_after):
            wait, last = wait.at_least(retry_after), reason
        case KeyResting(reason, seconds):
            wait, last, kept = wait.at_least(seconds), reason, rejections
        case KeyRefused(reason) | Unavailable(reason):
            last = reason
        case _:
            assert_never(answer)
    if age > policy.max_age or expires_in <= wait.latest + EXPIRY_MARGIN:
        return Record("TimedOut", status, f"no end seen {_why_now(age, policy)}; last: {last}")
    return Defer(wait, pending=status is not None, rejections=kept)


def _why_now(age: float, policy: PollingPolicy) -> str:
    if age > policy.max_age:
        return f"within {policy.max_age / 3600:g} hours"
    return "before the message expires"
