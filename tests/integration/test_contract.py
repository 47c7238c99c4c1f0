"""The contract, row by row, on the whole app: what a message or an answer leads to, and what is written where."""

import base64
import json
import subprocess
import sys
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from local.endpoint import LoadJob
from local.host import APP
from tests.conftest import CANARY, OTHER_KEY
from tests.scenario import Scenario
from tests.storage_proxy import StorageProxy

COUNTS = (
    "completed",
    "aborted",
    "rejected",
    "timed_out",
    "pending",
    "unavailable",
    "poisoned",
    "released",
    "lost",
    "failed",
)


# How a job ends


@pytest.mark.parametrize("output", ["json", "xml"])
def test_completed_with_a_link(app: Scenario, output: str) -> None:
    """Row `Completed` with the URL; the message is gone."""
    job = app.job(output=output)
    assert app.poll()["completed"] == 1
    row = app.rows()[job.job_id]
    assert row["Status"] == "Completed"
    assert row["DataSourceUrl"] == job.data_source_url
    assert row["DataSourceName"] == "FourthCoffeeSample"
    assert (row["TotalEntityCount"], row["FailedEntityCount"], row["Polls"]) == (100, 0, 1)
    assert row["CreatedDate"] <= row["CompletedDate"] <= datetime.now(UTC)
    assert abs(row["RecordedDate"] - app.clock.now()) < timedelta(seconds=10)
    assert "ErrorMessage" not in row
    assert app.queued() == 0


def test_completed_with_failures(app: Scenario) -> None:
    """Completed does not mean success: the row has the count."""
    job = app.job("failures")
    app.poll()
    assert app.rows()[job.job_id]["FailedEntityCount"] == 7


def test_completed_without_a_link(app: Scenario) -> None:
    """Row `Completed`, empty URL, and the message says so."""
    job = app.job("nolink")
    app.poll()
    row = app.rows()[job.job_id]
    assert (row["Status"], row["DataSourceUrl"]) == ("Completed", "")
    assert "link" in row["ErrorMessage"]


@pytest.mark.parametrize("end", ["aborted", "nolog"])
def test_aborted(app: Scenario, end: str) -> None:
    """Row `Aborted` with the service's message, and the log where there is one."""
    job = app.job(end, output="xml")
    assert app.poll()["aborted"] == 1
    row = app.rows()[job.job_id]
    assert (row["Status"], row["ErrorMessage"]) == ("Aborted", "The data source schema is invalid.")
    assert ("ErrorLogUrl" in row) == (end == "aborted")


def test_pending_is_polled_again_until_it_ends(app: Scenario) -> None:
    """The message stays, counts polls, and reappears when it is due."""
    job = app.job(seconds=1.5)
    assert app.poll()["pending"] == 1
    assert app.rows() == {}
    assert (app.queued(), app.visible()) == (1, [])
    app.later(2)
    assert app.poll()["completed"] == 1
    assert app.rows()[job.job_id]["Polls"] == 2


def test_a_young_pending_job_needs_no_update(flaky: Scenario, proxy: StorageProxy) -> None:
    """Its claim ends when it is due again; an older one is deferred."""
    flaky.job("never")
    assert flaky.poll(POLL_MIN_DELAY_SECONDS="30")["pending"] == 1
    assert proxy.operations["update"] == 0
    assert flaky.visible() == []


def test_an_unknown_status_is_pending_with_a_warning(app: Scenario) -> None:
    """The service may learn new words."""
    job = app.job("never", ('job:{"status": "Sleeping"}',))
    assert app.poll()["pending"] == 1
    assert app.lines("unknown status") == [{"status": "Sleeping", "jobs": 1, "jobId": job.job_id}]


@pytest.mark.parametrize("status", [400, 404])
def test_rejected_on_the_third_poll_in_a_row(app: Scenario, status: int) -> None:
    """Twice may be the service's delay; three times is an answer."""
    job = app.job(faults=(f"status:{status}",) * 3)
    for _ in range(2):
        assert app.poll()["unavailable"] == 1
        app.later(2)
    assert app.poll()["rejected"] == 1
    row = app.rows()[job.job_id]
    assert row["Status"] == "Rejected"
    assert str(status) in row["ErrorMessage"]


def test_another_answer_starts_the_count_of_rejections_anew(app: Scenario) -> None:
    """404, 404, 500, 404, 404 is no rejection; the count is kept in the message, whatever its encoding."""
    job = app.stand_in.add(
        LoadJob(
            uuid.uuid4().hex, 0, "completed", ["status:404", "status:404", "status:500", "status:404", "status:404"]
        )
    )
    app.send(base64.b64encode(job.job_id.encode()).decode())
    for _ in range(5):
        assert app.poll()["unavailable"] == 1
        app.later(2)
    assert app.poll()["completed"] == 1


def test_a_claim_without_a_request_keeps_the_count_of_rejections(app: Scenario) -> None:
    """A key that rests says nothing about a job."""
    job = app.job(faults=("status:404",) * 3)
    for key in (CANARY, CANARY, "@Microsoft.KeyVault(x)"):
        app.poll(BING_MAPS_MASTER_KEY=key)
        app.later(2)
    assert app.poll()["rejected"] == 1
    assert job.polls == 3


@pytest.mark.parametrize("fault", ["throttled:429", "throttled:503", "shed"])
def test_a_throttled_key_rests_for_the_run(app: Scenario, fault: str) -> None:
    """No further request with it; its other jobs wait; another key goes on."""
    first = app.job(faults=(fault,))
    others = [app.job() for _ in range(5)]
    free = app.job(masterKeyName="other")
    summary = app.poll(POLL_CONCURRENCY="1", BING_MAPS_MASTER_KEY_OTHER=OTHER_KEY)
    assert (summary["unavailable"], summary["completed"], summary["stopped"]) == (6, 1, "drained")
    assert list(app.rows()) == [free.job_id]
    assert first.polls == 1
    assert sum(job.polls for job in others) == 0


def test_retry_after_holds_for_the_keys_other_jobs_too(app: Scenario) -> None:
    """All of them wait as long as the service asks."""
    app.job(faults=("throttled:429;Retry-After: 3",))
    app.job()
    app.poll(POLL_CONCURRENCY="1")
    app.later(1.5)
    assert "received" not in app.poll()
    app.later(2)
    assert app.poll()["completed"] == 2


@pytest.mark.parametrize("fault", ["status:401", "status:403", "credentials:200", "credentials:400", "credentials:404"])
def test_a_refused_key_rests_for_the_run(app: Scenario, fault: str) -> None:
    """Its jobs keep, with one line at error level, and end well once the key is right."""
    jobs = [app.job(faults=(fault,)), app.job(), app.job()]
    assert app.poll(POLL_CONCURRENCY="1")["unavailable"] == 3
    [line] = app.lines("master key refused")
    assert line["masterKeyName"] == "default"
    assert " ERROR " in next(line for line in app.log.getvalue().splitlines() if "master key refused" in line)
    assert sum(job.polls for job in jobs) == 1
    app.later(2)
    assert app.poll()["completed"] == 3


def test_a_key_that_is_not_configured_is_like_a_refused_one(app: Scenario) -> None:
    """The message waits, is not poison, and one line says what is missing."""
    app.job(masterKeyName="contoso")
    app.job(masterKeyName="contoso")
    assert app.poll()["unavailable"] == 2
    assert [line["masterKeyName"] for line in app.lines("master key not configured")] == ["contoso"]
    assert app.poison() == []
    app.later(2)
    assert app.poll(BING_MAPS_MASTER_KEY_CONTOSO=OTHER_KEY)["completed"] == 2
    assert {row["PartitionKey"] for row in app.rows().values()} == {"contoso"}


def test_an_unresolved_key_vault_reference_is_told_once_and_other_keys_go_on(app: Scenario) -> None:
    """It is no wrong setting."""
    app.job()
    app.job(masterKeyName="other")
    summary = app.poll(
        BING_MAPS_MASTER_KEY="@Microsoft.KeyVault(SecretUri=https://v)", BING_MAPS_MASTER_KEY_OTHER=OTHER_KEY
    )
    assert (summary["unavailable"], summary["completed"]) == (1, 1)
    [line] = app.lines("master key not configured")
    assert "Key Vault" in line["reason"]


@pytest.mark.parametrize("faults", [("status:500",), ("redirect:http://127.0.0.1:1/",), ("reset",), ("body:<html>",)])
def test_anything_else_is_polled_again(app: Scenario, faults: tuple[str, ...]) -> None:
    """Trouble with the endpoint is normal life."""
    app.job(faults=faults)
    assert app.poll()["unavailable"] == 1
    app.later(2)
    assert app.poll()["completed"] == 1


def test_ten_unavailable_in_a_row_end_the_run(app: Scenario) -> None:
    """The rest stays in the queue, released at once."""
    for _ in range(15):
        app.job(faults=("status:500",))
    summary = app.poll(POLL_CONCURRENCY="1", POLL_MIN_DELAY_SECONDS="30")
    assert (summary["stopped"], summary["unavailable"]) == ("endpoint", 10)
    assert summary["received"] == 10 + summary["released"]
    assert len(app.visible()) == 5


@pytest.mark.parametrize("jobs", [10, 12])
def test_ten_unavailable_at_once_end_the_run_too(app: Scenario, jobs: int) -> None:
    """All were in flight, none was left to release: the endpoint is why it ended nevertheless."""
    for _ in range(jobs):
        app.job(faults=("status:500",))
    summary = app.poll(POLL_MIN_DELAY_SECONDS="30")
    assert (summary["stopped"], summary["unavailable"]) == ("endpoint", jobs)


def test_any_other_answer_starts_the_count_to_ten_anew(app: Scenario) -> None:
    """Nine, one well, nine do not end it."""
    for number in range(19):
        app.job(faults=() if number == 9 else ("status:500",))
    summary = app.poll(POLL_CONCURRENCY="1")
    assert (summary["stopped"], summary["unavailable"], summary["completed"]) == ("drained", 18, 1)


def test_timed_out_by_age(app: Scenario) -> None:
    """A job that is pending for ever gets a row that says what was last known."""
    job = app.job("never")
    app.later(3)
    assert app.poll(JOB_MAX_AGE_HOURS="0.0003")["timed_out"] == 1
    row = app.rows()[job.job_id]
    assert (row["Status"], row["DataSourceUrl"]) == ("TimedOut", "")
    assert "Pending" in row["ErrorMessage"]
    assert row["Description"]


def test_timed_out_before_the_message_expires(app: Scenario) -> None:
    """A message with two minutes and a delay to live is recorded, one with more is not."""
    short, long = app.job("never", ttl=120), app.job("never", ttl=150)
    summary = app.poll()
    assert (summary["timed_out"], summary["pending"]) == (1, 1)
    assert list(app.rows()) == [short.job_id] != [long.job_id]


def test_a_message_without_end_of_life_does_not_expire(app: Scenario) -> None:
    """Time to live -1 is no date of the past."""
    app.job("never", ttl=-1)
    assert app.poll()["pending"] == 1


@pytest.mark.parametrize("later", ["timed_out", "rejected"])
def test_the_same_job_twice_keeps_its_final_row(app: Scenario, later: str) -> None:
    """`TimedOut` and `Rejected` never replace `Completed`; `Completed` replaces anything."""
    job = app.job()
    app.poll()
    job.end = "never"
    job.faults = ["status:404"] * 3
    app.send(json.dumps({"jobId": job.job_id, "rejections": 2 if later == "rejected" else 0}))
    if later == "timed_out":
        app.later(1.5)
    app.poll(JOB_MAX_AGE_HOURS="48" if later == "rejected" else "0.0001")
    assert app.summary[later] == 1
    assert app.rows()[job.job_id]["Status"] == "Completed"
    assert app.queued() == 0


def test_completed_replaces_a_row_that_was_not_final(app: Scenario) -> None:
    """A job that was given up and sent again ends well."""
    job = app.job(faults=("status:404",), rejections=2)
    app.poll()
    assert app.rows()[job.job_id]["Status"] == "Rejected"
    app.send(job.job_id)
    app.poll()
    assert app.rows()[job.job_id]["Status"] == "Completed"
    assert "ErrorMessage" not in app.rows()[job.job_id]


def test_the_same_job_twice_in_one_run_has_one_row(app: Scenario) -> None:
    """Both messages go."""
    job = app.job()
    app.send(job.job_id, job.job_id)
    assert app.poll()["completed"] == 3
    assert list(app.rows()) == [job.job_id]
    assert app.queued() == 0


# Messages


def test_what_is_not_a_job_goes_to_the_poison_queue_at_first_sight(app: Scenario) -> None:
    """Same text, a line that says why, and the rest of the page unharmed."""
    texts = ["", "hello", "{", '{"jobId": "x", "more": 1}', "http://example.com/x", "x" * 65536, "aGVsbG8="]
    app.send(*texts)
    app.job()
    summary = app.poll()
    assert (summary["poisoned"], summary["completed"]) == (7, 1)
    assert sorted(app.poison()) == sorted(texts)
    expiries = [message.expires_on for message in app.poison_queue.peek_messages(32)]
    assert {expiry.year for expiry in expiries if expiry} == {9999}
    assert len(app.lines("message poisoned")) == 7
    assert len(app.stand_in.requests) == 1
    assert app.queued() == 0


def test_a_message_with_the_key_is_masked_in_the_poison_queue(app: Scenario) -> None:
    """Plain, in JSON and in base64."""
    plain = f"{app.stand_in.url}/REST/v1/Dataflows/LoadDataSource/x?key={CANARY}"
    app.send(plain, json.dumps({"jobId": CANARY}), base64.b64encode(plain.encode()).decode())
    assert app.poll()["poisoned"] == 3
    masked = plain.replace(CANARY, "***")
    assert sorted(app.poison()) == sorted([masked, '{"jobId": "***"}', base64.b64encode(masked.encode()).decode()])
    assert app.stand_in.requests == []


def test_the_key_goes_to_the_endpoint_only(app: Scenario) -> None:
    """Whatever host a status URL names, the request goes to `BING_MAPS_URL`, with the key as it is."""
    job = app.stand_in.add(LoadJob("a b/c"))
    app.send("https://spatial.virtualearth.net/rest/v1/dataflows/loaddatasource/a%20b%2Fc")
    assert app.poll()["completed"] == 1
    assert app.rows()[job.job_id]["RowKey"] == "a%20b%2Fc"
    assert app.stand_in.requests == [
        ("GET", f"/REST/v1/Dataflows/LoadDataSource/a%20b%2Fc?output=json&key={_quoted()}")
    ]


def _quoted() -> str:
    from urllib.parse import quote

    return quote(CANARY, safe="")


# Runs


def test_a_run_polls_many_jobs_at_once_over_several_pages(app: Scenario) -> None:
    """Concurrency is used and kept to; rows go in batches; connections are reused."""
    app.stand_in.latency = 0.05
    jobs = [app.job(masterKeyName="other" if number % 3 else "default") for number in range(100)]
    summary = app.poll(POLL_CONCURRENCY="8", BING_MAPS_MASTER_KEY_OTHER=OTHER_KEY, POLL_REQUEST_SECONDS="10")
    assert (summary["completed"], summary["stopped"]) == (100, "drained")
    assert app.stand_in.most_in_flight == 8
    assert set(app.rows()) == {job.job_id for job in jobs}
    assert app.queued() == 0


def test_a_run_ends_with_its_time_and_releases_what_it_did_not_begin(app: Scenario) -> None:
    """Claimed messages are not left to time out."""
    app.stand_in.latency = 0.5
    for _ in range(20):
        app.job()
    summary = app.poll(POLL_CONCURRENCY="2", POLL_RUN_SECONDS="1", POLL_REQUEST_SECONDS="5")
    assert summary["stopped"] == "time"
    assert summary["released"] > 0
    assert summary["completed"] + summary["released"] == summary["received"]
    assert len(app.visible()) == 20 - summary["completed"]


def test_every_message_is_in_exactly_one_count(app: Scenario) -> None:
    """The counts of the summary line add up, and zero ones are there too."""
    app.job()
    app.job("aborted")
    app.job("never")
    app.job(faults=("status:500",))
    app.job(faults=("status:404",), rejections=2)
    app.send("poison")
    app.poll()
    [line] = app.lines("poll finished")
    assert set(line) == {"received", *COUNTS, "queued", "oldest_age_seconds", "seconds", "stopped", "version"}
    assert line["received"] == sum(line[count] for count in COUNTS) == 6
    assert line["rejected"] == 1
    assert len(app.lines("row written")) == 3


def test_a_claim_that_was_lost_is_no_error(app: Scenario) -> None:
    """The queue is emptied while the endpoint is asked: the row is written, the delete finds nothing."""
    job = app.job()
    app.stand_in.meanwhile = app.queue.clear_messages
    assert app.poll()["lost"] == 1
    assert app.rows()[job.job_id]["Status"] == "Completed"


def test_an_empty_queue_is_an_empty_run(app: Scenario) -> None:
    """Nothing to do is said, too."""
    assert app.poll().keys() == {"seconds", "stopped", "version"}


def test_missing_queues_and_table_are_made(app: Scenario) -> None:
    """The first run of a fresh deployment needs no hand."""
    app.queue.delete_queue()
    assert app.poll()["stopped"] == "drained"
    app.job()
    app.send("poison")
    summary = app.poll()
    assert (summary["completed"], summary["poisoned"]) == (1, 1)


def test_all_lines_come_from_the_invocations_own_thread(app: Scenario) -> None:
    """The Functions host would lose the others."""
    for _ in range(5):
        app.job()
    app.poll()
    lines = [line for line in app.log.getvalue().splitlines() if " dataflow_poller " in line]
    assert len({line.split(" ")[0] for line in lines}) == 1
    assert len(lines) == 1 + 5 + 1  # The table is made, five rows are written, the run is over.


# Settings and indexing


def test_wrong_settings_fail_the_invocation(app: Scenario) -> None:
    """All of them in one error, with the message unharmed."""
    app.job()
    error = app.fail(POLL_CONCURRENCY="many", JOB_QUEUE="Wrong!")
    assert "POLL_CONCURRENCY" in error
    assert "JOB_QUEUE" in error
    assert len(app.visible()) == 1


@pytest.mark.parametrize(("pollers", "names"), [("", ["poll"]), ("3", ["poll", "poll_2", "poll_3"]), ("99", ["poll"])])
def test_indexing_registers_the_pollers(pollers: str, names: list[str]) -> None:
    """As many timers as `POLLERS` says, on one schedule, none at start-up; no other setting is needed."""
    code = (
        "import asyncio, json; from local.host import FunctionsHost; "
        "print(json.dumps([vars(timer) for timer in asyncio.run(FunctionsHost().load())]))"
    )
    env = {"POLLERS": pollers} if pollers else {}
    run = subprocess.run([sys.executable, "-c", code], env=env, cwd=APP, capture_output=True, check=True, text=True)
    timers = json.loads(run.stdout)
    assert [timer["name"] for timer in timers] == names
    assert {(timer["schedule"], timer["run_on_startup"]) for timer in timers} == {("%POLL_SCHEDULE%", False)}


def test_a_connection_string_needs_no_azure_identity() -> None:
    """What is not needed is not imported."""
    code = "import sys, dataflow_poller.run, function_app; assert 'azure.identity' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], env={}, cwd=APP, check=True)
