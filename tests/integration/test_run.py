"""A run as a whole: when it fails, what it tells, and that a fault about one message stops no other."""

import base64
import json
import pkgutil
import tomllib
from typing import Any
from unittest import mock

import pytest
from azure.storage.queue import QueueClient

from local.host import APP
from tests.conftest import CANARY
from tests.scenario import Scenario
from tests.storage_proxy import Fault, StorageProxy


def raising_for(original: Any, job_id: str) -> Any:
    """The original, but with a fault where it is about one job; the fault's text has the key."""

    def fault(*args: Any, **kwargs: Any) -> Any:
        if job_id in repr(args):
            raise LookupError(CANARY)
        return original(*args, **kwargs)

    return fault


@pytest.mark.parametrize(("place", "about_a_job"), [
    ("dataflow_poller.poll:parse", False),
    ("dataflow_poller.poll:row", True),
    ("dataflow_poller.asking:StatusRequests.ask", True),
    ("dataflow_poller.bing_maps:read_answer", True),
    ("dataflow_poller.queues:JobQueues.delete", True),
    ("dataflow_poller.table:DataSourceTable.write_batch", True),
])  # fmt: skip
def test_a_fault_of_the_apps_own_about_one_message_stops_no_other(
    app: Scenario, place: str, *, about_a_job: bool
) -> None:
    """At any line: the others end well, it is told without its text, the message stays, and the invocation fails."""
    odd, *sound = [app.job() for _ in range(6)]
    original = pkgutil.resolve_name(place)
    with mock.patch(place.replace(":", "."), raising_for(original, odd.job_id)):
        error = app.fail(POLL_CONCURRENCY="2")
    assert "a fault of the app's own" in error
    assert app.summary["received"] == 6
    if "batch" in place:  # A batch is all or nothing, so all of its messages stay.
        assert app.summary["failed"] >= 1
    else:
        assert (app.summary["completed"], app.summary["failed"]) == (5, 1)
        assert set(app.rows()) >= {other.job_id for other in sound}
    line = app.lines("internal error")[0]
    assert line["reason"].startswith("LookupError at ")
    assert ("jobId" in line) == about_a_job
    assert app.queued() == app.summary["failed"]
    assert app.poll()  # Nothing is left over from the fault.


def test_a_fault_of_the_apps_own_while_claiming_ends_the_run_in_order(app: Scenario) -> None:
    """What was claimed before is settled, the summary is written, and the invocation fails."""
    app.job()
    with mock.patch("dataflow_poller.queues._claim", side_effect=LookupError(CANARY)):
        assert "a fault of the app's own" in app.fail()
    assert app.summary["stopped"] == "storage"
    assert app.lines("internal error")[0]["reason"].startswith("LookupError at ")


def test_a_run_that_could_claim_nothing_fails(flaky: Scenario, proxy: StorageProxy) -> None:
    """However short it is, and though time is why it ended."""
    proxy.faults.append(Fault("receive", "403", times=-1, code="AuthorizationFailure"))
    assert "HTTP 403 AuthorizationFailure" in flaky.fail(POLL_RUN_SECONDS="1")
    reasons = {line["reason"] for line in flaky.lines("claim failed")}
    assert [reason.partition(": ")[2] for reason in reasons] == ["HTTP 403 AuthorizationFailure"]


def test_a_run_that_claims_at_last_does_not_fail(flaky: Scenario, proxy: StorageProxy) -> None:
    """A warning is enough where the second claim succeeds."""
    job = flaky.job()
    proxy.faults.append(Fault("receive", "500", times=2))
    assert flaky.poll()["completed"] == 1
    assert len(flaky.lines("claim failed")) == 1
    assert list(flaky.rows()) == [job.job_id]


@pytest.mark.parametrize("jobs", [1, 3])
def test_a_run_that_could_write_no_row_fails(flaky: Scenario, proxy: StorageProxy, jobs: int) -> None:
    """One batch that fails is enough, where there was no other."""
    for _ in range(jobs):
        flaky.job()
    proxy.faults += [Fault("batch", "500", times=-1), Fault("upsert", "500", times=-1)]
    assert "no row could be written: table at 127.0.0.1" in flaky.fail()
    assert flaky.summary["failed"] == jobs
    assert len(flaky.lines("message kept")) == jobs
    assert {line["jobId"] for line in flaky.lines("message kept")} == set(flaky.stand_in.jobs)


def test_a_run_that_could_write_one_row_does_not_fail(flaky: Scenario, proxy: StorageProxy) -> None:
    """Storage works; the other row is written in the next run."""
    flaky.job()
    unlucky = flaky.job(faults=("status:404",), rejections=2)
    proxy.faults.append(Fault(f"POST [\\s\\S]*batch[\\s\\S]*{unlucky.job_id}", "500", times=2))
    summary = flaky.poll()
    assert (summary["completed"], summary["failed"]) == (1, 1)


def test_a_claim_outlives_its_turn_and_its_request_however_slow_the_endpoint_is(app: Scenario) -> None:
    """No more is claimed than can be asked about in time, so nothing is asked twice in one run."""
    jobs = [app.job() for _ in range(48)]
    app.stand_in.latency = 0.4
    summary = app.poll(
        POLL_CONCURRENCY="8", POLL_REQUEST_SECONDS="1", POLL_MIN_DELAY_SECONDS="1", POLL_RUN_SECONDS="30"
    )
    assert (summary["received"], summary["completed"]) == (48, 48)
    assert [job.polls for job in jobs] == [1] * 48
    assert app.stand_in.most_in_flight == 8


def test_what_is_counted_is_told_at_the_end_of_the_run(app: Scenario) -> None:
    """A line for each distinct reason, with how many jobs met with it, and one of them."""
    failing = [app.job(faults=("status:500",)) for _ in range(3)]
    app.job(faults=("reset",))
    refused = app.job(faults=("status:404",))
    app.poll(POLL_CONCURRENCY="1")
    host = app.stand_in.url.removeprefix("http://")
    http, reset = sorted(app.lines("endpoint unavailable"), key=lambda line: -line["jobs"])
    assert (http["host"], http["jobs"]) == (host, 3)
    assert http["reason"].startswith("HTTP 500")
    assert http["jobId"] in {job.job_id for job in failing}
    assert (reset["reason"], reset["jobs"]) == ("connection reset", 1)
    [line] = app.lines("job refused")
    assert (line["masterKeyName"], line["jobs"], line["jobId"]) == ("default", 1, refused.job_id)
    assert line["reason"].startswith("HTTP 404")


def test_the_summary_has_the_depth_of_the_queue_and_the_version(app: Scenario) -> None:
    """Waiting messages included."""
    app.job("never")
    app.job("never")
    summary = app.poll()
    assert (summary["pending"], summary["queued"]) == (2, 2)
    assert summary["version"] == tomllib.loads((APP / "pyproject.toml").read_text("utf-8"))["project"]["version"]


def test_a_depth_that_the_queue_does_not_tell_is_absent(flaky: Scenario, proxy: StorageProxy) -> None:
    """It is no reason to fail."""
    proxy.faults.append(Fault("depth", "500", times=-1))
    flaky.poll()
    [line] = flaky.lines("poll finished")
    assert "queued" not in line
    assert line["stopped"] == "drained"


def test_an_unknown_app_setting_is_warned_of(app: Scenario) -> None:
    """It is most likely a typing error, and means nothing else."""
    app.poll(POLL_CONCURENCY="32", BING_MAPS_KEY=CANARY)
    assert {line["setting"] for line in app.lines("unknown app setting")} == {"POLL_CONCURENCY", "BING_MAPS_KEY"}


def test_a_poisoned_message_is_told_with_both_ids(app: Scenario) -> None:
    """So that the copy is found in the poison queue."""
    app.send("no job")
    [original] = app.visible()
    app.poll()
    [copy] = app.poison_queue.peek_messages(32)
    [line] = app.lines("message poisoned")
    assert (line["messageId"], line["poisonMessageId"], line["cut"]) == (original.id, copy.id, False)


def test_queues_and_table_that_are_made_are_told(app: Scenario) -> None:
    """A typing error in a name makes a queue that nobody reads."""
    app.queue.delete_queue()
    app.poll(COMPLETION_QUEUE=app.name + "-ends")
    app.send("no job")
    app.job()
    app.poll(COMPLETION_QUEUE=app.name + "-ends")
    names = {line["name"] for line in app.lines("queue made")}
    assert names == {app.name, app.name + "-poison", app.name + "-ends"}
    assert [line["name"] for line in app.lines("table made")] == ["T" + app.name]


def test_a_key_that_cannot_be_used_is_told_with_its_app_setting(app: Scenario) -> None:
    """Whether it is unusable or not there."""
    app.job(masterKeyName="contoso")
    app.poll(BING_MAPS_MASTER_KEY_SHORT="short")
    told = {line["masterKeyName"]: line["setting"] for line in app.lines("master key not configured")}
    assert told == {"short": "BING_MAPS_MASTER_KEY_SHORT", "contoso": "BING_MAPS_MASTER_KEY_CONTOSO"}


def test_a_throttled_key_is_told_once_a_run(app: Scenario) -> None:
    """However many of its requests were in flight."""
    for _ in range(5):
        app.job(faults=("throttled:429;Retry-After: 7",))
    app.poll(POLL_CONCURRENCY="5")
    [line] = app.lines("master key throttled")
    assert (line["masterKeyName"], line["retryAfterSeconds"]) == ("default", 7)


def messages_of(app: Scenario, name: str) -> list[dict[str, Any]]:
    queue = QueueClient.from_connection_string(app.connection_string, name)
    return [json.loads(base64.b64decode(message.content)) for message in queue.peek_messages(32)]


@pytest.mark.parametrize("end", ["completed", "aborted"])
def test_each_row_is_told_to_the_completion_queue(app: Scenario, end: str) -> None:
    """With the names and values of the row; the queue is made where it is missing."""
    job = app.job(end)
    ends = app.name + "-ends"
    app.poll(COMPLETION_QUEUE=ends)
    [event] = messages_of(app, ends)
    row = app.rows()[job.job_id]
    assert event.keys() == row.keys()
    assert {name: event[name] for name in ("PartitionKey", "RowKey", "Status", "DataSourceUrl")} == {
        name: row[name] for name in ("PartitionKey", "RowKey", "Status", "DataSourceUrl")
    }
    assert event["RecordedDate"].endswith("Z")
    assert app.queued() == 0


def test_without_a_completion_queue_nothing_is_told(app: Scenario) -> None:
    """It is off by default."""
    app.job()
    assert app.poll()["completed"] == 1
    assert not app.lines("queue made")


def test_an_end_that_replaces_no_row_is_not_told(app: Scenario) -> None:
    """The service told a better end before."""
    job = app.job()
    ends = app.name + "-ends"
    app.poll(COMPLETION_QUEUE=ends)
    job.faults = ["status:404"]
    app.send(json.dumps({"jobId": job.job_id, "rejections": 2}))
    assert app.poll(COMPLETION_QUEUE=ends)["rejected"] == 1
    assert [event["Status"] for event in messages_of(app, ends)] == ["Completed"]
    assert len(app.lines("row written")) == 1


@pytest.mark.parametrize("kind", ["500", "close"])
def test_an_event_that_cannot_be_sent_keeps_the_message(flaky: Scenario, proxy: StorageProxy, kind: str) -> None:
    """The row is safe, the message stays and all of it is repeated; where not one could be sent, the run fails."""
    job = flaky.job()
    ends = flaky.name + "-ends"
    proxy.faults.append(Fault(f"^POST /\\w+/{ends}/messages", kind))
    assert "no completion event could be sent: queue at 127.0.0.1" in flaky.fail(COMPLETION_QUEUE=ends)
    assert list(flaky.rows()) == [job.job_id]
    assert flaky.lines("message kept")[0]["jobId"] == job.job_id
    assert flaky.queued() == 1
    flaky.later(40)
    assert flaky.poll(COMPLETION_QUEUE=ends)["completed"] == 1
    assert [event["RowKey"] for event in messages_of(flaky, ends)] == [job.job_id]


def test_an_event_larger_than_a_message_is_cut_and_the_row_is_whole(app: Scenario) -> None:
    """It never holds a job because it is too large."""
    long = {"status": "Aborted", "errorMessage": "緯度が範囲外です。" * 3000}
    job = app.job(faults=(f"job:{json.dumps(long)}",))
    ends = app.name + "-ends"
    assert app.poll(COMPLETION_QUEUE=ends)["aborted"] == 1
    [event] = messages_of(app, ends)
    assert event["cut"] is True
    assert len(event["ErrorMessage"]) == 1000
    assert len(app.rows()[job.job_id]["ErrorMessage"]) > 20_000
    assert app.queued() == 0
