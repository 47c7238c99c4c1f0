"""Faults of the endpoint, the network and the messages, each caused for real.

After each, as after every test of the whole app: every message is in the queue or the poison queue or has its row,
and no key is anywhere it does not belong (see scenario.py).
"""

import base64
import json
import os
import resource
import socket
import socketserver
import subprocess
import sys
import threading

import pytest

from local.endpoint import LoadJob, StandIn
from local.faults import MIB
from local.host import APP
from tests.conftest import CANARY
from tests.scenario import Scenario


class PlainText(socketserver.BaseRequestHandler):
    """Answers whatever comes in plain text, so no TLS."""

    def handle(self) -> None:
        self.request.recv(1000)
        self.request.sendall(b"HTTP/1.1 400 Plain text\r\n\r\n")


def refused_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


RSS_UNIT = 1 if sys.platform == "darwin" else 1024


def peak_memory() -> int:
    """Bytes that this process has had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * RSS_UNIT


def reasons(app: Scenario) -> list[str]:
    return [line["reason"] for line in app.lines("endpoint unavailable")]


def test_no_connection_keeps_and_the_log_says_which(app: Scenario) -> None:
    """Name resolution, refused, reset, TLS: told apart, without the URL."""
    app.job(faults=("reset",))
    app.poll()
    app.later(2)
    with socketserver.TCPServer(("127.0.0.1", 0), PlainText) as plain:
        threading.Thread(target=plain.serve_forever, daemon=True).start()
        no_tls = f"https://127.0.0.1:{plain.server_address[1]}"
        for url in ("https://no-such-host.invalid", f"http://127.0.0.1:{refused_port()}", no_tls):
            assert app.poll(BING_MAPS_URL=url)["unavailable"] == 1
            app.later(2)
        plain.shutdown()
    assert reasons(app) == ["connection reset", "name resolution failed", "connection refused", "TLS failed"]
    assert app.poll()["completed"] == 1


@pytest.mark.parametrize("fault", ["hang", "drip:head", "drip:body"])
def test_a_request_is_over_when_its_time_is(app: Scenario, fault: str) -> None:
    """A body that drips is cut like one that never comes."""
    app.job(faults=(fault,))
    summary = app.poll(POLL_REQUEST_SECONDS="0.5")
    assert summary["unavailable"] == 1
    assert summary["seconds"] < 5
    assert reasons(app) == ["timed out"]


def test_a_connection_that_hangs_is_over_when_its_time_is(app: Scenario) -> None:
    """A full backlog of a listening socket answers no connection at all."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(address)
        app.job()
        assert app.poll(BING_MAPS_URL=f"http://127.0.0.1:{address[1]}", POLL_REQUEST_SECONDS="0.5")["unavailable"] == 1
        for filler in fillers:
            filler.close()
    assert reasons(app) == ["timed out"]


@pytest.mark.parametrize(("fault", "reason"), [
    ("cut", "the body is cut short"),
    ("bad_gzip", "the body does not decode"),
    ("bad_chunking", "the body is cut short"),
    ("bad_header", "timed out"),
])  # fmt: skip
def test_a_broken_response_keeps(app: Scenario, fault: str, reason: str) -> None:
    """And the reason says in what it is broken."""
    app.job(faults=(fault,))
    assert app.poll()["unavailable"] == 1
    assert reasons(app) == [reason]


def test_a_compressed_answer_is_read_though_nobody_asked_for_it(app: Scenario) -> None:
    """A proxy on the way may compress."""
    app.job(faults=("good_gzip",))
    assert app.poll()["completed"] == 1


@pytest.mark.parametrize("fault", ["status:500", "status:502", "throttled:503", "throttled:429"])
@pytest.mark.parametrize("retry_after", ["", "1", "junk", "-5", "999999999", "Fri, 01 Jan 2010 00:00:00 GMT"])
def test_a_failing_service_keeps_whatever_it_says_of_retrying(app: Scenario, fault: str, retry_after: str) -> None:
    """A huge value does not time a job out."""
    app.job(faults=(f"{fault};Retry-After: {retry_after}" if "throttled" in fault and retry_after else fault,))
    assert app.poll()["unavailable"] == 1
    assert app.queued() == 1


@pytest.mark.parametrize(
    "body", ["<html><body>Sorry</body></html>", "{}", "null", '{"resourceSets": [{"resources": []}]}', ""]
)
def test_a_200_without_the_job_keeps(app: Scenario, body: str) -> None:
    """Nothing of it is taken for an end."""
    app.job(faults=(f"body:{body}",))
    assert app.poll()["unavailable"] == 1


def test_a_redirect_is_not_followed(app: Scenario) -> None:
    """Neither to another host nor to the same: the key stays where it belongs."""
    with StandIn() as elsewhere:
        target = elsewhere.add(LoadJob("target"))
        app.job(faults=(f"redirect:{elsewhere.url}/REST/v1/Dataflows/LoadDataSource/target",))
        app.job(faults=(f"redirect:{app.stand_in.url}/REST/v1/Dataflows/LoadDataSource/target",))
        assert app.poll()["unavailable"] == 2
        assert (elsewhere.requests, target.polls) == ([], 0)
    assert len(app.stand_in.requests) == 2
    assert set(reasons(app)) == {"HTTP 302, redirect not followed"}


def test_hostile_xml_keeps_and_fetches_nothing(app: Scenario) -> None:
    """Entity bombs and external entities are refused before anything is expanded."""
    with StandIn() as elsewhere:
        namespace = "http://schemas.microsoft.com/search/local/ws/rest/v1"
        faults = ["entity_bomb", f"external_entity:{elsewhere.url}/x", '<?xml version="1.0" encoding="nonsense"?><a/>',
                  f'<Other xmlns="{namespace}"/>', "<Response><ResourceSets/></Response>"]  # fmt: skip
        for fault in faults:
            app.job(faults=(fault if fault in faults[:2] else f"body:{fault}",), output="xml")
        assert app.poll()["unavailable"] == 5
        assert elsewhere.requests == []


def test_hostile_json_keeps_or_records_what_is_sound_and_later_messages_still_run(app: Scenario) -> None:
    """Depth, long numbers, NaN, strings for numbers."""
    for body in ('{"a":' + "[" * 200_000, '{"a":' + "1" * 5000 + "}"):
        app.job(faults=(f"body:{body}",))
    app.job(
        faults=(
            'job:{"totalEntityCount": NaN, "failedEntityCount": "many", "processedEntityCount": "7", "createdDate": 5}',
        )
    )
    app.job()
    summary = app.poll(POLL_CONCURRENCY="1")
    assert (summary["unavailable"], summary["completed"]) == (2, 2)
    [odd] = [row for row in app.rows().values() if "TotalEntityCount" not in row]
    assert odd["ProcessedEntityCount"] == 7
    assert "FailedEntityCount" not in odd
    assert "CreatedDate" not in odd


@pytest.mark.parametrize("fault", ["large:100", "gzip_bomb:300"])
def test_a_large_body_is_cut_at_a_mebibyte(app: Scenario, fault: str) -> None:
    """Plain or compressed, memory stays flat."""
    app.job(faults=(fault,))
    app.poll(POLL_REQUEST_SECONDS="30")
    before = peak_memory()
    for _ in range(4):
        app.job(faults=(fault,))
    app.later(2)
    assert app.poll(POLL_REQUEST_SECONDS="30")["unavailable"] == 4
    assert reasons(app)[0] == "the body is over 1 MiB"
    assert peak_memory() - before < 100 * MIB


def test_an_answer_about_another_job_keeps(app: Scenario) -> None:
    """With a warning."""
    app.job(faults=('job:{"id": "00000000000000000000000000000000"}',))
    assert app.poll()["unavailable"] == 1
    assert reasons(app) == ["HTTP 200: the body is not about this job"]


def test_an_endpoint_that_echoes_the_key_does_not_spread_it(app: Scenario) -> None:
    """In no row and no line, whatever property it is in."""
    echo = {"description": CANARY, "errorMessage": f"key={CANARY}", "status": "Aborted",
            "links": [{"role": "output", "name": "failed", "url": f"https://x/?key={CANARY}"}]}  # fmt: skip
    app.job(faults=(f"job:{json.dumps(echo)}",))
    app.job(faults=(f"job:{json.dumps({'status': CANARY})}",))
    summary = app.poll()
    assert (summary["aborted"], summary["pending"]) == (1, 1)
    assert "***" in repr(app.rows())


POISON = [
    "", " ", "{", "[]", "x" * 65536, "a" * 20_000 + "=", '{"jobId": 5}', '{"jobId": "a", "more": 1}', "\ufeff{}", '{"a":' * 9000,
    base64.b64encode(b'\xef\xbb\xbf{"jobId": "a"}').decode(), base64.b64encode(b"\0" * 10).decode(), '{"jobId": "\\u0000"}',
    "https://example.com/REST/v1/Dataflows/LoadDataSource/a", "https://user@spatial.virtualearth.net/REST/v1/Dataflows/LoadDataSource/a",
    "https://spatial.virtualearth.net:444/REST/v1/Dataflows/LoadDataSource/a", "https://spatial.virtualearth.net/REST/v1/Dataflows/LoadDataSource/..",
]  # fmt: skip


def test_malformed_messages_are_kept_verbatim_and_cost_no_request(app: Scenario) -> None:
    """All of them at once, with a sound one among them, which is unharmed."""
    app.send(*POISON[:8])
    job = app.job()
    app.send(*POISON[8:])
    summary = app.poll()
    assert (summary["poisoned"], summary["completed"]) == (len(POISON), 1)
    assert sorted(app.poison()) == sorted(POISON)
    assert [target for _, target in app.stand_in.requests if job.job_id not in target] == []


TWO_RUNS = """
import os, resource
from dataflow_poller.run import run
for seconds in ("3", "6"):
    os.environ["POLL_RUN_SECONDS"] = seconds
    run()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_stays_flat_over_many_polls(app: Scenario) -> None:
    """Jobs that are due again at once are polled until time is up; twice as many polls need no more memory."""
    for _ in range(600):
        app.job("never")
    app.stand_in.latency = 0.1
    env = {"POLL_REQUEST_SECONDS": "10", "POLL_CONCURRENCY": "32", "POLL_MAX_DELAY_SECONDS": "1"}
    process = subprocess.run(
        [sys.executable, "-c", TWO_RUNS], env={**os.environ, **app.env, **env}, cwd=APP, capture_output=True, check=True
    )
    first, second = (int(line) * RSS_UNIT for line in process.stdout.split())
    assert second - first < 5 * MIB
