"""A TCP server that a test scripts byte by byte, in plain or over TLS."""

import asyncio
import ssl
from asyncio import Server, StreamReader, StreamWriter
from collections.abc import Awaitable, Callable
from contextlib import suppress

from local.threaded_server import ThreadedServer

Conversation = Callable[[StreamReader, StreamWriter], Awaitable[None]]


class RawServer(ThreadedServer):
    """Holds the same conversation on every connection; a context manager.

    Attributes:
        port: where it listens, on 127.0.0.1.
    """

    def __init__(self, conversation: Conversation, tls: ssl.SSLContext | None = None) -> None:
        super().__init__()
        self.port = 0
        self._conversation = conversation
        self._tls = tls

    async def _listen(self) -> list[Server]:
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0, ssl=self._tls)
        self.port = server.sockets[0].getsockname()[1]
        return [server]

    async def _connection(self, reader: StreamReader, writer: StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await self._conversation(reader, writer)
            await writer.drain()
        writer.close()


def sends(data: bytes) -> Conversation:
    """Reads a request's head, then sends these bytes and closes."""

    async def conversation(reader: StreamReader, writer: StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(data)

    return conversation


def drips(head: bytes, dripped: bytes, seconds: float = 0.02) -> Conversation:
    """Reads what comes first, sends ``head``, then a byte every so many seconds."""

    async def conversation(reader: StreamReader, writer: StreamWriter) -> None:
        await reader.read(65_536)
        writer.write(head)
        for byte in dripped:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(seconds)

    return conversation


async def hangs(reader: StreamReader, _: StreamWriter) -> None:
    """Reads what comes and never answers."""
    while await reader.read(65_536):
        pass


async def reads_nothing(_: StreamReader, __: StreamWriter) -> None:
    """Takes the connection, and nothing that is sent."""
    await asyncio.Event().wait()
