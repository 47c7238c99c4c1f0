"""What the queues and the table have in common: how they are reached, and what their errors mean."""

import asyncio
import logging
import math
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ServiceRequestError
from azure.identity import CredentialUnavailableError, DefaultAzureCredential, ManagedIdentityCredential

from dataflow_poller.errors import StorageError, StorageMissing
from dataflow_poller.log import NOISY_LIBRARIES, RunLog, quiet_libraries
from dataflow_poller.queues import JobQueues, server_clock
from dataflow_poller.settings import StorageAccount
from dataflow_poller.storage import FAILURES_IN_A_ROW, Place, Storage, credential
from dataflow_poller.table import DataSourceTable

NOBODY = StorageAccount(
    "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;"
    "QueueEndpoint=http://127.0.0.1:1/a;TableEndpoint=http://127.0.0.1:1/a"
)


@pytest.fixture
def storage() -> Iterator[Storage]:
    storage = Storage(NOBODY, RunLog(lambda text: text), math.inf)
    yield storage
    storage.close()


def place(make: Callable[[], object] = lambda: None) -> Place[None]:
    return Place("queue", "load-jobs", None, make, "https://a.queue.core.windows.net/load-jobs")


def raising(*errors: Exception) -> Callable[[object], str]:
    """An operation that raises these, one a try, and then works."""
    remaining = list(errors)

    def operation(_: object) -> str:
        if remaining:
            raise remaining.pop(0)
        return "done"

    return operation


def answered(status: int, code: str) -> HttpResponseError:
    error = HttpResponseError("S3cret")
    error.status_code = status
    error.error_code = code  # type: ignore[attr-defined] # the SDKs set it
    return error


def failure(storage: Storage, operation: Callable[[object], Any], tries: int = 2) -> StorageError:
    with pytest.raises(StorageError) as caught:
        asyncio.run(storage.do(place(), operation, tries))
    return caught.value


def test_an_identity_reaches_the_storage_that_the_settings_name() -> None:
    """Managed identity where the settings say so, else whatever the machine has; one object a process."""
    account = StorageAccount(
        queue_uri="https://a.queue.example", table_uri="https://a.table.example", managed_identity=True, client_id="id"
    )
    assert isinstance(credential(account), ManagedIdentityCredential)
    assert credential(account) is credential(account)
    assert isinstance(credential(StorageAccount(queue_uri="https://b")), DefaultAzureCredential)
    storage = Storage(account, RunLog(lambda text: text), math.inf)
    queues, table = JobQueues(storage, "load-jobs", "ends"), DataSourceTable(storage, "DataSources")
    storage.close()
    assert queues._jobs.client.url == "https://a.queue.example/load-jobs"
    assert queues._poison.client.url == "https://a.queue.example/load-jobs-poison"
    assert queues._completions is not None
    assert queues._completions.client.url == "https://a.queue.example/ends"
    assert table._table.client.url == "https://a.table.example"


def test_an_error_names_the_service_its_place_and_the_reason(storage: Storage) -> None:
    """As for the endpoint, in words of our own."""
    with pytest.raises(StorageError, match=r"^queue at 127\.0\.0\.1:1: connection refused$"):
        asyncio.run(JobQueues(storage, "load-jobs").claim(1, 30))
    with pytest.raises(StorageError, match=r"^table at 127\.0\.0\.1:1: connection refused$"):
        asyncio.run(DataSourceTable(storage, "DataSources").write_batch([{"PartitionKey": "a", "RowKey": "b"}]))
    error = failure(storage, raising(*[answered(403, "AuthorizationFailure")] * 2))
    assert str(error) == "queue at a.queue.core.windows.net:443: HTTP 403 AuthorizationFailure"


def test_an_error_quotes_nothing_of_the_sdks(storage: Storage) -> None:
    """Their texts may hold what was sent."""
    error = failure(storage, raising(*[ServiceRequestError("S3cret")] * 2))
    assert str(error) == "queue at a.queue.core.windows.net:443: no answer (ServiceRequestError)"
    assert error.__context__ is None or "S3cret" not in repr(error.__context__)


LONG = (
    "ManagedIdentityCredential found no endpoint " + "at all " * 100 + ". To mitigate this issue, please read on. " * 50
)


def test_what_an_identity_library_says_is_told_once_a_run_and_cut(storage: Storage) -> None:
    """It may say the same at length on every operation."""
    first = failure(storage, raising(*[CredentialUnavailableError(LONG)] * 2))
    assert str(first).startswith("queue at a.queue.core.windows.net:443: the sign-in failed: ManagedIdentityCredential")
    assert len(str(first)) < 300
    assert str(first).endswith("…")
    assert str(failure(storage, raising(*[CredentialUnavailableError("No token. Why?")] * 2))).endswith(
        "the sign-in failed again"
    )
    another = Storage(NOBODY, RunLog(lambda text: text), math.inf)
    short = failure(another, raising(*[CredentialUnavailableError("No token. Please read on")] * 2))
    another.close()
    assert str(short).endswith(": the sign-in failed: No token")


def test_an_operation_is_tried_twice_where_storage_was_at_fault(storage: Storage) -> None:
    """And not at all where another try would make another copy."""
    assert asyncio.run(storage.do(place(), raising(answered(500, "InternalError")))) == "done"
    assert "HTTP 500" in str(failure(storage, raising(answered(500, "InternalError")), tries=1))


def test_an_answer_is_not_asked_for_twice(storage: Storage) -> None:
    """Trying again cannot change a conflict."""
    assert failure(storage, raising(answered(409, "EntityAlreadyExists"))).code == "EntityAlreadyExists"


def test_five_failures_in_a_row_break_the_run(storage: Storage) -> None:
    """Anything that storage answers starts the count anew."""
    for number in range(2 * FAILURES_IN_A_ROW - 1):
        failure(storage, raising(*[answered(500, "")] * 2))
        if number == FAILURES_IN_A_ROW - 2:
            failure(storage, raising(answered(404, "MessageNotFound")))
            failure(storage, raising(answered(409, "EntityAlreadyExists")))
            assert storage.broken is None
    assert str(storage.broken).startswith(
        "storage failed 5 times in a row; last: queue at a.queue.core.windows.net:443"
    )


def test_what_is_missing_is_made_once(storage: Storage, caplog: pytest.LogCaptureFixture) -> None:
    """Then the operation is tried again; where another poller made it meanwhile, that is as good."""
    made = []
    another_was_faster = raising(answered(409, "QueueAlreadyExists"))
    for make in (lambda: made.append(1), lambda: another_was_faster(None)):
        result = asyncio.run(storage.do(place(make), raising(answered(404, "QueueNotFound"))))
        assert result == "done"
    assert made == [1]
    assert [record.getMessage() for record in caplog.records] == ['queue made {"name": "load-jobs"}']


def test_what_may_not_be_made_is_said_with_what_to_do(storage: Storage) -> None:
    """The run then fails with that."""
    refused = raising(*[answered(403, "AuthorizationFailure")] * 2)
    with pytest.raises(StorageMissing) as caught:
        asyncio.run(storage.do(place(lambda: refused(None)), raising(answered(404, "QueueNotFound"))))
    assert "load-jobs does not exist and could not be made" in str(caught.value)
    assert "let the app's identity make it" in str(caught.value)
    assert storage.missing is not None


def test_libraries_are_quiet() -> None:
    """From WARNING on they may speak."""
    logging.getLogger(NOISY_LIBRARIES[0]).setLevel(logging.DEBUG)
    quiet_libraries()
    assert {logging.getLogger(name).level for name in NOISY_LIBRARIES} == {logging.WARNING}
    for name in NOISY_LIBRARIES:
        logging.getLogger(name).setLevel(logging.NOTSET)


@pytest.mark.parametrize("date", ["", "junk", "Fri, 99 Jan 2027 12:00:00 GMT", "\x00", "1 1 1 1 1"])
def test_without_storages_date_this_machines_clock_is_the_next_best(date: str) -> None:
    """Something on the way may take headers out, or spoil them."""
    assert abs((server_clock(date).now() - datetime.now(UTC)).total_seconds()) < 5


@pytest.mark.parametrize("zone", [" GMT", " -0000", " +0000", ""])
def test_storages_time_is_counted_on_and_is_utc_without_a_zone(zone: str) -> None:
    """From its last answer, whatever this machine's clock says."""
    clock = server_clock("Fri, 01 Jan 2027 12:00:00" + zone)
    assert abs((clock.now() - datetime(2027, 1, 1, 12, tzinfo=UTC)).total_seconds()) < 5


def test_a_closed_storage_begins_nothing(storage: Storage) -> None:
    """Nothing is left running when the run is over."""
    storage.close()
    with suppress(StorageError), pytest.raises(RuntimeError):
        asyncio.run(JobQueues(storage, "load-jobs").claim(1, 30))
