"""The thin edges, where nothing outside is needed to see what they do."""

import logging
import time
from datetime import UTC, datetime
from unittest import mock

import pytest
import requests
from azure.core.exceptions import HttpResponseError, ServiceRequestError
from azure.identity import DefaultAzureCredential, ManagedIdentityCredential

from dataflow_poller import bing_maps
from dataflow_poller.answer import Unavailable
from dataflow_poller.errors import StorageError
from dataflow_poller.job import DataflowJob
from dataflow_poller.log import NOISY_LIBRARIES, quiet_libraries
from dataflow_poller.master_keys import MasterKey
from dataflow_poller.queues import JobQueues, _server_clock
from dataflow_poller.settings import StorageAccount
from dataflow_poller.storage import credential, transport, tried
from dataflow_poller.table import DataSourceTable


def test_an_identity_reaches_the_storage_that_the_settings_name() -> None:
    """Managed identity where the settings say so, else whatever the machine has."""
    account = StorageAccount(
        queue_uri="https://a.queue.example", table_uri="https://a.table.example", managed_identity=True, client_id="id"
    )
    assert isinstance(credential(account), ManagedIdentityCredential)
    assert credential(account) is credential(account)
    assert isinstance(credential(StorageAccount(queue_uri="https://b")), DefaultAzureCredential)
    with requests.Session() as session:
        queues = JobQueues(account, "load-jobs", transport(session, 4))
        table = DataSourceTable(account, "DataSources", transport(session, 4))
    assert queues._queue.url == "https://a.queue.example/load-jobs"
    assert queues._poison_queue.url == "https://a.queue.example/load-jobs-poison"
    assert table._table.url == "https://a.table.example"


def test_storage_errors_quote_nothing_of_the_sdks() -> None:
    """Their texts may hold what was sent."""

    def fail() -> None:
        raise ServiceRequestError("S3cret")

    with pytest.raises(StorageError, match=r"^claim messages: no answer \(ServiceRequestError\)$") as caught:
        tried("claim messages", fail)
    assert caught.value.__context__ is None


def test_an_answer_of_storage_is_not_asked_for_twice() -> None:
    """Trying again cannot change a conflict."""
    asked = []

    def conflict() -> None:
        asked.append(1)
        error = HttpResponseError("conflict")
        error.status_code = 409
        error.error_code = "EntityAlreadyExists"  # type: ignore[attr-defined] # the SDKs set it
        raise error

    with pytest.raises(StorageError, match="HTTP 409 EntityAlreadyExists"):
        tried("write a row", conflict)
    assert asked == [1]


def test_libraries_are_quiet() -> None:
    """From WARNING on they may speak."""
    logging.getLogger(NOISY_LIBRARIES[0]).setLevel(logging.DEBUG)
    quiet_libraries()
    assert {logging.getLogger(name).level for name in NOISY_LIBRARIES} == {logging.WARNING}
    for name in NOISY_LIBRARIES:
        logging.getLogger(name).setLevel(logging.NOTSET)


@pytest.mark.parametrize("date", ["", "junk"])
def test_without_storages_date_this_machines_clock_is_the_next_best(date: str) -> None:
    """Something on the way may take headers out."""
    assert abs((_server_clock(date).now() - datetime.now(UTC)).total_seconds()) < 5


def test_storages_time_is_counted_on() -> None:
    """From its last answer, whatever this machine's clock says."""
    clock = _server_clock("Fri, 01 Jan 2027 12:00:00 GMT")
    assert abs((clock.now() - datetime(2027, 1, 1, 12, tzinfo=UTC)).total_seconds()) < 5


def test_whatever_a_library_raises_is_no_answer() -> None:
    """A status request raises nothing, and its reason quotes nothing."""
    with bing_maps.Endpoint("http://127.0.0.1:1", 5, 1) as endpoint:
        call = bing_maps.StatusCall(endpoint, DataflowJob("a"), MasterKey("S3cret"))
        with mock.patch.object(endpoint, "ask", side_effect=ValueError("S3cret")):
            assert call.run() == Unavailable("no answer (ValueError)")
        assert call.late(time.monotonic()) < 0
        call.cut()
