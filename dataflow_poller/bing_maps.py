"""Asks the status endpoint. Edge: HTTP."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any, cast
from urllib.parse import urlsplit

import requests
from urllib3 import BaseHTTPResponse
from urllib3.connectionpool import HTTPConnectionPool

from .answer import Answer, Unavailable, read_answer
from .deadline import DeadlineAdapter, DeadlineConnection, DeadlineTlsConnection
from .job import DataflowJob
from .master_keys import MasterKey
from .reasons import reason_of
from .urls import status_path

MAX_BODY = 1024 * 1024
"""Bytes of a decoded body; a longer one is not read."""

_HEADERS = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "dataflow-poller"}
_KEY_HEADER = "Master-Key"


class Endpoint:
    """The status endpoint, with the connections and threads of one run.

    `requests` makes the pool of verified connections, once; a request is a call of that pool. A `requests.Session`
    would add proxies and `.netrc` of the environment, cookies and redirects, and the key goes to the endpoint only.

    Attributes:
        host: its name, as log lines have it.
    """

    def __init__(self, url: str, request_seconds: float, concurrency: int, mask: Callable[[str], str]) -> None:
        self.host = urlsplit(url).netloc
        self._mask = mask
        self._one_at_a_time = threading.Lock()
        """Reading is Python's own work, so two at once are no faster; and what a hostile answer needs would add up."""
        self._threads = ThreadPoolExecutor(concurrency, "dataflow-poller-ask")
        self._adapter = DeadlineAdapter(request_seconds, concurrency, plain=_KeyedConnection, tls=_KeyedTlsConnection)
        request = requests.Request("GET", url).prepare()
        self._pool = cast(HTTPConnectionPool, self._adapter.get_connection_with_tls_context(request, verify=True))

    def close(self) -> None:
        """Begin no further request; wait for none."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._adapter.close()

    async def ask(self, job: DataflowJob, key: MasterKey) -> Answer:
        """Ask about one job. Whatever happens is an answer; each master key in its texts is masked."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._ask, job, key)

    def _ask(self, job: DataflowJob, key: MasterKey) -> Answer:
        try:
            response = self._pool.urlopen(
                "GET",
                status_path(job.job_id, job.output),
                headers={**_HEADERS, _KEY_HEADER: cast(str, key)},  # The object: the connection turns it into text.
                timeout=self._adapter.timeout(),
                retries=False,
                redirect=False,
                preload_content=False,
            )
        except Exception as error:  # noqa: BLE001 - whatever the libraries raise, it is this answer's trouble
            return Unavailable(reason_of(error))
        with closing(response):
            body = _body(response)
        with self._one_at_a_time:
            return read_answer(response.status, response.headers, body, job.job_id, self._mask)


class _KeyedConnection(DeadlineConnection):
    """Adds the key to the request line as that is sent: no URL above, so no exception and no log line, has it."""

    def request(self, method: str, url: str, body: Any = None, headers: Any = None, **options: Any) -> None:  # noqa: ANN401 - urllib3's
        others = dict(headers)
        self._key: MasterKey = others.pop(_KEY_HEADER)
        super().request(method, url, body, others, **options)

    def putrequest(self, method: str, url: str, *args: Any, **options: Any) -> None:  # noqa: ANN401 - urllib3's
        super().putrequest(method, f"{url}&{self._key.query_parameter()}", *args, **options)


class _KeyedTlsConnection(_KeyedConnection, DeadlineTlsConnection):
    pass


def _body(response: BaseHTTPResponse) -> bytes | Unavailable:
    try:
        body = response.read(MAX_BODY + 1, decode_content=True)
    except Exception as error:  # noqa: BLE001 - whatever happens to a body, the status may say enough
        return Unavailable(reason_of(error))
    return body if len(body) <= MAX_BODY else Unavailable("the body is over 1 MiB")
