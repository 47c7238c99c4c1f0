"""Azurite's clock, which the tests of the whole app move instead of waiting."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest
import requests
from azure.core.exceptions import ResourceExistsError
from azure.data.tables import TableServiceClient
from azure.storage.queue import QueueClient

from local.azurite import Clock

NEAR = timedelta(seconds=10)


@pytest.fixture
def queue(connection_string: str) -> Iterator[QueueClient]:
    with QueueClient.from_connection_string(connection_string, "clock" + uuid.uuid4().hex) as queue:
        queue.create_queue()
        yield queue


def test_a_claim_ends_and_a_message_expires_by_the_moved_clock(queue: QueueClient, clock: Clock) -> None:
    """What a test waits for happens as soon as the clock is moved, not sooner."""
    queue.send_message("a", time_to_live=7200)
    assert len(list(queue.receive_messages(visibility_timeout=3600))) == 1
    clock.advance(3500)
    assert queue.peek_messages() == []
    clock.advance(100)
    assert [message.dequeue_count for message in queue.peek_messages()] == [1]
    clock.advance(3600)
    assert queue.peek_messages() == []


def test_all_dates_are_of_the_moved_clock(queue: QueueClient, connection_string: str, clock: Clock) -> None:
    """A message's own, and the `Date` of every answer, errors included: the app reads the time there."""
    clock.advance(86_400)
    assert clock.now() - datetime.now(UTC) > timedelta(days=1) - NEAR
    message = queue.send_message("a")
    assert message.inserted_on is not None
    assert abs(message.inserted_on - clock.now()) < NEAR
    service = TableServiceClient.from_connection_string(connection_string)
    for answer in (requests.get(queue.url, timeout=5), requests.get(service.url, timeout=5)):
        assert answer.status_code >= 400
        assert abs(parsedate_to_datetime(answer.headers["Date"]) - clock.now()) < NEAR


def test_a_signature_with_this_machines_time_is_accepted_whatever_the_clock(queue: QueueClient, clock: Clock) -> None:
    """The app signs with this machine's time; Azurite checks the key, not the date."""
    clock.advance(7 * 86_400)
    with pytest.raises(ResourceExistsError):
        queue.create_queue(metadata={"other": "metadata"})
