"""What the queues and the table have in common: connections, threads, tries, and the meaning of errors. Edge.

An operation raises StorageError or one of its kinds, and nothing else of the SDKs. The SDKs' own retries, which can
take minutes, are off: an operation is tried twice, each try with a bound from connecting to the last byte.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from json import JSONDecodeError
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit
from xml.etree.ElementTree import ParseError

import requests
from azure.core.exceptions import AzureError, ClientAuthenticationError
from azure.core.pipeline.transport import RequestsTransport
from urllib3.exceptions import HTTPError

from .deadline import DeadlineAdapter
from .errors import ClaimLost, RowRefused, SignInFailed, StorageError, StorageMissing
from .log import RunLog
from .reasons import reason_of
from .settings import StorageAccount
from .texts import cut

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

TRY_SECONDS = 5
"""For one try of an operation, or of getting a token."""

THREADS = 4
"""Storage operations at once."""

FAILURES_IN_A_ROW = 5
"""Failed storage operations in a row that end the run."""

ROW_CHANGED = {"ResourceNotFound", "UpdateConditionNotSatisfied", "ConditionNotMet"}
"""Error codes: somebody else wrote or deleted the row meanwhile."""

_CLAIM_LOST = {"PopReceiptMismatch", "MessageNotFound"}
_MISSING = {"QueueNotFound", "TableNotFound"}
_EXISTS = {"QueueAlreadyExists", "TableAlreadyExists"}
_ANSWERS = {"EntityAlreadyExists", *ROW_CHANGED, *_EXISTS}
_LONGEST_SENTENCE = 200

_LIBRARIES_ERRORS = (AzureError, OSError, HTTPError, ParseError, JSONDecodeError)
"""What the SDKs raise: their own errors, and those of requests, urllib3 and the parsers that they let through."""


@dataclass(frozen=True)
class Place[Client]:
    """A queue or the table: how it is called in errors, its client, and how it is made where it is missing."""

    kind: Literal["queue", "table"]
    name: str
    client: Client
    make: Callable[[], object]
    uri: str

    def __str__(self) -> str:
        parts = urlsplit(self.uri)
        return f"{self.kind} at {parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


class Storage:
    """The storage connections and threads of one run.

    Attributes:
        account: where it is.
        transport: for the SDKs' clients; no exchange goes on after ``ends``, of the monotonic clock.
        broken: why storage ends the run, for it failed too often in a row; None where it does not.
        missing: a queue or the table that could not be made; None where there is none.
    """

    def __init__(self, account: StorageAccount, log: RunLog, ends: float) -> None:
        self.account = account
        self.transport, self._session = _transport(ends)
        self.broken: StorageError | None = None
        self.missing: StorageMissing | None = None
        self._log = log
        self._threads = ThreadPoolExecutor(THREADS, "dataflow-poller-storage")
        self._failures_in_a_row = 0
        self._sign_in_said = False

    def close(self) -> None:
        """Begin no further operation; wait for none."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._session.close()

    async def do[Client, T](self, place: Place[Client], operation: Callable[[Client], T], tries: int = 2) -> T:
        """What an operation returns. The queue or table that it needs is made where it is missing.

        It is tried again where storage was at fault, so with more than one try it must bear being done twice.

        Raises:
            StorageError: or one of its kinds.
        """
        try:
            return await self._counted(place, lambda: operation(place.client), tries)
        except StorageMissing:
            await self._make(place)
        return await self._counted(place, lambda: operation(place.client), tries)

    async def _make[Client](self, place: Place[Client]) -> None:
        try:
            await self._counted(place, place.make, tries=2)
        except StorageError as error:
            if error.code in _EXISTS:
                return
            why = f"does not exist and could not be made ({error}): make it, or let the app's identity make it"
            text = f"{place.name} {why}"
            self.missing = self.missing or StorageMissing(text, error.code)
            raise StorageMissing(text, error.code) from None
        self._log.warning(f"{place.kind} made", name=place.name)

    async def _counted[T](self, place: object, operation: Callable[[], T], tries: int) -> T:
        """An operation on a thread. Too many failures in a row end the run; whatever works starts the count anew."""
        try:
            result = await asyncio.get_running_loop().run_in_executor(self._threads, _tried, place, operation, tries)
        except StorageError as error:
            if _is_answer(error):
                self._failures_in_a_row = 0
                raise
            if isinstance(error, SignInFailed):
                error = self._said_once(place, error)
            self._failures_in_a_row += 1
            if self._failures_in_a_row == FAILURES_IN_A_ROW:
                text = f"storage failed {FAILURES_IN_A_ROW} times in a row; last: {error}"
                self.broken = self.broken or StorageError(text, error.code)
            raise error from None
        self._failures_in_a_row = 0
        return result

    def _said_once(self, place: object, error: SignInFailed) -> StorageError:
        """What the identity library says is told once a run."""
        if self._sign_in_said:
            return SignInFailed(f"{place}: the sign-in failed again")
        self._sign_in_said = True
        return error


def _transport(ends: float) -> tuple[RequestsTransport, requests.Session]:
    """Connections that all clients share, one a thread, and the session that has them."""
    session = requests.Session()
    adapter = DeadlineAdapter(TRY_SECONDS, THREADS, ends)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.trust_env = False  # Looking for proxies and a .netrc takes a tenth of an operation's time.
    return RequestsTransport(session=session, session_owner=False), session


@cache
def credential(account: StorageAccount) -> "TokenCredential":
    """The app's identity; one object a process, for it keeps its tokens. Getting one is tried once a try of ours."""
    # Imported here: it takes 0.2 s that a connection string does not need.
    from azure.identity import DefaultAzureCredential, ManagedIdentityCredential  # noqa: PLC0415 - see above

    transport, _ = _transport(float("inf"))
    if account.managed_identity:
        return ManagedIdentityCredential(client_id=account.client_id, transport=transport, retry_total=0)
    return DefaultAzureCredential(
        managed_identity_client_id=account.client_id, transport=transport, retry_total=0, process_timeout=TRY_SECONDS
    )


def _tried[T](place: object, operation: Callable[[], T], tries: int) -> T:
    again = False
    while True:
        tries -= 1
        try:
            return operation()
        except _LIBRARIES_ERRORS as error:
            meaning = _meaning(place, error)
        meaning.again, again = again, True
        if tries == 0 or _is_answer(meaning):
            raise meaning


def _meaning(place: object, error: Exception) -> StorageError:
    """Our own error, without the SDK's text: that may quote a request."""
    status: int | None = getattr(error, "status_code", None)
    raw = getattr(error, "error_code", None) or ""
    code = str(getattr(raw, "value", raw))
    if status:
        text = f"{place}: " + f"HTTP {status} {code}".rstrip()
    elif isinstance(error, ClientAuthenticationError):
        return SignInFailed(f"{place}: the sign-in failed: {_sentence(str(error))}")
    else:
        text = f"{place}: {reason_of(error)}"
    if code in _CLAIM_LOST:
        return ClaimLost(text, code)
    if code in _MISSING:
        return StorageMissing(text, code)
    if status in (400, 413):
        return RowRefused(text, code)
    return StorageError(text, code)


def _is_answer(error: StorageError) -> bool:
    """Whether storage worked and said no: another try would be told the same."""
    return isinstance(error, ClaimLost | RowRefused | StorageMissing) or error.code in _ANSWERS


def _sentence(text: str) -> str:
    """The first sentence of what an identity library says at length."""
    return cut(" ".join(text.split()).partition(". ")[0], _LONGEST_SENTENCE)
