"""An asyncio TCP server on a thread of its own, for programs and tests that are not asynchronous."""

import asyncio
import threading
from asyncio import Server
from typing import Self


class ThreadedServer:
    """A context manager: the servers that `_listen` starts run until the block ends, which ends their connections."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> list[Server]:
        raise NotImplementedError

    async def _serve(self) -> None:
        servers = await self._listen()
        self._started.set()
        await self._stop.wait()
        for server in servers:
            server.close()
        for _ in range(5):
            await asyncio.sleep(0)  # What was accepted a moment ago becomes a connection, which can be ended.
        for server in servers:
            server.abort_clients()
        connections = asyncio.all_tasks() - {asyncio.current_task()}
        for connection in connections:
            connection.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        for server in servers:
            await server.wait_closed()
        for _ in range(5):
            await asyncio.sleep(0)  # What these connections had opened themselves is closed, too.


def url_of(server: Server) -> str:
    """Where a server listens."""
    return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
