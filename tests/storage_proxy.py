"""A proxy before Azurite that causes storage's faults: errors, closed connections and silence, by operation.

A fault may come before a request is forwarded, so that storage never sees it, or after, so that it was applied and
only the answer is lost.
"""

import asyncio
import re
from asyncio import Server, StreamReader, StreamWriter
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from local.azurite import connection_string
from local.threaded_server import ThreadedServer, url_of

OPERATIONS = {
    "receive": r"GET /\w+/[\w-]+/messages\?(?!.*peekonly)",
    "update": r"PUT /\w+/[\w-]+/messages/",
    "delete": r"DELETE /\w+/[\w-]+/messages/",
    "send": r"POST /\w+/[\w-]+/messages",
    "batch": r"POST /\w+/\$batch",
    "upsert": r"PUT /\w+/\w+\(",
    "get": r"GET /\w+/\w+\(",
    "depth": r"GET /\w+/[\w-]+\?comp=metadata",
    "make queue": r"PUT /\w+/[\w-]+(\?|$| )",
    "make table": r"POST /\w+/Tables",
}
HANG_SECONDS = 60


@dataclass
class Fault:
    """What happens to some requests.

    Attributes:
        operation: a key of `OPERATIONS`, or a regular expression over the request's first line and body.
        kind: `500`, `403` and so on, `close`, `reset`, `hang`, or `drip head` and `drip body`: a byte at a time, from there on.
        after: whether storage does what was asked before the fault.
        times: how often; -1 for always.
        skip: how many requests pass before.
        code: storage's error code in the answer.
        then: called when the fault strikes, on the proxy's thread.
    """

    operation: str
    kind: str
    after: bool = False
    times: int = 1
    skip: int = 0
    code: str = ""
    then: Callable[[], None] | None = None

    def strikes(self, request: bytes) -> bool:
        """Whether it strikes this request; counts down."""
        pattern = OPERATIONS.get(self.operation, self.operation)
        text = request.decode("latin-1")
        if self.times == 0 or not re.search(rf"^{pattern}" if self.operation in OPERATIONS else pattern, text):
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times -= 1
        return True


class StorageProxy(ThreadedServer):
    """Proxies of Azurite's queue and table services, on a thread of their own; a context manager."""

    def __init__(self, upstream: str) -> None:
        super().__init__()
        self.faults: list[Fault] = []
        self.operations: Counter[str] = Counter()
        self.caused: Counter[str] = Counter()
        self.choose: Callable[[bytes], Fault | None] = self._scripted
        self._upstream = dict(re.findall(r"(Queue|Table)Endpoint=http://([\d.]+:\d+)", upstream))

    async def _listen(self) -> list[Server]:
        servers: list[Server] = []
        uris: dict[str, str] = {}
        for service, address in self._upstream.items():
            host, port = address.split(":")

            async def connection(
                reader: StreamReader, writer: StreamWriter, host: str = host, port: str = port
            ) -> None:
                await self._connection(reader, writer, host, int(port))

            server = await asyncio.start_server(connection, "127.0.0.1", 0, limit=2**22)
            servers.append(server)
            uris[service] = url_of(server)
        self.connection_string = connection_string(uris)
        return servers

    def _scripted(self, request: bytes) -> Fault | None:
        return next((fault for fault in self.faults if fault.strikes(request)), None)

    async def _connection(self, reader: StreamReader, writer: StreamWriter, host: str, port: int) -> None:
        upstream_reader, upstream_writer = await asyncio.open_connection(host, port, limit=2**22)
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while True:
                request = await _message(reader)
                text = request[:300].decode("latin-1")
                self.operations[
                    next((name for name, pattern in OPERATIONS.items() if re.match(pattern, text)), "other")
                ] += 1
                fault = self.choose(request)
                answer = b""
                if fault is None or fault.after:
                    upstream_writer.write(request)
                    answer = await _message(upstream_reader, no_body=request.startswith(b"HEAD"))
                if fault is not None:
                    self.caused[f"{fault.operation} {fault.kind}{' after' if fault.after else ''}"] += 1
                    if fault.then:
                        fault.then()
                    if fault.kind == "close":
                        break
                    if fault.kind == "reset":
                        writer.transport.abort()
                        break
                    if fault.kind == "hang":
                        await asyncio.sleep(HANG_SECONDS)
                    if fault.kind.startswith("drip"):
                        await _drip(writer, answer, from_body=fault.kind == "drip body")
                        break
                    answer = f"HTTP/1.1 {fault.kind} Fault\r\nx-ms-error-code: {fault.code}\r\nContent-Length: 0\r\n\r\n".encode()
                writer.write(answer)
                await writer.drain()
        upstream_writer.close()
        writer.close()


async def _drip(writer: StreamWriter, answer: bytes, *, from_body: bool) -> None:
    begin = answer.index(b"\r\n\r\n") + 4 if from_body else 0
    writer.write(answer[:begin])
    for at in range(begin, len(answer)):
        writer.write(answer[at : at + 1])
        await writer.drain()
        await asyncio.sleep(0.5)


async def _message(reader: StreamReader, *, no_body: bool = False) -> bytes:
    """One HTTP request or response, as it is."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    if no_body or re.match(rb"HTTP/1.1 (1|204|304)", head):
        return head
    if length:
        return head + await reader.readexactly(int(length[1]))
    if not re.search(rb"(?i)\r\ntransfer-encoding: *chunked", head):
        return head
    body = b""
    while True:
        size = await reader.readuntil(b"\r\n")
        chunk = await reader.readexactly(int(size, 16) + 2)
        body += size + chunk
        if chunk == b"\r\n":
            return head + body
