"""What can become of a claimed message: how it is counted, and the row that it leaves. Pure."""

from enum import Enum


class Outcome(Enum):
    """One of the ways in which a message of a run can end; every claimed message has exactly one.

    Attributes:
        count: its name among the counts of the log line `poll finished`.
        status: the row's `Status`; empty where no row is written.
        final: whether the service itself told this end: such a row replaces any other, and no other replaces it.
    """

    COMPLETED = "completed", "Completed", True
    ABORTED = "aborted", "Aborted", True
    REJECTED = "rejected", "Rejected"
    TIMED_OUT = "timed_out", "TimedOut"
    PENDING = ("pending",)
    UNAVAILABLE = ("unavailable",)
    POISONED = ("poisoned",)
    RELEASED = ("released",)
    LOST = ("lost",)
    FAILED = ("failed",)

    def __init__(self, count: str, status: str = "", final: bool = False) -> None:
        self.count = count
        self.status = status
        self.final = final


FINAL_STATUSES = frozenset(outcome.status for outcome in Outcome if outcome.final)
"""`Status` of the rows that only another final one replaces."""
