"""A proxy before PostgreSQL that cuts connections at COMMIT, before or after it was done."""

import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from sqlalchemy import make_url

COMMIT = b"COMMIT\x00"


@dataclass
class CommitCutter:
    """Cuts every ``every``-th COMMIT, in turn before the server has it and before it is heard."""

    database_url: str
    every: int = 5
    is_cutting: bool = True
    commits: int = 0
    unsent: int = 0
    unheard: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Self:
        self._bound = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bound.close()

    @property
    def url(self) -> str:
        """The same database by way of here."""
        host, port = self._bound.getsockname()
        server = make_url(self.database_url).difference_update_query(["host"])
        return server.set(host=host, port=port).render_as_string(False)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._bound.accept()
                far = self._server()
                for pump in (self._out, self._back):
                    threading.Thread(target=pump, args=(near, far), daemon=True).start()

    def _server(self) -> socket.socket:
        """By TCP, or by the socket in its folder as the embedded one has it."""
        server = make_url(self.database_url)
        folder, port = server.query.get("host"), server.port or 5432
        if folder is None:
            return socket.create_connection((server.host or "127.0.0.1", port))
        opened = socket.socket(socket.AF_UNIX)
        opened.connect(f"{folder}/.s.PGSQL.{port}")
        return opened

    def _out(self, near: socket.socket, far: socket.socket) -> None:
        with suppress(OSError):
            while data := near.recv(65_536):
                if COMMIT in data and self._is_next():
                    if self.unheard < self.unsent:
                        self.unheard += 1
                        # The server sees the end after the COMMIT and does it; we hear nothing.
                        near.shutdown(socket.SHUT_RDWR)
                        far.sendall(data)
                        break
                    self.unsent += 1
                    break
                far.sendall(data)
        _end(near)
        with suppress(OSError):
            far.shutdown(socket.SHUT_WR)

    def _back(self, near: socket.socket, far: socket.socket) -> None:
        with suppress(OSError):
            while data := far.recv(65_536):
                near.sendall(data)
        _end(near)
        far.close()

    def _is_next(self) -> bool:
        with self._lock:
            self.commits += 1
            return self.is_cutting and self.commits % self.every == 0


def _end(near: socket.socket) -> None:
    with suppress(OSError):
        near.shutdown(socket.SHUT_RDWR)
    near.close()
