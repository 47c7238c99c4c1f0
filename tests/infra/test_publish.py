"""The publish script, against a stand-in of the publish endpoint and of Azure's list of functions."""

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from .conftest import ROOT

sys.path.append(str(ROOT / "infra"))
from deployment.tools.publish import Publisher, PublishError, timers_of

ZIP = b"PK\x03\x04 not really"


class Site:
    """Answers by script: a list of (status, body) for each of publish, deployment and functions; the last one stays."""

    def __init__(self) -> None:
        self.script: dict[str, list[tuple[int, Any]]] = {
            "publish": [(202, '"abc123"')],
            "deployments": [(200, {"status": 0}), (200, {"status": 1}), (200, {"status": 4})],
            "functions": [(200, {"value": []}), (200, {"value": [{"name": "app/poll"}, {"name": "app/poll_2"}]})],
        }
        self.requests: list[tuple[str, str, str, bytes]] = []


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            site.requests.append((self.command, self.path, self.headers["Authorization"], body))
            answers = site.script[next(kind for kind in site.script if kind in self.path)]
            status, answer = answers.pop(0) if len(answers) > 1 else answers[0]
            self.send_response(status)
            self.end_headers()
            self.wfile.write((answer if isinstance(answer, str) else json.dumps(answer)).encode())

        do_GET = do_POST  # noqa: N815 - http.server's name

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        site.url = f"http://127.0.0.1:{server.server_port}"  # type: ignore[attr-defined] # known only now
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield site
        server.shutdown()


def publish(site: Any, pollers: int = 2, patience: float = 1) -> None:
    Publisher(site.url, f"{site.url}/functions", lambda: "token", patience, pause=0.01).publish(ZIP, timers_of(pollers))


def test_an_asynchronous_deployment_is_waited_for_and_checked(site: Site) -> None:
    """The zip with a token; then the deployment until it ends; then the functions until they are there."""
    publish(site)
    assert site.requests[0] == ("POST", "/api/publish?RemoteBuild=false", "Bearer token", ZIP)
    assert [path for _, path, *_ in site.requests[1:4]] == ["/api/deployments/abc123"] * 3
    assert site.requests[-1][1] == "/functions"


@pytest.mark.parametrize("status", [403, 429, 500, 502, 503])
def test_answers_that_pass_are_waited_out(site: Site, status: int) -> None:
    """Rights take minutes to spread, and a new app takes its time."""
    for kind in site.script:
        site.script[kind].insert(0, (status, "not yet"))
    publish(site)


@pytest.mark.parametrize(("kind", "answer", "said"), [
    ("publish", (403, "no right"), "Website Contributor"),
    ("publish", (400, "bad zip"), "HTTP 400: bad zip"),
    ("deployments", (200, {"status": 3}), "failed. Read "),
    ("deployments", (200, {"status": 5}), "conflicted with another"),
    ("deployments", (200, {"status": 6}), "only in part"),
    ("deployments", (200, {"status": 1}), "does not end (not yet)"),
    ("deployments", (200, "no JSON"), "does not end (not yet)"),
    ("functions", (200, {"value": []}), "does not list poll, poll_2"),
])  # fmt: skip
def test_what_goes_wrong_is_said_with_what_to_do(site: Site, kind: str, answer: tuple[int, Any], said: str) -> None:
    """An error that does not help is a defect."""
    site.script[kind] = [answer]
    with pytest.raises(PublishError) as caught:
        publish(site, patience=0.2)
    assert said in str(caught.value)
    assert "token" not in str(caught.value)


def test_an_endpoint_that_is_not_there_is_said() -> None:
    """The name of the trouble, and what to do."""
    publisher = Publisher("http://127.0.0.1:1", "http://127.0.0.1:1", lambda: "token", 0.05, 0.01)
    with pytest.raises(PublishError, match=r"does not take the package \(ConnectionError\)"):
        publisher.publish(ZIP, {"poll"})
