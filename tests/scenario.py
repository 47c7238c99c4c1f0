"""A whole app in a test: its queues and table in Azurite, the stand-in endpoint, the worker runtime, and all sinks.

The master key is the canary, the root logger is at DEBUG, and after the test nothing that the app wrote anywhere
may hold the key in any form.
"""

import asyncio
import io
import json
import logging
import traceback
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock
from urllib.parse import unquote

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient
from azure.storage.queue import QueueClient, QueueMessage
from azure_functions_runtime import handle_event
from azure_functions_runtime.utils.tracing import serialize_exception

from dataflow_poller import log
from dataflow_poller.texts import MAX_LINE
from local.azurite import Clock
from local.endpoint import LoadJob, StandIn
from local.host import FunctionsHost, InvocationFailed, Timer

from .conftest import CANARY
from .leaks import decoded, leaks_in

HOST = FunctionsHost()
_timers: list[Timer] = []


@dataclass
class Scenario:
    """One app with queues and a table of its own."""

    stand_in: StandIn
    clock: Clock
    connection_string: str
    env: dict[str, str]
    log: io.StringIO
    name: str
    failures: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.queue = QueueClient.from_connection_string(self.connection_string, self.name)
        self.poison_queue = QueueClient.from_connection_string(self.connection_string, self.name + "-poison")
        self.table = TableClient.from_connection_string(self.connection_string, "T" + self.name)
        self.queue.create_queue()

    def send(self, *texts: str, ttl: int | None = None) -> None:
        """Queue messages as they are."""
        for text in texts:
            self.sent.append(text)
            self.queue.send_message(text, time_to_live=ttl)

    def job(
        self, end: str = "completed", faults: tuple[str, ...] = (), *, ttl: int | None = None, **properties: Any
    ) -> LoadJob:
        """A job at the endpoint, and its message."""
        job = self.stand_in.add(
            LoadJob(properties.pop("jobId", uuid.uuid4().hex), properties.pop("seconds", 0), end, list(faults))
        )
        self.send(json.dumps({"jobId": job.job_id, **properties}), ttl=ttl)
        return job

    def later(self, seconds: float) -> None:
        """Let time pass, for storage and for the endpoint's jobs; the app goes by storage's clock."""
        self.clock.advance(seconds)
        self.stand_in.advance(seconds)

    def poll(self, **env: str) -> dict[str, Any]:
        """Fire the timer; the summary line, without the counts that are 0.

        Raises:
            InvocationFailed: the function raised.
        """
        begin = self.log.tell()
        serialize = mock.patch.object(handle_event, "serialize_exception", side_effect=self._note_exception)
        loud = mock.patch.object(log, "NOISY_LIBRARIES", ())
        with mock.patch.dict("os.environ", self.env | env), serialize, loud:
            try:
                asyncio.run(_invoke())
            except InvocationFailed as error:
                self.failures.append(str(error))
                raise
            finally:
                self.summary = _summary(self.log.getvalue()[begin:])
        return self.summary

    def _note_exception(self, error: Exception, protos: Any) -> Any:
        """What a tool that shows local variables would show of the exception, then as the worker does."""
        shown = traceback.TracebackException.from_exception(error, capture_locals=True)
        self.failures.append("".join(shown.format()))
        return serialize_exception(error, protos)

    def fail(self, **env: str) -> str:
        """Fire the timer, which must fail; the error."""
        try:
            self.poll(**env)
        except InvocationFailed as error:
            return str(error)
        raise AssertionError(f"it did not fail: {self.summary}")

    def rows(self) -> dict[str, dict[str, Any]]:
        """The table's rows by job id."""
        try:
            return {row["JobId"]: dict(row) for row in self.table.list_entities()}
        except ResourceNotFoundError:
            return {}

    def poison(self) -> list[str]:
        """The texts of the poison queue."""
        try:
            return [message.content for message in self.poison_queue.peek_messages(32)]
        except ResourceNotFoundError:
            return []

    def queued(self) -> int:
        """How many messages the job queue has, claimed ones included."""
        return self.queue.get_queue_properties().approximate_message_count or 0

    def visible(self) -> list[QueueMessage]:
        """The messages that are due."""
        return list(self.queue.peek_messages(32))

    def lines(self, event: str) -> list[dict[str, Any]]:
        """The fields of the log lines of an event."""
        found = []
        for line in self.log.getvalue().splitlines():
            _, mark, rest = line.partition(f" {event} {{")
            if mark:
                found.append(json.loads("{" + rest))
        return found

    def app_lines(self) -> list[str]:
        """The app's own log lines, `<event> <JSON>`."""
        lines = [line.partition(" dataflow_poller ") for line in self.log.getvalue().split("\n")]
        return [line for _, logger, line in lines if logger]

    def assert_every_line_fits(self) -> None:
        """No line of the app is longer than Application Insights keeps."""
        assert max(map(len, self.app_lines()), default=0) <= MAX_LINE

    def assert_nothing_lost(self) -> None:
        """Every message that was sent is in the queue or in the poison queue, or its job has a row."""
        rows = self.rows()
        without_row = [
            text for text in self.sent if not any(job_id in unquote(text) or job_id in decoded(text) for job_id in rows)
        ]
        assert len(without_row) <= self.queued() + len(self.poison()), "a message is lost"

    def assert_nothing_leaked(self) -> None:
        """Search everything that the app wrote for the key in every form."""
        messages = [message.content for message in self.visible()]
        sinks = {
            "log": self.log.getvalue(),
            "failures": "\n".join(self.failures),
            "rows": repr(self.rows()),
            "poison": "\n".join(self.poison()),
            "messages": "\n".join(text for text in messages if text not in self.sent),
        }
        for name, text in sinks.items():
            assert not leaks_in(text), f"the key is in {name}"


async def _invoke() -> None:
    if not _timers:
        _timers.extend(await HOST.load())
    await HOST.invoke(_timers[0])


def _summary(log: str) -> dict[str, Any]:
    lines = [line for line in log.splitlines() if "poll finished {" in line]
    if not lines:
        return {}
    [line] = lines
    return {name: value for name, value in json.loads(line.partition("poll finished ")[2]).items() if value}


@contextmanager
def scenario(connection_string: str, stand_in: StandIn, clock: Clock, **env: str) -> Iterator[Scenario]:
    """An app for one test; at its end nothing may have leaked."""
    name = "q" + uuid.uuid4().hex
    settings = {
        "JobStorage": connection_string,
        "JOB_QUEUE": name,
        "DATASOURCE_TABLE": "T" + name,
        "BING_MAPS_URL": stand_in.url,
        "BING_MAPS_MASTER_KEY": CANARY,
        "POLL_MIN_DELAY_SECONDS": "1",
        "POLL_REQUEST_SECONDS": "1",
        **env,
    }
    captured = io.StringIO()
    handler = logging.StreamHandler(captured)
    handler.setFormatter(logging.Formatter("%(threadName)s %(levelname)s %(name)s %(message)s"))
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        app = Scenario(stand_in, clock, connection_string, settings, captured, name)
        yield app
        app.assert_nothing_leaked()
        app.assert_nothing_lost()
        app.assert_every_line_fits()
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
