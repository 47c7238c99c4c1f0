"""One run over the job queue, and the way of each message through it, from top to bottom.

    claim ─▶ read it ─▶ not a job: a copy to the poison queue, then delete
                │
                ▼
               ask ─▶ decide ─▶ Record: the row, then the completion event, then delete
                              └▶ Defer: let it reappear (nothing to do where the claim ends when it is due)

Each message is a coroutine, and what became of it is what the coroutine returns. All of it is on the invocation's own
thread; what waits for the network runs on the threads of the edges (`Endpoint`, `JobQueues`, `RowBatches`).
"""

import asyncio
import math
import random
import time
from collections import Counter
from typing import Literal, assert_never

from .asking import StatusRequests
from .bing_maps import Endpoint
from .completion import completion_event
from .decide import Defer, Record, decide
from .errors import ClaimLost, StorageError, StorageMissing
from .job import DataflowJob, InvalidMessage, parse
from .log import RunLog
from .outcome import Outcome
from .queues import MAX_PAGE, Claim, JobQueues
from .row import row
from .settings import Settings
from .storage import Storage
from .table import DataSourceTable, RowBatches
from .verdict import Verdict

GRACE = 20
"""Seconds that storage has after the last answer is due."""

OUTER_GRACE = GRACE + 5
"""Seconds after the last answer is due at which a run ends, whatever name resolution does."""

SETTLING_SECONDS = 5
"""How long a claim lasts beyond a wait for its turn and the request."""

OUTLAST_SECONDS = 2
"""How long a claim must last beyond its request, or the message is released: another poller could claim it."""

MAX_UNSETTLED = 600
"""Messages on their way at which no more are claimed; some batches of rows beyond the most requests at once."""


class PollRun:
    """One run. Await `poll_all` once; then read the attributes.

    Args:
        settings: the app's.
        storage, queues, table, endpoint: the edges.
        log: for the run's lines.
        ends: when no more is claimed or asked, by the monotonic clock.

    Attributes:
        counts: what became of the messages.
        received: messages claimed; each is in one count.
        oldest_age: of them, in seconds.
        stopped: why the run ended.
        verdict: whether the invocation must fail.
    """

    def __init__(
        self,
        settings: Settings,
        storage: Storage,
        queues: JobQueues,
        table: DataSourceTable,
        endpoint: Endpoint,
        log: RunLog,
        ends: float,
    ) -> None:
        self.counts: Counter[Outcome] = Counter()
        self.verdict = Verdict(storage, log)
        self.received = 0
        self.oldest_age = 0.0
        self.stopped: Literal["drained", "time", "endpoint", "storage"] = "drained"
        self._settings = settings
        self._storage = storage
        self._queues = queues
        self._table = table
        self._rows = RowBatches(table)
        self._requests = StatusRequests(endpoint, settings.master_keys, log)
        self._log = log
        self._ends = ends
        self._turns = asyncio.Semaphore(settings.concurrency)
        self._page = min(MAX_PAGE, 2 * settings.concurrency)
        self._waiting = 0
        self._progress = asyncio.Event()

    async def poll_all(self) -> None:
        """Poll every message that is due, until there is none left or the run must end."""
        try:
            # Every wait has a bound of its own, within this one; but for the operating system's name resolution.
            async with asyncio.timeout_at(self._ends + self._settings.request_seconds + OUTER_GRACE):
                async with asyncio.TaskGroup() as messages:
                    await self._claim_all(messages)
        except TimeoutError:
            self.verdict.note_end(self._unsettled())
        self._note_trouble()
        self.counts[Outcome.FAILED] += self._unsettled()
        self._requests.tally.write(self._log)

    def _stop(self, why: Literal["time", "endpoint", "storage"]) -> None:
        if self.stopped == "drained":
            self.stopped = why

    def _note_trouble(self) -> None:
        if self._storage.broken:
            self._stop("storage")
        elif self._requests.given_up:
            self._stop("endpoint")

    def _must_end(self) -> bool:
        """Whether the run must end now; `stopped` then says why."""
        self._note_trouble()
        if time.monotonic() >= self._ends:
            self._stop("time")
        return self.stopped != "drained"

    def _unsettled(self) -> int:
        return self.received - self.counts.total()

    # Claim

    async def _claim_all(self, messages: asyncio.TaskGroup) -> None:
        """Claim page after page, each message a coroutine. A claim that is under way is always awaited."""
        while not self._must_end():
            try:
                claims = await self.verdict.useful("no message could be claimed", self._claim())
            except StorageError as error:
                self._log.warning("claim failed", reason=str(error))
                if isinstance(error, StorageMissing):
                    self._stop("storage")
            except Exception as error:  # noqa: BLE001 - a fault of ours must not stop the messages under way
                self.verdict.note_fault(error)
                self._stop("storage")
            else:
                self.received += len(claims)
                for claim in claims:
                    messages.create_task(self._settle(claim))
                if not claims:
                    return
                await self._room()

    async def _claim(self) -> list[Claim]:
        """A page, for as long as the shortest delay, so that a young pending job needs no update."""
        due = self._settings.policy.delay(0)
        seconds = random.randint((due.earliest + due.latest + 1) // 2, due.latest)
        least = math.ceil(2 * self._settings.request_seconds) + SETTLING_SECONDS
        return await self._queues.claim(self._page, max(seconds, least))

    async def _room(self) -> None:
        """Wait until another page makes two turns of requests at most, and until few messages are to be settled."""
        await asyncio.sleep(0)  # The messages of the last page come to wait for their turn.
        while self._waiting + self._page > 2 * self._settings.concurrency or self._unsettled() > MAX_UNSETTLED:
            self._progress.clear()
            await self._progress.wait()

    # The way of one message

    async def _settle(self, claim: Claim) -> None:
        """Take a message to its outcome, and count it. A fault about one message never stops another."""
        about = {"messageId": claim.message_id}
        try:
            self.oldest_age = max(self.oldest_age, claim.age())
            if self._must_end():  # To read a page of hostile texts takes seconds.
                outcome = await self._release(claim)
            else:
                message = parse(claim.text, self._settings.bing_maps_url, self._settings.master_keys)
                if isinstance(message, InvalidMessage):
                    outcome = await self._poison(claim, message)
                else:
                    about["jobId"] = message.job_id
                    outcome = await self._poll(claim, message)
        except ClaimLost:
            outcome = Outcome.LOST
        except StorageError as error:
            outcome = Outcome.FAILED
            self._log.warning("message kept", **about, reason=str(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, the other messages go on
            outcome = Outcome.FAILED
            self.verdict.note_fault(error, **about)
        self.counts[outcome] += 1
        self._progress.set()

    async def _release(self, claim: Claim) -> Outcome:
        """Let a message that the run does not get to reappear at once."""
        await self._queues.defer(claim, 0)
        return Outcome.RELEASED

    async def _poison(self, claim: Claim, message: InvalidMessage) -> Outcome:
        """Keep what is not a job in the poison queue, then delete it."""
        copy = await self._queues.send_to_poison_queue(message.text)
        ids = {"messageId": claim.message_id, "poisonMessageId": copy}
        self._log.warning("message poisoned", **ids, reason=message.reason, cut=message.cut)
        await self._queues.delete(claim)
        return Outcome.POISONED

    async def _poll(self, claim: Claim, job: DataflowJob) -> Outcome:
        """Ask about a job, and do what is decided."""
        self._waiting += 1
        async with self._turns:
            self._waiting -= 1
            self._progress.set()
            lasts = claim.ends - time.monotonic() >= self._settings.request_seconds + OUTLAST_SECONDS
            if self._must_end() or not lasts:
                return await self._release(claim)
            answer = await self._requests.ask(job)
        decision = decide(answer, job.rejections, claim.age(), claim.expires_in(), self._settings.policy)
        match decision:
            case Record():
                await self._record(decision, claim, job)
                await self._queues.delete(claim)
            case Defer(wait, _, rejections):
                text = None if rejections == job.rejections else job.message(rejections)
                due_by_itself = wait.earliest <= claim.ends - time.monotonic() <= wait.latest
                if text is not None or not due_by_itself:
                    await self._queues.defer(claim, wait.pick(random.random()), text)
            case _:
                assert_never(decision)
        return decision.outcome

    async def _record(self, end: Record, claim: Claim, job: DataflowJob) -> None:
        """Write the row; then tell of it, where there is a completion queue. It is safe once this returns."""
        new = row(end, job, claim.polls, claim.inserted, claim.clock.now())
        if end.outcome.final:
            await self.verdict.useful("no row could be written", self._rows.write(new))
        elif not await self.verdict.useful("no row could be written", self._table.write_unless_final(new)):
            return  # The service told a better end before.
        self._log.info(
            "row written",
            jobId=new["JobId"],
            masterKeyName=new["PartitionKey"],
            status=new["Status"],
            dataSourceUrl=new["DataSourceUrl"],
            errorMessage=new.get("ErrorMessage", ""),
            polls=new["Polls"],
            ageSeconds=round(claim.age()),
        )
        if self._settings.completion_queue:
            await self.verdict.useful(
                "no completion event could be sent", self._queues.send_completion(completion_event(new))
            )
