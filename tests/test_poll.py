"""The way of a message with simulated edges: the run's own code, and no storage, endpoint or thread."""

import asyncio
import math
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest

from dataflow_poller import poll
from dataflow_poller.answer import Answer, Unavailable
from dataflow_poller.errors import StorageError
from dataflow_poller.job import DataflowJob
from dataflow_poller.log import RunLog
from dataflow_poller.outcome import Outcome
from dataflow_poller.poll import PollRun
from dataflow_poller.queues import Claim, ServerClock
from dataflow_poller.settings import Settings
from dataflow_poller.status import JobStatus
from dataflow_poller.storage import Storage

from .conftest import CANARY

NOW = datetime(2026, 3, 3, tzinfo=UTC)
COMPLETED = JobStatus("Completed", data_source_url="https://x/data/a/Depots")


class Edges:
    """Queues, table and endpoint in memory, which note what is asked of them, in order."""

    def __init__(self, answer: Answer | None, jobs: int = 1, fails: str = "") -> None:
        self.done: list[str] = []
        self.host = "endpoint.example"
        self._answer = answer
        self._fails = fails
        clock = ServerClock(NOW, time.monotonic())
        self._pages = [
            [
                Claim(
                    f"m{number}", "r", f"{number:032x}", NOW, NOW + timedelta(days=7), 1, time.monotonic() + 30, clock
                )
                for number in range(jobs)
            ]
        ]

    async def _do(self, what: str) -> None:
        self.done.append(what)
        if what == self._fails:
            raise StorageError(f"queue at a:1: {what}")

    async def claim(self, *_: int) -> list[Claim]:
        return self._pages.pop() if self._pages else []

    async def ask(self, *_: object) -> Answer:
        if self._answer is None:
            await asyncio.Event().wait()
        assert self._answer is not None
        return self._answer

    async def write(self, *_: object) -> None:
        await self._do("row")

    async def write_batch(self, rows: list[Any]) -> None:
        await self._do(f"batch of {len(rows)}")

    async def write_unless_final(self, *_: object) -> bool:
        await self._do("row unless final")
        return True

    async def send_completion(self, *_: object) -> None:
        await self._do("event")

    async def delete(self, _: Claim) -> None:
        await self._do("delete")

    async def defer(self, _: Claim, seconds: int, text: str | None = None) -> None:
        await self._do(f"defer{'' if text is None else ' with another text'}" if seconds else "release")


def run(edges: Edges, seconds: float = 60, **env: str) -> PollRun:
    settings = Settings.from_env(
        {"JobStorage": "UseDevelopmentStorage=true", "BING_MAPS_MASTER_KEY": CANARY, "COMPLETION_QUEUE": "ends", **env}
    )
    log = RunLog(settings.master_keys.mask)

    async def poll_all() -> PollRun:
        storage = Storage(settings.account, log, math.inf)
        simulated: Any = edges
        polls = PollRun(settings, storage, simulated, simulated, simulated, log, time.monotonic() + seconds)
        await polls.poll_all()
        storage.close()
        return polls

    return asyncio.run(poll_all())


@pytest.mark.parametrize(("answer", "done", "outcome"), [
    (COMPLETED, ["row", "event", "delete"], Outcome.COMPLETED),
    (JobStatus("Aborted"), ["row", "event", "delete"], Outcome.ABORTED),
    (JobStatus("Pending"), [], Outcome.PENDING),  # Its claim ends when it is due.
    (Unavailable("timed out"), [], Outcome.UNAVAILABLE),
])  # fmt: skip
def test_a_message_goes_its_way_in_order(answer: Answer, done: list[str], outcome: Outcome) -> None:
    """The row first, then the event, the message last."""
    edges = Edges(answer)
    polls = run(edges)
    assert edges.done == done
    assert {counted for counted, count in polls.counts.items() if count} == {outcome}
    assert polls.verdict.failure() is None


@pytest.mark.parametrize(
    ("fails", "done"), [("row", ["row"]), ("event", ["row", "event"]), ("delete", ["row", "event", "delete"])]
)
def test_nothing_goes_on_after_what_failed(fails: str, done: list[str]) -> None:
    """The message stays where its row, or its event, is not safe."""
    edges = Edges(COMPLETED, fails=fails)
    polls = run(edges)
    assert edges.done == done
    assert polls.counts[Outcome.FAILED] == 1
    assert (polls.verdict.failure() is None) == (fails == "delete")


@pytest.mark.parametrize(("jobs", "batches"), [(2, ["batch of 2"]), (150, ["batch of 100", "batch of 50"])])
def test_rows_wait_for_each_other_but_a_full_batch_waits_no_longer(jobs: int, batches: list[str]) -> None:
    """Rows that come together are one write; each message goes after it."""
    edges = Edges(COMPLETED, jobs)
    run(edges)
    assert [done for done in edges.done if "batch" in done] == batches
    assert edges.done[0] == batches[0]
    assert (edges.done.count("event"), edges.done.count("delete")) == (jobs, jobs)


def test_what_was_not_begun_is_released_when_time_is_over() -> None:
    """A message that waits for its turn until then is not asked about."""
    edges = Edges(COMPLETED, jobs=3)
    polls = run(edges, seconds=-1)
    assert edges.done == []
    assert polls.stopped == "time"

    class Slow(Edges):
        async def ask(self, *_: object) -> Answer:
            await asyncio.sleep(0.3)
            return COMPLETED

    slow = Slow(COMPLETED, jobs=2)
    polls = run(slow, seconds=0.2, POLL_CONCURRENCY="1")
    assert (polls.counts[Outcome.COMPLETED], polls.counts[Outcome.RELEASED]) == (1, 1)
    assert "release" in slow.done
    assert polls.stopped == "time"


def test_a_claim_that_would_not_outlast_its_request_is_released() -> None:
    """Another poller could claim the message meanwhile, and both would ask."""
    edges = Edges(COMPLETED)  # Its claims last 30 seconds.
    polls = run(edges, POLL_REQUEST_SECONDS="29")
    assert edges.done == ["release"]
    assert polls.counts[Outcome.RELEASED] == 1


def test_a_name_that_never_resolves_does_not_hold_the_run() -> None:
    """It is the one wait without a bound of its own: the run ends, and its message counts as failed."""
    with mock.patch.object(poll, "OUTER_GRACE", 0.1):
        polls = run(Edges(None), seconds=0.1, POLL_REQUEST_SECONDS="0.1")
    assert polls.counts[Outcome.FAILED] == polls.received == 1
    assert "before 1 messages were settled" in str(polls.verdict.failure())


def test_the_job_of_a_message_is_what_is_asked_about() -> None:
    """A message of the queue and the request are about the same job."""
    asked: list[DataflowJob] = []

    class Noting(Edges):
        async def ask(self, *about: Any) -> Answer:
            asked.append(about[0])
            return COMPLETED

    run(Noting(COMPLETED, jobs=1))
    assert [job.job_id for job in asked] == [f"{0:032x}"]
