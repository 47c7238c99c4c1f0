"""A whole exchange ends in time, whatever the other side does; and only to whom the certificate says."""

import socket
import ssl
import time
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme

from dataflow_poller.deadline import Deadline, DeadlineAdapter, connect
from dataflow_poller.reasons import reason_of

from .raw_server import Conversation, RawServer, drips, hangs, reads_nothing, sends

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
BOUND = 0.3
LATEST = 5
"""Seconds within which a bound of `BOUND` is certainly kept, however busy the machine is; each drip below lasts longer."""


def get(url: str, adapter: DeadlineAdapter, method: str = "GET", **options: Any) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        return session.request(method, url, **options)


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def authorities(authority: trustme.CA, tmp_path: Path) -> str:
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    return str(tmp_path / "authority.pem")


@pytest.fixture
def tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


DRIPPING: dict[str, Conversation] = {
    "nothing": hangs,
    "head": drips(b"", HEAD * 50),
    "body": drips(HEAD, b"x" * 5000),
    "chunk lengths": drips(CHUNKED, b"0" * 5000),
    "interim answers": drips(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100),
}


@pytest.mark.parametrize("conversation", DRIPPING.values(), ids=DRIPPING)
def test_an_answer_that_drips_ends_in_time(conversation: Conversation) -> None:
    """The bound is on the exchange, not on each read, whatever the caller's own time-outs are."""
    with RawServer(conversation) as server:
        began = time.monotonic()
        with pytest.raises(requests.RequestException) as caught:
            get(f"http://127.0.0.1:{server.port}/", DeadlineAdapter(BOUND, 1), timeout=60)
        assert time.monotonic() - began < LATEST
    assert reason_of(caught.value) == "timed out"


@pytest.mark.parametrize("conversation", DRIPPING.values(), ids=DRIPPING)
def test_an_answer_over_tls_that_drips_ends_in_time(
    conversation: Conversation, tls: ssl.SSLContext, authorities: str
) -> None:
    """The same within TLS."""
    with RawServer(conversation, tls) as server:
        began = time.monotonic()
        with pytest.raises(requests.RequestException) as caught:
            get(f"https://127.0.0.1:{server.port}/", DeadlineAdapter(BOUND, 1), verify=authorities)
        assert time.monotonic() - began < LATEST
    assert reason_of(caught.value) == "timed out"


HELLO = b"\x16\x03\x03\x10\x00"
HANDSHAKES: dict[str, Conversation] = {"hangs": hangs, "drips": drips(HELLO, b"\x02" * 5000)}


@pytest.mark.parametrize("conversation", HANDSHAKES.values(), ids=HANDSHAKES)
def test_a_handshake_ends_in_time(conversation: Conversation) -> None:
    """Before there is anything to read or to send."""
    with RawServer(conversation) as server:
        began = time.monotonic()
        with pytest.raises(requests.RequestException) as caught:
            get(f"https://127.0.0.1:{server.port}/", DeadlineAdapter(BOUND, 1))
        assert time.monotonic() - began < LATEST
    assert reason_of(caught.value) == "timed out"


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
def test_a_request_that_nobody_reads_ends_in_time(tls: ssl.SSLContext, authorities: str, *, secure: bool) -> None:
    """Sending has the same bound as reading."""
    with RawServer(reads_nothing, tls if secure else None) as server:
        began = time.monotonic()
        url = f"{'https' if secure else 'http'}://127.0.0.1:{server.port}/"
        with pytest.raises(requests.RequestException):
            get(url, DeadlineAdapter(BOUND, 1), "POST", data=b"x" * 50_000_000, verify=authorities)
        assert time.monotonic() - began < LATEST


def test_no_exchange_goes_on_after_the_end() -> None:
    """Near the end of a run, what remains of it is the bound."""
    with RawServer(hangs) as server:
        began = time.monotonic()
        with pytest.raises(requests.RequestException):
            get(f"http://127.0.0.1:{server.port}/", DeadlineAdapter(60, 1, ends=began + BOUND))
        with pytest.raises(requests.RequestException):
            get(f"http://127.0.0.1:{server.port}/", DeadlineAdapter(60, 1, ends=began - 1))
        assert time.monotonic() - began < LATEST


@pytest.mark.parametrize(
    "interim",
    [
        b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 102 Processing\r\n\r\n",
    ],
)
def test_interim_answers_are_passed_over(interim: bytes) -> None:
    """The answer after them counts."""
    with RawServer(sends(interim * 3 + OK)) as server:
        answer = get(f"http://127.0.0.1:{server.port}/", DeadlineAdapter(10, 1))
    assert (answer.status_code, answer.text) == (200, "ok")
    assert "Link" not in answer.headers


def test_a_connection_is_used_again_with_a_deadline_of_its_own(tls: ssl.SSLContext, authorities: str) -> None:
    """An exchange does not inherit what was left of the one before."""
    connections = []

    async def conversation(reader: Any, writer: Any) -> None:
        connections.append(1)
        for _ in range(3):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(OK)

    with RawServer(conversation, tls) as server, requests.Session() as session:
        session.mount("https://", DeadlineAdapter(10, 1))
        for _ in range(3):
            assert session.get(f"https://127.0.0.1:{server.port}/", verify=authorities).text == "ok"
    assert connections == [1]


def test_a_connection_that_was_closed_is_made_anew(tls: ssl.SSLContext, authorities: str) -> None:
    """With the same authorities."""
    closing = OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    with RawServer(sends(closing), tls) as server, requests.Session() as session:
        session.mount("https://", DeadlineAdapter(10, 1))
        for _ in range(2):
            assert session.get(f"https://127.0.0.1:{server.port}/", verify=authorities).text == "ok"


def test_a_certificate_of_an_unknown_authority_is_refused(tls: ssl.SSLContext) -> None:
    """Before a byte of the request leaves."""
    seen = []

    async def conversation(reader: Any, _: Any) -> None:
        seen.append(await reader.read(1000))

    with RawServer(conversation, tls) as server, pytest.raises(requests.exceptions.SSLError) as caught:
        get(f"https://127.0.0.1:{server.port}/", DeadlineAdapter(10, 1))
    assert reason_of(caught.value) == "TLS failed"
    assert seen in ([], [b""])


@pytest.mark.parametrize("first", ["refuses", "swallows"])
def test_the_next_address_is_asked_in_time(first: str) -> None:
    """A dead first address has its share of the time, not all of it."""

    async def greets(reader: Any, writer: Any) -> None:
        writer.write(b"!")
        await hangs(reader, writer)

    with socket.socket() as dead, RawServer(greets) as server, socket.socket() as filler:
        dead.bind(("127.0.0.1", 0))
        if first == "swallows":
            dead.listen(0)
            filler.setblocking(False)
            filler.connect_ex(dead.getsockname())

        def resolve(*_: object) -> list[tuple[Any, Any, int, str, Any]]:
            addresses = [dead.getsockname(), ("127.0.0.1", server.port)]
            return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", address) for address in addresses]

        deadline = Deadline()
        deadline.set(1)
        with connect("a name", 80, deadline, resolve) as sock:
            assert sock.recv(1) == b"!"
            assert 0 < (sock.gettimeout() or 0) <= 1


def test_a_name_without_an_address_is_an_error() -> None:
    """Nothing to connect to."""
    deadline = Deadline()
    deadline.set(3)
    with pytest.raises(OSError, match="no address"):
        connect("a name", 80, deadline, lambda *_: [])
