"""A proxy in front of a real HTTP server that misbehaves as it is told, and remembers requests."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import urlsplit

_DROPPED = ("connection", "transfer-encoding", "content-length", "keep-alive")


@dataclass(frozen=True)
class Fault:
    """What happens to one request; the fields are in the order in which they take effect."""

    method: str = ""
    """Waits for a request of this method; others go through meanwhile."""
    delay: float = 0
    """Seconds before anything happens."""
    status: int = 0
    """Answered by the proxy itself; the server never sees it."""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    is_lost: bool = False
    """The server has done it, and the connection ends without an answer."""
    is_kept: bool = False
    """Where it is lost: the server has not done it."""
    is_silent: bool = False
    """The server has done it, and no answer comes as long as the proxy lives."""
    cut: int = -1
    """Only so many bytes of the answer's body, then the end."""
    drip: float = 0
    """Seconds between two bytes of the answer's body."""
    drop: tuple[str, ...] = ()
    """Headers, in small letters, that are taken off the request and off the answer."""


WELL = Fault()
LOST = Fault(method="PUT", is_lost=True)
SILENT = Fault(method="PUT", is_silent=True)


def answering(status: int, body: bytes = b"", **headers: str) -> Fault:
    """The proxy's own answer; ``retry_after`` and such become header names."""
    return Fault(
        status=status,
        headers={name.replace("_", "-"): text for name, text in headers.items()},
        body=body,
    )


@dataclass(frozen=True)
class Seen:
    """A request that reached the proxy."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float
    """Of the monotonic clock."""


class FaultProxy:
    """Forwards to ``upstream``, one fault of the script a request, then well."""

    def __init__(self, upstream: str = "", tls: ssl.SSLContext | None = None) -> None:
        self._upstream, self._tls = urlsplit(upstream), tls
        self._lock = threading.Lock()
        self._script: list[Fault] = []
        self.always: Fault | None = None
        self.chance: Callable[[], Fault | None] = lambda: None
        self.seen: list[Seen] = []
        self.connections = 0
        self.closing = threading.Event()
        self._port = 0
        self.accept()

    def __enter__(self) -> "FaultProxy":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.closing.set()
        self.refuse()

    @property
    def url(self) -> str:
        """The base URL to give to a client, as this machine's own address."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._port}{self._upstream.path}"

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._port

    def script(self, *faults: Fault) -> None:
        """What happens to the next requests."""
        with self._lock:
            self._script += faults

    def requests(self, *methods: str) -> list[Seen]:
        """What came, of these methods."""
        return [each for each in self.seen if not methods or each.method in methods]

    def refuse(self) -> None:
        """Stop listening: who dials is refused."""
        self._server.shutdown()
        self._server.server_close()

    def accept(self) -> None:
        """Listen, again at the same port."""
        self._server = _Server(("127.0.0.1", self._port), self, self._tls)
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def next_fault(self, seen: Seen) -> Fault:
        """Remember the request, and say what happens to it."""
        with self._lock:
            self.seen.append(seen)
            if self._script and self._script[0].method in ("", seen.method):
                return self._script.pop(0)
            by_chance = self.chance()
            if by_chance and by_chance.method in ("", seen.method):
                return by_chance
            return self.always or WELL

    def forward(self, seen: Seen, drop: Iterable[str]) -> tuple[HTTPResponse, bytes]:
        """What the server says to it."""
        there = HTTPConnection(self._upstream.hostname or "", self._upstream.port, timeout=30)
        unwanted = {*_DROPPED, *drop, "host"}
        headers = {n: text for n, text in seen.headers.items() if n.lower() not in unwanted}
        there.request(seen.method, seen.path, seen.body, headers)
        answer = there.getresponse()
        body = answer.read()
        there.close()
        return answer, body


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(
        self, address: tuple[str, int], proxy: FaultProxy, tls: ssl.SSLContext | None
    ) -> None:
        self.proxy, self.tls = proxy, tls
        super().__init__(address, _Handler)

    def get_request(self) -> tuple[socket.socket, object]:
        connection, peer = super().get_request()
        self.proxy.connections += 1
        if self.tls is None:
            return connection, peer
        connection.settimeout(5)
        return self.tls.wrap_socket(connection, server_side=True), peer

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no news here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    disable_nagle_algorithm = True

    def _any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        seen = Seen(self.command, self.path, dict(self.headers), body, time.monotonic())
        proxy = self.server.proxy
        fault = proxy.next_fault(seen)
        proxy.closing.wait(fault.delay)
        if fault.status:
            self._say(fault.status, fault.headers, fault.body, fault)
            return
        if not fault.is_kept:
            answer, said = proxy.forward(seen, fault.drop)
        if fault.is_silent:
            proxy.closing.wait(60)
        if fault.is_lost or fault.is_silent:
            self.close_connection = True
            return
        headers = {n: text for n, text in answer.getheaders() if n.lower() not in fault.drop}
        self._say(answer.status, headers, said, fault)

    def _say(self, status: int, headers: Mapping[str, str], body: bytes, fault: Fault) -> None:
        self.send_response_only(status)
        for name, text in headers.items():
            if name.lower() not in _DROPPED:
                self.send_header(name, text)
        length = len(body) + (fault.cut >= 0)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        if fault.cut >= 0:
            body, self.close_connection = body[: fault.cut], True
        if not fault.drip:
            self.wfile.write(body)
            return
        for byte in body:
            self.wfile.write(bytes((byte,)))
            self.server.proxy.closing.wait(fault.drip)

    do_GET = do_PUT = do_POST = do_DELETE = _any

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on the terminal."""
