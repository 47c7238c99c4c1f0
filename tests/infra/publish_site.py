"""A stand-in of an app's publish endpoint, and of what Azure's management plane says of the app."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

ANSWERS = {
    "refresh": "/config/configreferences/appsettings/refresh",
    "references": "/config/configreferences/appsettings",
    "log": "/log",
    "publish": "/api/publish",
    "deployments": "/api/deployments/",
    "functions": "/functions",
}
"""What is asked for -> a part of its address; the first that fits."""

CLOSED = 0
"""As a status: the connection is closed without an answer."""


class Site:
    """Answers by script: a list of (status, body) for each kind of request; the last one stays."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.script: dict[str, list[tuple[int, Any]]] = {
            "refresh": [(200, "")],
            "references": [(200, {"value": [reference("BING_MAPS_MASTER_KEY", "Resolved")]})],
            "log": [(404, "")],
            "publish": [(202, '"abc123"')],
            "deployments": [(200, {"status": 0}), (200, {"status": 1}), (200, {"status": 4})],
            "functions": [(200, {"value": [{"name": "app/poll"}, {"name": "app/poll_2"}]})],
        }
        self.requests: list[tuple[str, str, str, bytes]] = []

    def asked(self) -> list[str]:
        """The kinds of all requests, in their order."""
        return [kind_of(path) for _, path, *_ in self.requests]

    def answer(self, path: str) -> tuple[int, Any]:
        answers = self.script[kind_of(path)]
        return answers.pop(0) if len(answers) > 1 else answers[0]


def kind_of(path: str) -> str:
    return next(kind for kind, part in ANSWERS.items() if part in path)


def reference(name: str, status: str, details: str | None = None) -> dict[str, Any]:
    """One reference to a key vault, as Microsoft.Web lists it."""
    uri = "https://vault.example/secrets/key/v2"
    properties = {"reference": f"@Microsoft.KeyVault(SecretUri={uri})", "status": status, "source": "KeyVault"}
    return {"name": name, "properties": properties | ({"details": details} if details else {})}


@contextmanager
def served() -> Iterator[Site]:
    """A site that answers until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            site.requests.append((self.command, self.path, self.headers.get("Authorization", ""), body))
            status, answer = site.answer(self.path)
            if status == CLOSED:
                return
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", f"{site.url}/api/publish-elsewhere")
            self.end_headers()
            self.wfile.write((answer if isinstance(answer, str) else json.dumps(answer)).encode())

        do_GET = do_POST  # noqa: N815 - http.server's name

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        site = Site(f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield site
        server.shutdown()
