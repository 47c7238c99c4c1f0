"""The loop of one run: claim, ask, decide, settle, until the queue is empty or the run must end.

    claim ─▶ backlog ─▶ StatusCall ─▶ decide ─┬▶ Record: the row, then delete
      │                                       └▶ Defer: update, or nothing where the claim ends when it is due
      └▶ not a job: poison queue, then delete

One thread, the invocation's, decides, counts and logs. Whatever waits for the network runs on other threads and
comes back as an event.
"""

import math
import random
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from functools import partial
from queue import Empty
from typing import Literal, assert_never

from .answer import Answer, KeyRefused, KeyResting, Throttled, Unavailable
from .bing_maps import Endpoint, StatusCall
from .decide import Defer, Record, decide
from .errors import StorageError, StorageMissing
from .job import DataflowJob, InvalidMessage, parse
from .log import RunLog
from .queues import MAX_PAGE, Claim, JobQueues, ServerClock
from .row import row
from .settings import Settings
from .settle import Ended, Settler
from .status import STATES, JobStatus

UNAVAILABLE_IN_A_ROW = 10
"""Polls in a row without a usable answer that end the run."""

GRACE = 25
"""Seconds after the last answer is due at which a run ends, whatever storage does."""

SETTLING_SECONDS = 5
"""How long a claim must last beyond a wait in the backlog and the request."""

_TICK = 0.05


class Drain:
    """One run. Call `run` once; then read the attributes.

    Attributes:
        received: messages claimed.
        oldest_age: of them, in seconds.
        stopped: why the run ended.
    """

    def __init__(
        self, settings: Settings, queues: JobQueues, settler: Settler, endpoint: Endpoint, log: RunLog
    ) -> None:
        self.received = 0
        self.oldest_age = 0.0
        self.stopped: Literal["drained", "time", "endpoint", "storage"] = "drained"
        self._settings = settings
        self._queues = queues
        self._settler = settler
        self._endpoint = endpoint
        self._log = log
        self._threads = ThreadPoolExecutor(settings.concurrency, "dataflow-poller-ask")
        self._ends = time.monotonic() + settings.run_seconds
        self._next_tick = 0.0
        self._claiming = False
        self._queue_is_empty = False
        self._clock: ServerClock | None = None
        self._backlog: deque[tuple[Claim, DataflowJob]] = deque()
        self._calls: dict[StatusCall, Claim] = {}
        self._resting: dict[str, KeyResting] = {}
        self._reported_keys = set(settings.master_keys.unusable)
        self._unavailable_in_a_row = 0

    def run(self) -> None:
        """Work until there is nothing left to do. Raises nothing: the settler knows what went wrong."""
        give_up = self._ends + self._settings.request_seconds + GRACE
        while self._advance() and time.monotonic() < give_up:
            with suppress(Empty):
                event = self._settler.events.get(timeout=_TICK)
                try:
                    event()
                except Exception as error:  # noqa: BLE001 - a fault of ours about one message must not stop the others
                    self._log.error("internal error", reason=type(error).__name__)
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._settler.close()
        if self._settler.busy:
            self.stopped = "storage"
            self._settler.error = self._settler.error or StorageError(
                "storage did not answer before the run had to end"
            )
        self._settler.counts["failed"] += self.received - self._settler.counts.total()

    def _advance(self) -> bool:
        """Begin what can begin now; say whether anything is under way."""
        now = time.monotonic()
        if now >= self._next_tick:
            self._next_tick = now + _TICK
            self._cut_overdue_calls(now)
            if now >= self._ends and (self._backlog or not self._queue_is_empty):
                self._stop("time")
        if self._settler.broken:
            self.stopped = "storage"
        if self.stopped == "drained":
            self._begin_calls()
            self._claim_more()
        else:
            while self._backlog:
                self._settler.defer(self._backlog.popleft()[0], "released", 0)
        idle = not (self._calls or self._backlog or self._claiming)
        self._settler.write_rows_if_due(now, idle=idle)
        return bool(self._calls or self._backlog or self._settler.busy)

    def _stop(self, why: Literal["time", "endpoint", "storage"]) -> None:
        if self.stopped == "drained":
            self.stopped = why

    # Claim

    def _claim_more(self) -> None:
        if self._claiming or self._queue_is_empty or len(self._backlog) > self._settings.concurrency:
            return
        self._claiming = True
        count = min(MAX_PAGE, 2 * self._settings.concurrency)
        self._settler.spawn(partial(self._queues.claim, count, self._claim_seconds()), self._claimed)

    def _claim_seconds(self) -> int:
        """As long as the shortest delay, so that a young pending job needs no update; but long enough to be settled."""
        due = self._settings.policy.delay(0)
        spread = random.randint((due.earliest + due.latest + 1) // 2, due.latest)
        return max(spread, math.ceil(2 * self._settings.request_seconds) + SETTLING_SECONDS)

    def _claimed(self, page: tuple[list[Claim], ServerClock] | Exception) -> None:
        self._claiming = False
        if isinstance(page, Exception):
            self._settler.note(page)
            if isinstance(page, StorageMissing):
                self._settler.error = page
                self._stop("storage")
            return
        self._settler.note(None)
        claims, self._clock = page
        self._queue_is_empty = not claims
        self.received += len(claims)
        for claim in claims:
            self.oldest_age = max(self.oldest_age, self._age(claim))
            job = parse(claim.text, self._settings.bing_maps_url, self._settings.master_keys)
            if isinstance(job, InvalidMessage):
                self._settler.poison(claim, job)
            else:
                self._backlog.append((claim, job))

    # Ask

    def _begin_calls(self) -> None:
        while self._backlog and len(self._calls) < self._settings.concurrency:
            claim, job = self._backlog.popleft()
            name = job.master_key_name
            key = self._settings.master_keys.get(name)
            if key is None:
                self._report_key("master key not configured", name, "a message names it")
                self._apply(claim, job, KeyResting(f"master key {name} is not configured", 0))
            elif name in self._resting:
                self._apply(claim, job, self._resting[name])
            else:
                call = StatusCall(self._endpoint, job, key)
                self._calls[call] = claim
                self._threads.submit(self._ask, call)

    def _ask(self, call: StatusCall) -> None:
        answer = call.run()
        self._settler.events.put(partial(self._answered, call, answer))

    def _cut_overdue_calls(self, now: float) -> None:
        """End requests that are over time; stop waiting for one that even that does not end (a name look-up)."""
        for call in [call for call in self._calls if call.late(now) >= 0]:
            call.cut()
            if call.late(now) >= 1:
                self._answered(call, Unavailable("timed out"))

    def _answered(self, call: StatusCall, answer: Answer) -> None:
        claim = self._calls.pop(call, None)
        if claim is None:
            return  # It was given up before.
        self._note(call.job, answer)
        self._apply(claim, call.job, answer)

    def _note(self, job: DataflowJob, answer: Answer) -> None:
        """What an answer means for the jobs after this one, and what the log says of it."""
        name = job.master_key_name
        if isinstance(answer, Unavailable):
            self._log.warning("endpoint unavailable", jobId=job.job_id, reason=answer.reason)
            self._unavailable_in_a_row += 1
            if self._unavailable_in_a_row >= UNAVAILABLE_IN_A_ROW:
                self._stop("endpoint")
            return
        self._unavailable_in_a_row = 0
        match answer:
            case Throttled(reason, retry_after):
                self._log.warning(
                    "master key throttled", masterKeyName=name, reason=reason, retryAfterSeconds=retry_after
                )
                longest = max(retry_after, self._resting[name].seconds if name in self._resting else 0)
                self._resting[name] = KeyResting(reason, longest)
            case KeyRefused(reason):
                self._report_key("master key refused", name, reason)
                self._resting.setdefault(name, KeyResting(reason, 0))
            case JobStatus(state=state) if state not in STATES:
                self._log.warning("unknown status", jobId=job.job_id, status=state)

    def _report_key(self, event: str, name: str, reason: str) -> None:
        if name not in self._reported_keys:
            self._reported_keys.add(name)
            self._log.error(event, masterKeyName=name, reason=reason)

    # Settle

    def _apply(self, claim: Claim, job: DataflowJob, answer: Answer) -> None:
        now = self._now()
        age = self._age(claim)
        expires_in = (claim.expires - now).total_seconds()
        decision = decide(answer, job.rejections, age, expires_in, self._settings.policy)
        match decision:
            case Record():
                new = row(decision, job, claim.polls, claim.inserted, now, self._settings.master_keys.mask)
                self._settler.record(Ended(claim, decision.outcome, new, age))
            case Defer(wait, outcome, rejections):
                text = None if rejections == job.rejections else job.message(rejections)
                if text is None and wait.earliest <= claim.ends - time.monotonic() <= wait.latest:
                    self._settler.leave(outcome.count)
                else:
                    self._settler.defer(claim, outcome.count, wait.pick(random.random()), text)
            case _:
                assert_never(decision)

    def _now(self) -> datetime:
        assert self._clock is not None, "whoever holds a claim has storage's time"
        return self._clock.now()

    def _age(self, claim: Claim) -> float:
        return max(0.0, (self._now() - claim.inserted).total_seconds())
