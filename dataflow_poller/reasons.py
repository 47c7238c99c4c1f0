"""Why there was no answer, in words of our own: the libraries' texts may hold what was sent. Pure.

One table for the status endpoint and for storage: both are asked through urllib3.
"""

import http.client
import socket
import ssl
from collections.abc import Iterator

from urllib3 import exceptions as urllib3

_REASONS: list[tuple[tuple[type[BaseException], ...], str]] = [
    ((urllib3.NameResolutionError, socket.gaierror), "name resolution failed"),
    ((ssl.SSLError, urllib3.SSLError), "TLS failed"),
    ((ConnectionRefusedError,), "connection refused"),
    ((ConnectionError, http.client.RemoteDisconnected), "connection reset"),
    ((TimeoutError, urllib3.TimeoutError), "timed out"),
    ((urllib3.NewConnectionError,), "no connection"),
    ((urllib3.DecodeError,), "the body does not decode"),
    ((http.client.IncompleteRead, urllib3.IncompleteRead, urllib3.InvalidChunkLength), "the body is cut short"),
]


_WHERE_CAUSES_ARE = ("reason", "inner_exception", "__cause__", "__context__")  # urllib3's, azure-core's, Python's


def reason_of(error: BaseException) -> str:
    """What went wrong, by the first kind of the table that the error or one of its causes is."""
    causes = list(_causes(error))
    for kinds, reason in _REASONS:
        if any(isinstance(cause, kinds) for cause in causes):
            return reason
    return f"no answer ({type(causes[-1]).__name__})"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it came from, however the libraries wrapped it."""
    remaining: list[object] = [error]
    seen: set[int] = set()
    while remaining:
        cause = remaining.pop(0)
        if isinstance(cause, BaseException) and id(cause) not in seen:
            seen.add(id(cause))
            yield cause
            remaining += [*cause.args, *(getattr(cause, name, None) for name in _WHERE_CAUSES_ARE)]
