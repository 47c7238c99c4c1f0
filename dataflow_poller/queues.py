"""The job queue and its poison queue. Edge: Azure Queue Storage."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from azure.core.pipeline.transport import RequestsTransport
from azure.storage.queue import LinearRetry, QueueClient, QueueMessage

from .settings import StorageAccount
from .storage import credential, made_if_missing, tried

MAX_PAGE = 32
"""Messages that one request can claim."""

_FOREVER = datetime.max.replace(tzinfo=UTC)


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


@dataclass(frozen=True)
class ServerClock:
    """The storage server's time: as its last answer told it, counted on by a clock that nobody sets."""

    told: datetime
    at: float

    def now(self) -> datetime:
        """The storage server's time, to the second."""
        return self.told + timedelta(seconds=time.monotonic() - self.at)


class JobQueues:
    """Both queues. Its methods may be called from any thread; they raise StorageError or one of its kinds."""

    def __init__(self, account: StorageAccount, name: str, transport: RequestsTransport) -> None:
        self._queue = _client(account, name, transport)
        self._poison_queue = _client(account, name + "-poison", transport)

    def claim(self, count: int, seconds: int) -> tuple[list[Claim], ServerClock]:
        """Claim up to ``count`` messages (`MAX_PAGE` at most) for ``seconds``; none where none is due."""
        began = 0.0
        dates: list[str] = []

        def receive() -> list[QueueMessage]:
            nonlocal began
            began = time.monotonic()
            pages = self._queue.receive_messages(
                messages_per_page=count,
                visibility_timeout=seconds,
                raw_response_hook=lambda response: dates.append(response.http_response.headers.get("Date", "")),
            ).by_page()
            return list(next(pages, []))

        messages = made_if_missing("claim messages", receive, self._queue.queue_name, self._queue.create_queue)
        return [_claim(message, began + seconds) for message in messages], _server_clock(dates[-1])

    def defer(self, claim: Claim, seconds: int, text: str | None = None) -> None:
        """Let a message reappear after ``seconds``, with another text where one is given."""
        tried(
            "defer a message",
            lambda: self._queue.update_message(
                claim.message_id, claim.pop_receipt, visibility_timeout=seconds, content=text
            ),
        )

    def delete(self, claim: Claim) -> None:
        """Delete a message whose row or poison copy is safe."""
        tried("delete a message", lambda: self._queue.delete_message(claim.message_id, claim.pop_receipt))

    def send_to_poison_queue(self, text: str) -> None:
        """Keep a message's text without end. Tried once: where an answer is lost, another try makes another copy."""
        made_if_missing(
            "send to the poison queue",
            lambda: self._poison_queue.send_message(text, time_to_live=-1),
            self._poison_queue.queue_name,
            self._poison_queue.create_queue,
            tries=1,
        )


def _claim(message: QueueMessage, ends: float) -> Claim:
    assert message.inserted_on is not None, "the service sends it with every received message"
    return Claim(
        message_id=message.id,
        pop_receipt=message.pop_receipt or "",
        text=message.content or "",
        inserted=message.inserted_on,
        expires=message.expires_on or _FOREVER,
        polls=message.dequeue_count or 1,
        ends=ends,
    )


def _server_clock(date: str) -> ServerClock:
    try:
        return ServerClock(parsedate_to_datetime(date), time.monotonic())
    except ValueError:  # Something on the way took the header out; this machine's clock is the next best.
        return ServerClock(datetime.now(UTC), time.monotonic())


def _client(account: StorageAccount, name: str, transport: RequestsTransport) -> QueueClient:
    no_retries = LinearRetry(retry_total=0)
    if account.connection_string:
        return QueueClient.from_connection_string(
            account.connection_string, name, transport=transport, retry_policy=no_retries
        )
    return QueueClient(
        account.queue_uri, name, credential=credential(account), transport=transport, retry_policy=no_retries
    )
