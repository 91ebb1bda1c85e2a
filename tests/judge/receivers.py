"""Receivers that keep what they were told in order: a FHIR server that drops answers at times."""

import json
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

DROPS = 0.03
"""Part of the answers that never come although the resource was taken."""


@dataclass(frozen=True)
class Told:
    """One resource as it was taken."""

    kind: str
    id: str
    body: dict[str, object]


@dataclass
class FhirServer:
    """``PUT`` with If-Match and If-None-Match, and ``GET``; every version taken, in order."""

    port: int = 0
    told: list[Told] = field(default_factory=list)
    _now: dict[tuple[str, str], tuple[int, bytes]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _random: random.Random = field(default_factory=lambda: random.Random(1))  # noqa: S311

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/fhir"

    def get(self, kind: str, name: str) -> tuple[int, int, bytes]:
        """Status, version and body."""
        with self._lock:
            version, body = self._now.get((kind, name), (0, b""))
        return (200, version, body) if version else (404, 0, b"{}")

    def put(self, kind: str, name: str, body: bytes, unless: str, only: str) -> tuple[int, int]:
        """Status and version; ``unless`` and ``only`` are If-None-Match and If-Match."""
        resource = json.loads(body)
        with self._lock:
            version = self._now.get((kind, name), (0, b""))[0]
            if (unless == "*" and version) or (only and only != f'W/"{version}"'):
                return 412, version
            self._now[kind, name] = (version + 1, body)
            self.told.append(Told(kind, name, resource))
            return (200 if version else 201), version + 1

    def drops_this(self) -> bool:
        with self._lock:
            return self._random.random() < DROPS


@contextmanager
def fhir_server() -> Iterator[FhirServer]:
    """A receiver on 127.0.0.1, gone at the end of the block."""
    kept = FhirServer()
    handler = type("Handler", (_Handler,), {"kept": kept})
    with _Server(("127.0.0.1", 0), handler) as server:
        kept.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield kept
        finally:
            server.shutdown()
            thread.join(5)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Whoever asked was killed."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    kept: FhirServer

    def do_GET(self) -> None:
        kind, _, name = self.path.removeprefix("/fhir/").partition("/")
        self._answer(*self.kept.get(kind, name))

    def do_PUT(self) -> None:
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        if len(body) < length:  # whoever sent it was killed
            self.close_connection = True
            return
        kind, _, name = self.path.removeprefix("/fhir/").partition("/")
        unless, only = self.headers.get("If-None-Match", ""), self.headers.get("If-Match", "")
        status, version = self.kept.put(kind, name, body, unless, only)
        if status < 300 and self.kept.drops_this():
            self.close_connection = True
            return
        self._answer(status, version, body)

    def _answer(self, status: int, version: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/fhir+json")
        self.send_header("Content-Length", str(len(body)))
        if version:
            self.send_header("ETag", f'W/"{version}"')
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass
