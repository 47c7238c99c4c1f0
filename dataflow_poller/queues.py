"""The job queue, its poison queue and the completion queue. Edge: Azure Queue Storage."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from azure.storage.queue import LinearRetry, QueueClient, QueueMessage

from .errors import ClaimLost
from .storage import Place, Storage, credential

MAX_PAGE = 32
"""Messages that one request can claim."""

_FOREVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class ServerClock:
    """The storage server's time: as its last answer told it, counted on by a clock that nobody sets."""

    told: datetime
    at: float

    def now(self) -> datetime:
        """The storage server's time, to the second."""
        return self.told + timedelta(seconds=time.monotonic() - self.at)


@dataclass(frozen=True)
class Claim:
    """A claimed message. Dates are the storage server's; ``ends`` is of this machine's monotonic clock."""

    message_id: str
    pop_receipt: str
    text: str
    inserted: datetime
    expires: datetime
    polls: int
    ends: float
    clock: ServerClock

    def age(self) -> float:
        """Seconds since the message was inserted."""
        return max(0.0, (self.clock.now() - self.inserted).total_seconds())

    def expires_in(self) -> float:
        """Seconds until the message expires."""
        return (self.expires - self.clock.now()).total_seconds()


class JobQueues:
    """The queues. Each method raises StorageError or one of its kinds.

    Args:
        storage: the connections.
        job_queue: its name; the poison queue is `<job_queue>-poison`.
        completion_queue: its name; None where there is none.
    """

    def __init__(self, storage: Storage, job_queue: str, completion_queue: str | None = None) -> None:
        self._storage = storage
        self._jobs = self._place(job_queue)
        self._poison = self._place(job_queue + "-poison")
        self._completions = self._place(completion_queue) if completion_queue else None

    def _place(self, name: str) -> Place[QueueClient]:
        account, options = (
            self._storage.account,
            {"transport": self._storage.transport, "retry_policy": LinearRetry(0, 0)},
        )
        if account.connection_string:
            client = QueueClient.from_connection_string(account.connection_string, name, **options)
        else:
            client = QueueClient(account.queue_uri, name, credential=credential(account), **options)
        return Place("queue", name, client, client.create_queue, client.url)

    async def claim(self, count: int, seconds: int) -> list[Claim]:
        """Claim up to ``count`` messages (`MAX_PAGE` at most) for ``seconds``; none where none is due."""

        def receive(queue: QueueClient) -> list[Claim]:
            dates: list[str] = []
            began = time.monotonic()
            pages = queue.receive_messages(
                messages_per_page=count,
                visibility_timeout=seconds,
                raw_response_hook=lambda response: dates.append(response.http_response.headers.get("Date", "")),
            ).by_page()
            messages: list[QueueMessage] = list(next(pages, []))
            clock = server_clock(dates[-1])
            return [_claim(message, began + seconds, clock) for message in messages]

        return await self._storage.do(self._jobs, receive)

    async def defer(self, claim: Claim, seconds: int, text: str | None = None) -> None:
        """Let a message reappear after ``seconds``, with another text where one is given."""
        await self._settle(
            lambda queue: queue.update_message(
                claim.message_id, claim.pop_receipt, visibility_timeout=seconds, content=text
            )
        )

    async def delete(self, claim: Claim) -> None:
        """Delete a message whose row or poison copy is safe."""
        await self._settle(lambda queue: queue.delete_message(claim.message_id, claim.pop_receipt))

    async def _settle(self, operation: Callable[[QueueClient], object]) -> None:
        try:
            await self._storage.do(self._jobs, operation)
        except ClaimLost as error:
            if not error.again:
                raise  # Else the first try was done, and only its answer was lost.

    async def send_to_poison_queue(self, text: str) -> str:
        """Keep a message's text without end; the copy's id."""
        return await self._send(self._poison, text)

    async def send_completion(self, event: str) -> None:
        """Tell of a row that is safe. There must be a completion queue."""
        assert self._completions is not None, "whoever tells of a row has looked"
        await self._send(self._completions, event)

    async def _send(self, place: Place[QueueClient], text: str) -> str:
        # Tried once: where an answer is lost, another try makes another copy.
        sent = await self._storage.do(place, lambda queue: queue.send_message(text, time_to_live=-1), tries=1)
        return str(sent.id)

    async def depth(self) -> int | None:
        """How many messages the job queue has, waiting ones included, as the queue tells."""
        properties = await self._storage.do(self._jobs, lambda queue: queue.get_queue_properties())
        return properties.approximate_message_count


def _claim(message: QueueMessage, ends: float, clock: ServerClock) -> Claim:
    return Claim(
        message_id=message.id,
        pop_receipt=message.pop_receipt or "",
        text=message.content or "",
        inserted=message.inserted_on or clock.told,
        expires=message.expires_on or _FOREVER,
        polls=message.dequeue_count or 1,
        ends=ends,
        clock=clock,
    )


def server_clock(date: str) -> ServerClock:
    """The clock that a `Date` header tells, in UTC where it names no zone; this machine's where it makes no sense."""
    try:
        told = parsedate_to_datetime(date)
    except (ValueError, TypeError, OverflowError, IndexError):
        told = datetime.now(UTC)
    return ServerClock(told if told.tzinfo else told.replace(tzinfo=UTC), time.monotonic())
