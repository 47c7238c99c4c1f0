"""When an invocation must fail: what a run notes while it goes on, and what that comes to."""

import traceback
from collections.abc import Awaitable
from pathlib import Path

from .errors import PollerError, StorageError
from .log import RunLog
from .storage import Storage


class Verdict:
    """Of one run."""

    def __init__(self, storage: Storage, log: RunLog) -> None:
        self._storage = storage
        self._log = log
        self._succeeded: set[str] = set()
        self._failed: dict[str, StorageError] = {}
        self._fault: PollerError | None = None

    async def useful[T](self, nothing: str, operation: Awaitable[T]) -> T:
        """Await an operation of a kind that must succeed at least once; ``nothing`` says that it never did."""
        try:
            result = await operation
        except StorageError as error:
            self._failed[nothing] = error
            raise
        self._succeeded.add(nothing)
        return result

    def note_fault(self, error: Exception, **about: str) -> None:
        """Tell of a fault of the app's own: its kind and place, not its text, which may quote anything."""
        *_, last = traceback.extract_tb(error.__traceback__)
        reason = f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}"
        self._log.error("internal error", **about, reason=reason)
        self._fault = self._fault or PollerError(f"a fault of the app's own, see its lines 'internal error': {reason}")

    def note_end(self, unsettled: int) -> None:
        """The run had to end, whatever was still under way."""
        self._fault = self._fault or StorageError(f"the run had to end before {unsettled} messages were settled")

    def failure(self) -> PollerError | None:
        """Why the invocation must fail; None where it need not."""
        useless = [
            StorageError(f"{nothing}: {error}", error.code)
            for nothing, error in self._failed.items()
            if nothing not in self._succeeded
        ]
        return next(filter(None, [self._storage.missing, self._storage.broken, *useless, self._fault]), None)
