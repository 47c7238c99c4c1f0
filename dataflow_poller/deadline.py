"""Connections that carry a deadline: a whole exchange, from connecting to the last byte, ends in time. Edge: sockets.

urllib3's time-outs bound each wait, so an answer that drips a byte a second is never over. Here the socket's time-out
is set, before each handshake, send and read, to all that remains of the exchange. Nobody watches it from outside.
Name resolution is the operating system's and has no bound.
"""

import http.client
import socket
import ssl
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import certifi
from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from urllib3 import Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util.ssl_ import create_urllib3_context


class Deadline:
    """When the exchange under way on a connection must be over; each exchange sets it anew."""

    def __init__(self) -> None:
        self._at = 0.0

    def set(self, seconds: float) -> None:
        """From now on, ``seconds`` remain."""
        self._at = time.monotonic() + seconds

    def left(self) -> float:
        """The seconds that remain.

        Raises:
            TimeoutError: none do.
        """
        left = self._at - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        return left


class _Socket(socket.socket):
    deadline: Deadline

    def sendall(self, data: Any, flags: int = 0, /) -> None:  # noqa: ANN401 - whatever the base takes
        _set_timeout(self)
        super().sendall(data, flags)

    def recv_into(self, *args: Any) -> int:  # noqa: ANN401 - as above
        _set_timeout(self)
        return super().recv_into(*args)


class _TlsSocket(ssl.SSLSocket):
    deadline: Deadline

    def send(self, *args: Any) -> int:  # noqa: ANN401 - as above
        _set_timeout(self)  # `sendall` sends piece by piece.
        return super().send(*args)

    def recv_into(self, *args: Any) -> int:  # noqa: ANN401 - as above
        _set_timeout(self)
        return super().recv_into(*args)


def _set_timeout(sock: "_Socket | _TlsSocket") -> None:
    sock.settimeout(sock.deadline.left())


Resolve = Callable[..., list[tuple[Any, Any, int, str, Any]]]


def connect(host: str, port: int, deadline: Deadline, resolve: Resolve = socket.getaddrinfo) -> socket.socket:
    """A connected socket. Each address of the host has its share of the time: what remains, by the addresses left.

    Raises:
        socket.gaierror: the name does not resolve.
        OSError: what the last address came to.
    """
    addresses = resolve(host, port, 0, socket.SOCK_STREAM)
    failure = OSError("the name has no address")
    for number, (family, kind, protocol, _, address) in enumerate(addresses):
        sock = _Socket(family, kind, protocol)
        try:
            sock.settimeout(deadline.left() / (len(addresses) - number))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.connect(address)
            sock.settimeout(deadline.left())  # A TLS handshake takes this for its bound in all.
        except OSError as error:
            sock.close()
            failure = error
        else:
            sock.deadline = deadline
            return sock
    raise failure


class _FinalResponse(http.client.HTTPResponse):
    """Passes over interim answers: the standard library does so with 100 alone, and takes 103 for the answer."""

    def _read_status(self) -> tuple[str, int, str]:
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc] # a private method, typed nowhere
            if not 100 <= status < 200:
                return version, status, reason
            http.client.parse_headers(self.fp)


@cache
def _tls_context(authorities: str) -> ssl.SSLContext:
    """Loading the authorities takes 20 ms, so it is done once a process, and only where there is TLS."""
    context = create_urllib3_context()
    context.load_verify_locations(authorities)
    context.sslsocket_class = _TlsSocket
    return context


class DeadlineConnection(HTTPConnection):
    """A connection whose `timeout` is the bound of an exchange.

    urllib3 sets it before it connects, and again before it waits for the answer, then to what is left of a
    `Timeout(total=...)`: the same moment.
    """

    debuglevel = 0  # http.client prints what it sends where this is set, for all connections at once.
    response_class = _FinalResponse

    @property
    def timeout(self) -> float:
        """Seconds for the exchange, from when it was set."""
        return self._seconds

    @timeout.setter
    def timeout(self, seconds: object) -> None:
        if "_deadline" not in vars(self):
            self._deadline = Deadline()  # The base's constructor sets a time-out first.
        self._seconds = seconds if isinstance(seconds, int | float) else 0.0
        self._deadline.set(self._seconds)

    def _new_conn(self) -> socket.socket:
        try:
            return connect(self._dns_host, self.port, self._deadline)
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except TimeoutError as error:
            raise ConnectTimeoutError(self, "timed out") from error
        except OSError as error:
            raise NewConnectionError(self, str(error)) from error


class DeadlineTlsConnection(DeadlineConnection, HTTPSConnection):
    """The same over TLS; the certificate is verified before a byte of a request leaves."""

    def connect(self) -> None:
        """Connect, shake hands, verify."""
        if self.ssl_context is None:
            self.ssl_context = _tls_context(self.ca_certs or certifi.where())
            self.ca_certs = None  # They are loaded; urllib3 would load them again for each connection.
        super().connect()
        assert isinstance(self.sock, _TlsSocket), "the context makes such sockets"
        self.sock.deadline = self._deadline


class DeadlineAdapter(HTTPAdapter):
    """Lets `requests` keep a deadline: ``seconds`` for an exchange, and none goes on after ``ends``.

    Args:
        seconds: for one whole exchange.
        connections: kept open at most.
        ends: of the monotonic clock.
        plain, tls: the kinds of connection to make.
    """

    def __init__(
        self,
        seconds: float,
        connections: int,
        ends: float = float("inf"),
        plain: type[DeadlineConnection] = DeadlineConnection,
        tls: type[DeadlineTlsConnection] = DeadlineTlsConnection,
    ) -> None:
        self._seconds = seconds
        self._ends = ends
        self._pools = {
            "http": type("_Pool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
            "https": type("_TlsPool", (HTTPSConnectionPool,), {"ConnectionCls": tls}),
        }
        super().__init__(pool_maxsize=connections)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - requests'
        """Make the pools of these connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def close(self) -> None:
        """Close all connections now; urllib3 leaves that to the garbage collector, and an error may hold a pool."""
        pools = self.poolmanager.pools
        for key in pools.keys():  # noqa: SIM118 - this container does not iterate
            pools[key].close()
        super().close()

    def timeout(self) -> Timeout:
        """The bound of an exchange that begins now."""
        return Timeout(total=max(0.001, min(self._seconds, self._ends - time.monotonic())))

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:  # noqa: ANN401 - requests'
        """Send a request, with this adapter's bound in place of the caller's time-outs."""
        return super().send(request, *args, **kwargs | {"timeout": self.timeout()})
