"""Asks the status endpoint. Edge: HTTP."""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any, Self, cast

import requests
from requests.adapters import HTTPAdapter
from urllib3 import BaseHTTPResponse, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import (
    DecodeError,
    IncompleteRead,
    InvalidChunkLength,
    NameResolutionError,
    NewConnectionError,
    SSLError,
)
from urllib3.exceptions import TimeoutError as TimedOut

from .answer import STATUSES_WITH_A_BODY, Answer, Unavailable, read_answer
from .job import DataflowJob
from .master_keys import MasterKey
from .urls import status_path

MAX_BODY = 1024 * 1024
"""Bytes of a decoded body; a longer one is not read."""

_CHUNK = 64 * 1024
_HEADERS = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "dataflow-poller"}
_this_thread = threading.local()


class StatusCall:
    """One status request. `run` it in a thread; `cut` it from another."""

    def __init__(self, endpoint: "Endpoint", job: DataflowJob, key: MasterKey) -> None:
        self.job = job
        self.key = key
        self.connection: HTTPConnection | None = None
        self._endpoint = endpoint
        self._deadline = float("inf")

    def run(self) -> Answer:
        """Ask. Returns what came of it, within the endpoint's bound; raises nothing."""
        self._deadline = time.monotonic() + self._endpoint.request_seconds
        _this_thread.call = self
        try:
            return self._endpoint.ask(self.job)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this answer's trouble, not the run's
            return Unavailable("timed out" if self.late(time.monotonic()) >= 0 else _reason(error))
        finally:
            self.connection = None  # It may serve another call from now on.
            _this_thread.call = None

    def late(self, now: float) -> float:
        """Seconds past the deadline, by the monotonic clock; negative before."""
        return now - self._deadline

    def cut(self) -> None:
        """Cut the connection, so that `run` returns."""
        sock = getattr(self.connection, "sock", None)
        if sock is not None:
            with suppress(OSError):  # It closed by itself meanwhile.
                sock.shutdown(socket.SHUT_RDWR)


class Endpoint:
    """The status endpoint, with the connections of one run.

    `requests` makes the pool of verified connections, once; a request is a call of that pool. A `requests.Session`
    would add proxies and `.netrc` of the environment, cookies and redirects, and the key goes to the endpoint only.
    The time-out bounds each read, not a request: a body that drips is cut by `StatusCall.cut`.
    """

    def __init__(self, url: str, request_seconds: float, connections: int) -> None:
        self.request_seconds = request_seconds
        self._timeout = Timeout(connect=request_seconds, read=request_seconds)
        self._adapter = _Adapter(pool_maxsize=connections)
        request = requests.Request("GET", url).prepare()
        self._pool = cast(HTTPConnectionPool, self._adapter.get_connection_with_tls_context(request, verify=True))
        self._adapter.cert_verify(self._pool, url, verify=True, cert=None)  # type: ignore[no-untyped-call] # no types

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._adapter.close()

    def ask(self, job: DataflowJob) -> Answer:
        """Ask about one job, within `StatusCall.run`, which knows the key."""
        path = status_path(job.job_id, job.output)
        response = self._pool.urlopen(
            "GET", path, headers=_HEADERS, timeout=self._timeout, retries=False, redirect=False, preload_content=False
        )
        with closing(response):
            body = _body(response) if response.status in STATUSES_WITH_A_BODY else b""
            return read_answer(response.status, response.headers, body, job.job_id)


class _KeyedConnection(HTTPConnection):
    """Adds the key where the bytes leave: no URL above, so no exception and no log line of a library, has it.

    It also tells its call which connection to cut when time is up.
    """

    debuglevel = 0  # http.client prints what it sends where this is set, for all connections at once.

    def connect(self) -> None:
        _this_thread.call.connection = self
        super().connect()

    def putrequest(self, method: str, url: str, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - urllib3's
        call: StatusCall = _this_thread.call
        call.connection = self
        super().putrequest(method, f"{url}&{call.key.query_parameter()}", *args, **kwargs)


class _KeyedHTTPSConnection(_KeyedConnection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _KeyedConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _KeyedHTTPSConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - requests'
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _HTTPSPool}


def _body(response: BaseHTTPResponse) -> bytes | Unavailable:
    body = bytearray()
    try:
        for chunk in response.stream(_CHUNK, decode_content=True):
            body += chunk
            if len(body) > MAX_BODY:
                return Unavailable("the body is over 1 MiB")
    except Exception as error:  # noqa: BLE001 - whatever happens to a body, the status may say enough
        return Unavailable("timed out" if _this_thread.call.late(time.monotonic()) >= 0 else _reason(error))
    return bytes(body)


_REASONS: list[tuple[tuple[type[BaseException], ...], str]] = [
    ((NameResolutionError, socket.gaierror), "name resolution failed"),
    ((ssl.SSLError, SSLError), "TLS failed"),
    ((ConnectionRefusedError,), "connection refused"),
    ((ConnectionError, http.client.RemoteDisconnected), "connection reset"),
    ((NewConnectionError,), "no connection"),
    ((TimeoutError, TimedOut), "timed out"),
    ((DecodeError,), "the body does not decode"),
    ((http.client.IncompleteRead, IncompleteRead, InvalidChunkLength), "the body is cut short"),
]


def _reason(error: BaseException) -> str:
    """What went wrong, in words of our own: the libraries' texts hold the URL."""
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
            remaining += [*cause.args, getattr(cause, "reason", None), cause.__cause__, cause.__context__]
