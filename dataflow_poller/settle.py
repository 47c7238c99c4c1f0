"""Applies decisions to storage, and counts what became of each message.

Work that waits for storage runs on a few threads; what came of it is handled on the run's own thread, when
the run calls the events that come out of `events`. So nothing here needs a lock, and all lines are logged there.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue

from .errors import ClaimLost, RowRefused, StorageError, StorageMissing
from .job import InvalidMessage
from .log import RunLog
from .outcome import Outcome
from .queues import Claim, JobQueues
from .row import Row
from .table import MAX_BATCH, DataSourceTable

THREADS = 4
"""Storage operations at once."""

FAILURES_IN_A_ROW = 5
"""Failed storage operations in a row that end the run."""

ROWS_WAIT = 0.5
"""Seconds that a row may wait for others to be written with."""


@dataclass(frozen=True)
class Ended:
    """A job that ended, and the row to write before its message goes."""

    claim: Claim
    outcome: Outcome
    row: Row
    age: float


class Settler:
    """Settles the claims of one run.

    Attributes:
        counts: what became of the messages; each is counted once.
        events: what to call next on the run's thread.
        error: why the invocation must fail; None where it need not.
        broken: whether storage failed too often in a row to go on.
    """

    def __init__(self, queues: JobQueues, table: DataSourceTable, log: RunLog) -> None:
        self.counts: Counter[str] = Counter({outcome.count: 0 for outcome in Outcome})
        self.events: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self.error: StorageError | None = None
        self.broken = False
        self._queues = queues
        self._table = table
        self._log = log
        self._threads = ThreadPoolExecutor(THREADS, "dataflow-poller-settle")
        self._operations = 0
        self._rows: dict[tuple[str, str], Ended] = {}
        self._rows_since = 0.0
        self._failures_in_a_row = 0

    @property
    def busy(self) -> bool:
        """Whether anything is still to be settled."""
        return bool(self._operations or self._rows)

    def close(self) -> None:
        """Begin no further operation; do not wait for those under way."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def spawn[T](self, operation: Callable[[], T], then: Callable[[T | Exception], None]) -> None:
        """Do a storage operation on a thread, then go on with what came of it on the run's own."""

        def finished(outcome: T | Exception) -> None:
            self._operations -= 1
            then(outcome)

        def operate() -> None:
            outcome: T | Exception
            try:
                outcome = operation()
            except Exception as error:  # noqa: BLE001 - whatever the SDKs raise, the run goes on with it
                outcome = error
            self.events.put(partial(finished, outcome))

        self._operations += 1
        self._threads.submit(operate)

    def record(self, ended: Ended) -> None:
        """Write the row, with others where it can wait for them, then delete the message."""
        if not ended.outcome.final:
            self.spawn(partial(self._table.write_unless_final, ended.row), partial(self._written, [ended]))
            return
        key = (str(ended.row["PartitionKey"]), str(ended.row["RowKey"]))
        if key in self._rows or len(self._rows) == MAX_BATCH:
            self.write_rows()
        if not self._rows:
            self._rows_since = time.monotonic()
        self._rows[key] = ended

    def write_rows_if_due(self, now: float, *, idle: bool) -> None:
        """Write the rows that wait: when they fill a batch, have waited long enough, or no more will come."""
        if self._rows and (idle or len(self._rows) == MAX_BATCH or now - self._rows_since >= ROWS_WAIT):
            self.write_rows()

    def write_rows(self) -> None:
        """Write the rows that wait, a batch a partition."""
        batches: dict[str, list[Ended]] = {}
        for (partition, _), ended in self._rows.items():
            batches.setdefault(partition, []).append(ended)
        self._rows.clear()
        for batch in batches.values():
            rows = [ended.row for ended in batch]
            self.spawn(partial(self._table.write, rows), partial(self._written, batch))

    def defer(self, claim: Claim, outcome: str, seconds: int, text: str | None = None) -> None:
        """Let the message reappear after ``seconds``, with another text where one is given."""
        self._settle(claim, outcome, partial(self._queues.defer, claim, seconds, text))

    def leave(self, outcome: str) -> None:
        """The message reappears when it is due by itself: there is nothing to do."""
        self.counts[outcome] += 1

    def poison(self, claim: Claim, message: InvalidMessage) -> None:
        """Keep the message's text in the poison queue, then delete it."""

        def sent(outcome: Exception | None) -> None:
            self.note(outcome)
            if outcome is not None:
                self._keep(claim, outcome)
                return
            self._log.warning("message poisoned", messageId=claim.message_id, reason=message.reason)
            self._settle(claim, "poisoned", partial(self._queues.delete, claim))

        self.spawn(partial(self._queues.send_to_poison_queue, message.text), sent)

    def note(self, error: Exception | None) -> None:
        """Count failed storage operations in a row; any that worked starts the count anew."""
        if not _is_failure(error):
            self._failures_in_a_row = 0
            return
        self._failures_in_a_row += 1
        if self._failures_in_a_row >= FAILURES_IN_A_ROW and not self.broken:
            self.broken = True
            text = f"storage failed {self._failures_in_a_row} times in a row; last: {_said(error)}"
            self.error = self.error or StorageError(text)

    def _written(self, batch: list[Ended], outcome: list[StorageError | None] | Exception) -> None:
        errors: Sequence[Exception | None] = outcome if isinstance(outcome, list) else [outcome] * len(batch)
        self.note(next(filter(_is_failure, errors), None))
        for ended, error in zip(batch, errors, strict=True):
            if error is not None:
                self._keep(ended.claim, error)
                continue
            row = ended.row
            self._log.info(
                "row written",
                jobId=row["JobId"],
                masterKeyName=row["PartitionKey"],
                status=row["Status"],
                dataSourceUrl=row["DataSourceUrl"],
                errorMessage=row.get("ErrorMessage", ""),
                polls=row["Polls"],
                ageSeconds=round(ended.age),
            )
            self._settle(ended.claim, ended.outcome.count, partial(self._queues.delete, ended.claim))

    def _settle(self, claim: Claim, outcome: str, last_operation: Callable[[], None]) -> None:
        """Do the last thing to be done with a claim, then count it."""

        def settled(error: Exception | None) -> None:
            self.note(error)
            if error is None or isinstance(error, ClaimLost):
                self.counts[outcome if error is None else "lost"] += 1
            else:
                self._keep(claim, error)

        self.spawn(last_operation, settled)

    def _keep(self, claim: Claim, error: Exception) -> None:
        """Storage did not settle it: the message stays and reappears when its claim ends."""
        self.counts["failed"] += 1
        self._log.warning("message kept", messageId=claim.message_id, reason=_said(error))
        if isinstance(error, StorageMissing):
            self.error = error


def _is_failure(error: Exception | None) -> bool:
    """Whether storage did not work, rather than gave an answer that one message has to live with."""
    return error is not None and not isinstance(error, ClaimLost | RowRefused)


def _said(error: Exception | None) -> str:
    """The text of an error of ours. Of a foreign one the type only: its text may quote a request."""
    return str(error) if isinstance(error, StorageError) else type(error).__name__
