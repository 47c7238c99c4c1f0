"""Faults of storage, caused by a proxy before Azurite, and kills of a real process at the moments that matter.

After each, as after every test of the whole app: every message is in the queue or the poison queue or has its row,
and no key is anywhere it does not belong (see scenario.py).
"""

import json
import os
import signal
import subprocess
import sys
from unittest import mock

import pytest
from azure.storage.queue import QueueMessage

from dataflow_poller import storage
from local.host import APP
from tests.conftest import OTHER_KEY
from tests.scenario import Scenario
from tests.storage_proxy import Fault, StorageProxy


@pytest.mark.parametrize("after", [False, True], ids=["not applied", "applied"])
@pytest.mark.parametrize("kind", ["500", "503", "close"])
@pytest.mark.parametrize("operation", ["receive", "update", "delete", "batch", "upsert"])
def test_one_failed_operation_is_tried_again(
    flaky: Scenario, proxy: StorageProxy, operation: str, kind: str, *, after: bool
) -> None:
    """Whether storage did what was asked or not: all ends well, at the latest in the next run."""
    jobs = [flaky.job(), flaky.job(masterKeyName="other" if operation == "upsert" else "default")]
    pending = flaky.job("never")
    proxy.faults.append(Fault(operation, kind, after))
    flaky.poll(BING_MAPS_MASTER_KEY_OTHER=OTHER_KEY)
    assert proxy.caused.total() == 1
    flaky.assert_nothing_lost()
    if operation == "receive" and after:  # The claim of the lost answer must run out first.
        flaky.later(8)
        flaky.poll(BING_MAPS_MASTER_KEY_OTHER=OTHER_KEY)
    assert set(flaky.rows()) == {job.job_id for job in jobs}
    assert pending.job_id not in flaky.rows()
    assert flaky.queued() == 1


@pytest.mark.parametrize(("operation", "outcome"), [("delete", "completed"), ("update", "unavailable")])
def test_what_was_done_though_its_answer_was_lost_is_no_lost_claim(
    flaky: Scenario, proxy: StorageProxy, operation: str, outcome: str
) -> None:
    """The second try finds the claim gone: by the first one."""
    flaky.job(faults=() if operation == "delete" else ("status:404",))
    proxy.faults.append(Fault(operation, "500", after=True))
    assert flaky.poll()[outcome] == 1
    assert flaky.queued() == (0 if operation == "delete" else 1)


@pytest.mark.parametrize("operation", ["batch", "get", "upsert"])
def test_a_guarded_write_is_tried_again(flaky: Scenario, proxy: StorageProxy, operation: str) -> None:
    """A `Rejected` row over one that is there: look, then replace, each tried twice."""
    job = flaky.job(faults=("status:404", "status:404"), rejections=2)
    flaky.poll()
    flaky.send(json.dumps({"jobId": job.job_id, "rejections": 2}))
    proxy.faults.append(Fault(operation, "500"))
    assert flaky.poll()["rejected"] == 1
    assert proxy.caused.total() == 1
    assert flaky.rows()[job.job_id]["Status"] == "Rejected"


@pytest.mark.parametrize("kind", ["500", "close"])
def test_a_poison_copy_is_sent_without_blind_retries(flaky: Scenario, proxy: StorageProxy, kind: str) -> None:
    """Where the copy is not known to be there, the original stays; a lost answer makes one copy too many, no more."""
    flaky.send("poison")
    flaky.poison_queue.create_queue()
    proxy.faults.append(Fault("send", kind, after=True))
    assert flaky.poll()["failed"] == 1
    assert flaky.queued() == 1
    flaky.later(8)
    assert flaky.poll()["poisoned"] == 1
    assert flaky.poison() == ["poison", "poison"]


@pytest.mark.parametrize("operation", ["batch", "delete", "update", "send"])
def test_an_operation_that_always_fails_keeps_the_messages(
    flaky: Scenario, proxy: StorageProxy, operation: str
) -> None:
    """Nothing is deleted whose row or copy is not safe; five failures in a row end the run and fail it."""
    for _ in range(12):
        flaky.job("never" if operation == "update" else "completed")
    if operation == "send":
        flaky.queue.clear_messages()
        flaky.sent.clear()
        flaky.send(*(f"poison {number}" for number in range(12)))
        flaky.poison_queue.create_queue()
    proxy.faults.append(Fault(operation, "500", times=-1))
    if operation == "batch":
        proxy.faults.append(Fault("upsert", "500", times=-1))
        assert "no row could be written: table at 127.0.0.1" in flaky.fail(POLL_CONCURRENCY="32")
        assert flaky.summary["failed"] == 12
    else:
        assert "5 times in a row" in flaky.fail()
        assert flaky.summary["stopped"] == "storage"
    assert flaky.queued() == 12
    assert flaky.rows().keys() == (flaky.stand_in.jobs.keys() if operation == "delete" else set())


def test_storage_that_is_away_fails_the_run_soon(flaky: Scenario, proxy: StorageProxy) -> None:
    """The error says what storage did; the summary is written."""
    proxy.faults.append(Fault("receive", "503", times=-1))
    error = flaky.fail()
    assert "storage failed 5 times in a row; last: queue at 127.0.0.1" in error
    assert "HTTP 503" in error
    assert len(flaky.lines("claim failed")) == 5
    assert flaky.summary["stopped"] == "storage"
    assert flaky.summary["seconds"] < 5


@pytest.mark.parametrize("kind", ["hang", "drip head", "drip body"])
@pytest.mark.parametrize("operation", ["receive", "batch"])
def test_storage_that_does_not_come_to_an_end_ends_the_run_within_its_bound(
    flaky: Scenario, proxy: StorageProxy, operation: str, kind: str
) -> None:
    """Silence and single bytes are failures, too: the invocation fails, and says that storage is why."""
    for _ in range(2):
        flaky.job()
    proxy.faults += [Fault(operation, kind, after=True, times=-1)]
    with mock.patch.object(storage, "TRY_SECONDS", 0.2):
        error = flaky.fail(POLL_RUN_SECONDS="1")
    assert f"{'table' if operation == 'batch' else 'queue'} at 127.0.0.1" in error
    assert "timed out" in error
    assert flaky.summary["seconds"] < 10


def test_one_refused_row_does_not_stop_the_others_of_its_batch(flaky: Scenario, proxy: StorageProxy) -> None:
    """The others are written; that one alone keeps."""
    jobs = [flaky.job() for _ in range(5)]
    proxy.faults.append(Fault(f"(PUT|POST) [\\s\\S]*{jobs[2].job_id}", "400", times=-1))
    summary = flaky.poll()
    assert (summary["completed"], summary["failed"]) == (4, 1)
    assert set(flaky.rows()) == {job.job_id for job in jobs} - {jobs[2].job_id}
    assert flaky.queued() == 1


@pytest.mark.parametrize("refused", ["Description", "TraceId|CreatedDate"])
def test_a_row_is_written_without_the_property_that_is_refused(
    flaky: Scenario, proxy: StorageProxy, refused: str
) -> None:
    """Rather a row that lacks something than none."""
    job = flaky.job()
    proxy.faults.append(Fault(f"PUT [\\s\\S]*({refused})", "400", times=-1))
    assert flaky.poll()["completed"] == 1
    row = flaky.rows()[job.job_id]
    assert row["DataSourceUrl"] == job.data_source_url
    assert not [name for name in row if name in refused]


@pytest.mark.parametrize("operation", ["make queue", "make table"])
def test_what_is_missing_and_may_not_be_made_is_a_clear_error(
    flaky: Scenario, proxy: StorageProxy, operation: str
) -> None:
    """The error names it and says what to do; nothing is deleted."""
    proxy.faults.append(Fault(operation, "403", times=-1))
    flaky.job()
    if operation == "make queue":
        flaky.send("poison")
    error = flaky.fail()
    assert "does not exist and could not be made" in error
    assert (flaky.name + "-poison" if operation == "make queue" else "T" + flaky.name) in error
    assert flaky.queued() == 1


def test_a_missing_job_queue_that_may_not_be_made_ends_the_run(flaky: Scenario, proxy: StorageProxy) -> None:
    """There is nothing else to do."""
    flaky.queue.delete_queue()
    proxy.faults.append(Fault("make queue", "403", times=-1))
    assert f"{flaky.name} does not exist and could not be made" in flaky.fail()
    flaky.queue.create_queue()


@pytest.mark.parametrize("operation", ["batch", "get"])
def test_a_guarded_write_that_always_fails_keeps_the_message(
    flaky: Scenario, proxy: StorageProxy, operation: str
) -> None:
    """Whether the first request fails or a later one."""
    job = flaky.job(faults=("status:404", "status:404"), rejections=2)
    flaky.poll()
    flaky.send(json.dumps({"jobId": job.job_id, "rejections": 2}))
    proxy.faults.append(Fault(operation, "500", times=-1))
    assert "no row could be written" in flaky.fail()
    assert flaky.summary["failed"] == 1
    assert flaky.queued() == 1


def test_a_row_that_somebody_else_keeps_changing_is_left_to_them(flaky: Scenario, proxy: StorageProxy) -> None:
    """The guarded write gives up after some tries, and the message stays."""
    job = flaky.job(faults=("status:404",), rejections=2)
    flaky.poll()
    job.faults.append("status:404")
    flaky.send(json.dumps({"jobId": job.job_id, "rejections": 2}))
    proxy.faults.append(Fault(f"PUT [\\s\\S]*{job.job_id}", "412", times=-1, code="UpdateConditionNotSatisfied"))
    assert "no row could be written" in flaky.fail()
    assert flaky.summary["failed"] == 1
    assert "somebody else keeps changing the row" in flaky.lines("message kept")[0]["reason"]
    assert flaky.queued() == 1


def test_a_claim_that_ran_out_during_the_request_is_no_error(app: Scenario) -> None:
    """Another poller has taken the message meanwhile; both write the same row."""
    job = app.job()
    taken: list[QueueMessage] = []

    def take() -> None:
        app.stand_in.meanwhile = None
        while not taken:  # The run itself, which looks for more messages, may be faster once.
            app.later(3600)
            taken.extend(app.queue.receive_messages(max_messages=1, visibility_timeout=30))

    app.stand_in.meanwhile = take
    assert app.poll()["lost"] >= 1
    assert app.rows()[job.job_id]["Status"] == "Completed"
    app.queue.delete_message(taken[0])


def test_a_wrong_clock_of_this_machine_changes_nothing(app: Scenario) -> None:
    """Ages and expiry follow the storage server's time."""
    app.later(60 * 3600)
    job = app.job("never", ttl=3600)
    assert app.poll()["pending"] == 1
    app.later(2)
    job.end = "completed"
    app.poll()
    row = app.rows()[job.job_id]
    assert abs((row["RecordedDate"] - app.clock.now()).total_seconds()) < 10


ONE_RUN = "from dataflow_poller.run import run; run()"


@pytest.mark.parametrize("moment", ["claim", "row", "poison copy"])
def test_a_killed_process_loses_nothing(flaky: Scenario, proxy: StorageProxy, moment: str) -> None:
    """SIGKILL after the claim, after the row, after the poison copy: all is seen again, and ends the same."""
    process: subprocess.Popen[bytes] | None = None

    def kill() -> None:
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)

    if moment == "poison copy":
        flaky.send("poison")
        proxy.faults.append(Fault("delete", "close", then=kill))
    elif moment == "row":
        job = flaky.job()
        proxy.faults.append(Fault("delete", "close", then=kill))
    else:
        job = flaky.job()
        proxy.faults.append(Fault("upsert", "close", then=kill))
    process = subprocess.Popen(
        [sys.executable, "-c", ONE_RUN], env={**os.environ, **flaky.env}, cwd=APP, stderr=subprocess.PIPE
    )
    _, log = process.communicate()
    flaky.failures.append(log.decode())
    assert process.returncode == -signal.SIGKILL
    before = flaky.rows()
    flaky.assert_nothing_lost()
    assert flaky.queued() == 1
    flaky.later(8)
    flaky.poll()
    assert flaky.queued() == 0
    if moment == "poison copy":
        assert flaky.poison() == ["poison", "poison"]
        return
    row = flaky.rows()[job.job_id]
    assert row["Status"] == "Completed"
    assert row["Polls"] == 2
    if moment == "row":
        varying = {"RecordedDate", "Polls"}
        assert {n: v for n, v in before[job.job_id].items() if n not in varying} == {
            n: v for n, v in row.items() if n not in varying
        }
