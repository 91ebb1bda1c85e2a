"""The MLLP port: bound, served by a thread of its own, and closed in an orderly way."""

import socket
import ssl
import threading
from contextlib import suppress

import structlog

from ingest.crowd import Entrance
from ingest.loop import LOOK_UP, Loop
from ingest.mllp import Limits
from ingest.peers import Bindings
from ingest.receive import Door

log = structlog.get_logger()


def serve(
    address: tuple[str, int],
    door: Door,
    limits: Limits,
    tls: ssl.SSLContext | None = None,
    bindings: Bindings | None = None,
) -> "Listener":
    """Bind an address (port 0: any free one) and answer its frames once started.

    ``bindings`` None: the door's feeds are all there are.
    """
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    bound = socket.create_server(address, family=family, backlog=256)
    return Listener(Entrance(bound, door, limits, tls, bindings or Bindings(door.rules)))


class Listener:
    """One listening address."""

    def __init__(self, entrance: Entrance) -> None:
        """Nothing is accepted before start."""
        self.port = entrance.port
        self._bound = entrance.bound
        self._loop = Loop(entrance)
        self._thread = threading.Thread(target=self._loop.run, name="mllp", daemon=True)

    def start(self) -> None:
        """Begin to accept connections."""
        self._thread.start()
        log.info("mllp_listening", port=self.port)

    def stop(self, drain_for: float = 5.0) -> int:
        """Accept no more, finish the frames in hand, close; how many had to be cut off."""
        if self._thread.is_alive():
            self._loop.stop(drain_for)
            self._thread.join(drain_for + 2 * LOOK_UP)
        left = list(self._loop.open)  # of a thread that still waits for the database
        for connection in left:
            connection.cut()
        with suppress(OSError):
            self._bound.close()
        cut_off = self._loop.cut_off + len(left)
        log.info("mllp_stopped", port=self.port, count=cut_off)
        return cut_off

    def connections(self) -> int:
        """How many are open now."""
        return len(self._loop.open)
