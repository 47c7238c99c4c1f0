"""Asks the status endpoint. Edge: HTTP."""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Self

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import DecodeError, IncompleteRead, InvalidChunkLength, NameResolutionError, ReadTimeoutError

from .answer import STATUSES_WITH_A_BODY, Answer, Unavailable, read_answer
from .job import DataflowJob
from .master_keys import MasterKey
from .urls import status_path

MAX_BODY = 1024 * 1024
"""Bytes of a decoded body; a longer one is not read."""

_CHUNK = 64 * 1024
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

    There is no `requests.Session`: one would add proxies and `.netrc` of the environment, cookies and redirects, and
    the key goes to the endpoint only. `requests` bounds each read, not a request: a body that drips is cut by
    `StatusCall.cut`.
    """

    def __init__(self, url: str, request_seconds: float, connections: int) -> None:
        self.request_seconds = request_seconds
        self._url = url
        headers = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "dataflow-poller"}
        self._request = requests.Request("GET", url, headers).prepare()
        self._adapter = _Adapter(pool_maxsize=connections)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._adapter.close()

    def ask(self, job: DataflowJob) -> Answer:
        """Ask about one job, within `StatusCall.run`, which knows the key."""
        request = self._request.copy()
        request.prepare_url(self._url + status_path(job.job_id, job.output), None)
        with self._adapter.send(request, stream=True, timeout=self.request_seconds, verify=True) as response:
            body = _body(response) if response.status_code in STATUSES_WITH_A_BODY else b""
            return read_answer(response.status_code, response.headers, body, job.job_id)


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


def _body(response: requests.Response) -> bytes | Unavailable:
    body = bytearray()
    try:
        for chunk in response.iter_content(_CHUNK):
            body += chunk
            if len(body) > MAX_BODY:
                return Unavailable("the body is over 1 MiB")
    except Exception as error:  # noqa: BLE001 - whatever happens to a body, the status may say enough
        return Unavailable("timed out" if _this_thread.call.late(time.monotonic()) >= 0 else _reason(error))
    return bytes(body)


_REASONS: list[tuple[tuple[type[BaseException], ...], str]] = [
    ((NameResolutionError, socket.gaierror), "name resolution failed"),
    ((ssl.SSLError, requests.exceptions.SSLError), "TLS failed"),
    ((TimeoutError, requests.Timeout, ReadTimeoutError), "timed out"),
    ((ConnectionRefusedError,), "connection refused"),
    ((ConnectionError, http.client.RemoteDisconnected), "connection reset"),
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
