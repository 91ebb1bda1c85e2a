"""By where peers come in, who is connected, and who may come in besides."""

import socket
import ssl
from collections import Counter
from dataclasses import dataclass

from ingest.connection import Connection
from ingest.mllp import Limits
from ingest.peers import Bindings
from ingest.receive import Door


@dataclass(frozen=True, slots=True)
class Entrance:
    """An address that is bound, and what holds for everybody who comes by it."""

    bound: socket.socket
    door: Door
    limits: Limits
    tls: ssl.SSLContext | None
    bindings: Bindings

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.bound.getsockname()[1])


class Crowd:
    """The open connections of one address, in the order in which they came."""

    def __init__(self, limits: Limits) -> None:
        """Nobody is there."""
        self._limits = limits
        self._peers: Counter[str] = Counter()
        self.open: dict[Connection, None] = {}
        """Changed by ``add`` and ``remove`` alone."""

    def has_room_for(self, peer: str) -> bool:
        """One more of this address may come in."""
        is_full = len(self.open) >= self._limits.connections
        return not is_full and self._peers[peer] < self._limits.peer_connections

    def must_go_for(self, peer: str) -> Connection | None:
        """Where only the whole is full: who has been there longest without one answer."""
        has_its_share = self._peers[peer] >= self._limits.peer_connections
        if has_its_share or len(self.open) < self._limits.connections:
            return None
        return next((each for each in self.open if not each.is_answered), None)

    def add(self, connection: Connection) -> None:
        """It has come in."""
        self._peers[connection.peer] += 1
        self.open[connection] = None

    def remove(self, connection: Connection) -> None:
        """It is gone."""
        del self.open[connection]
        self._peers[connection.peer] -= 1
        if not self._peers[connection.peer]:
            del self._peers[connection.peer]
