"""Connections to checked addresses, each within the time that its caller has left."""

import socket
import ssl
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic

import httpcore2

from alerts.channels.dialling import checked_addresses


class Clock(threading.local):
    """How long the thread that asks may still wait, and whether it has said anything yet."""

    until = float("inf")
    has_written = False

    def left(self, at_most: float | None = None) -> float:
        """Seconds, never more than ``at_most``; not above zero when the time is up."""
        left = self.until - monotonic()
        return left if at_most is None else min(left, at_most)

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Nothing that this thread asks inside takes longer, nor than what was set around it."""
        before = self.until
        self.until = min(before, monotonic() + seconds)
        try:
            yield
        finally:
            self.until = before


class Dialler(httpcore2.NetworkBackend):
    """Resolves, judges, and connects to exactly what was judged; TLS still goes by the name."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._inner = httpcore2.SyncBackend()
        self._lock = threading.Lock()
        self._open: set[_Watched] = set()
        self._closed = False

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """To the first address that answers, of two at most; the signature is httpcore2's."""
        failure: Exception | None = None
        for address in checked_addresses(host, port)[:2]:
            left = self._clock.left(timeout)
            if left <= 0 or self._closed:
                break
            try:
                stream = self._inner.connect_tcp(address, port, left, local_address)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as err:
                failure = err
                continue
            return self._watched(stream)
        raise failure or httpcore2.ConnectTimeout("no time left")

    def close(self) -> None:
        """Wake every thread that waits for an answer, and take no new connection up."""
        with self._lock:
            self._closed = True
            waiting = list(self._open)
        for stream in waiting:
            stream.shut()

    def _watched(self, stream: httpcore2.NetworkStream) -> "_Watched":
        with self._lock:
            watched = _Watched(stream, self._clock, self._open)
            self._open.add(watched)
            is_late = self._closed
        if is_late:
            watched.close()
            raise httpcore2.ConnectError("closed meanwhile")
        return watched


class _Watched(httpcore2.NetworkStream):
    """A connection that waits no longer than its caller may, and can be shut by another thread."""

    def __init__(
        self, inner: httpcore2.NetworkStream, clock: Clock, among: "set[_Watched]"
    ) -> None:
        self._inner, self._clock, self._among = inner, clock, among

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        left = self._clock.left(timeout)
        if left <= 0:
            raise httpcore2.ReadTimeout("no time left")
        return self._inner.read(max_bytes, left)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        left = self._clock.left(timeout)
        if left <= 0:
            raise httpcore2.WriteTimeout("no time left")
        self._clock.has_written = True
        self._inner.write(buffer, left)

    def close(self) -> None:
        self._among.discard(self)
        self._inner.close()

    def shut(self) -> None:
        """End the conversation; whoever waits here learns it at once."""
        connection = self.get_extra_info("socket")
        if isinstance(connection, socket.socket):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        left = max(self._clock.left(timeout), 0.001)
        self._inner = self._inner.start_tls(ssl_context, server_hostname, left)
        return self

    def get_extra_info(self, info: str) -> object:
        return self._inner.get_extra_info(info)
