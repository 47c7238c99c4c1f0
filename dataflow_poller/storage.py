"""What the queues and the table have in common: connections, tries, and the meaning of errors. Edge.

Operations raise StorageError or one of its kinds, and nothing else of the SDKs. The SDKs' own retries, which
can take minutes, are off: an operation is tried twice, and each try waits `TIMEOUT` seconds at most for a
connection and for each part of the answer.
"""

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

import requests
from azure.core.exceptions import AzureError
from azure.core.pipeline.transport import RequestsTransport
from requests.adapters import HTTPAdapter

from .errors import ClaimLost, RowRefused, StorageError, StorageMissing
from .settings import StorageAccount

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

TIMEOUT = 5
"""Seconds to wait for a connection, and for each part of an answer."""

ROW_CHANGED = {"ResourceNotFound", "UpdateConditionNotSatisfied", "ConditionNotMet"}
"""Error codes: somebody else wrote or deleted the row meanwhile."""

_CLAIM_LOST = {"PopReceiptMismatch", "MessageNotFound"}
_MISSING = {"QueueNotFound", "TableNotFound"}
_EXISTS = {"QueueAlreadyExists", "TableAlreadyExists"}
_ANSWERS = {"EntityAlreadyExists", *ROW_CHANGED, *_EXISTS}


def transport(session: requests.Session, connections: int) -> RequestsTransport:
    """Connections that all clients of a run share; at least as many as threads use them."""
    adapter = HTTPAdapter(pool_maxsize=connections)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.trust_env = False  # Looking for proxies and a .netrc takes a tenth of an operation's time.
    return RequestsTransport(session=session, session_owner=False, connection_timeout=TIMEOUT, read_timeout=TIMEOUT)


@cache
def credential(account: StorageAccount) -> "TokenCredential":
    """The app's identity; one object a process, for it keeps its tokens."""
    # Imported here: it takes 0.2 s that a connection string does not need.
    from azure.identity import DefaultAzureCredential, ManagedIdentityCredential  # noqa: PLC0415 - see above

    if account.managed_identity:
        return ManagedIdentityCredential(client_id=account.client_id)
    return DefaultAzureCredential(managed_identity_client_id=account.client_id)


def tried[T](what: str, operation: Callable[[], T], tries: int = 2) -> T:
    """What an operation returns; tried again where storage was at fault, so it must bear being done twice.

    Raises:
        StorageError: or one of its kinds.
    """
    while True:
        tries -= 1
        try:
            return operation()
        except AzureError as error:
            meaning = _meaning(what, error)
        if tries == 0 or type(meaning) is not StorageError or meaning.code in _ANSWERS:
            raise meaning


def made_if_missing[T](
    what: str, operation: Callable[[], T], name: str, make: Callable[[], object], tries: int = 2
) -> T:
    """What an operation returns; the queue or table that it needs is made where it is missing.

    Raises:
        StorageError: or one of its kinds.
    """
    try:
        return tried(what, operation, tries)
    except StorageMissing:
        pass
    try:
        tried(f"make {name}", make)
    except StorageError as error:
        if error.code not in _EXISTS:
            text = f"{name} does not exist and could not be made ({error}): make it, or let the app's identity make it"
            raise StorageMissing(text, error.code) from None
    return tried(what, operation, tries)


def _meaning(what: str, error: AzureError) -> StorageError:
    """Our own error, without the SDK's text: that may quote a request."""
    status: int | None = getattr(error, "status_code", None)
    raw = getattr(error, "error_code", None) or ""
    code = str(getattr(raw, "value", raw))
    text = f"{what}: " + (f"HTTP {status} {code}".rstrip() if status else f"no answer ({type(error).__name__})")
    if code in _CLAIM_LOST:
        return ClaimLost(text, code)
    if code in _MISSING:
        return StorageMissing(text, code)
    if status in (400, 413):
        return RowRefused(text, code)
    return StorageError(text, code)
