"""One thread for every connection of an address: it reads, stores what came together, answers.

Whoever has a whole frame when others do shares their commit. While the database cannot store,
nothing is read, so that senders wait.
"""

import selectors
import socket
import threading
import time
from collections.abc import Sequence
from contextlib import suppress

import structlog

from ingest.answers import Asked, answer, broken, refuse_too_long
from ingest.connection import Connection, Stage
from ingest.crowd import Crowd, Entrance
from ingest.failpoints import passing
from ingest.mllp import FrameError, FrameTooLong
from ingest.peers import why_failed, why_refused
from ingest.receive import Origin
from ingest.steady import keep_on

log = structlog.get_logger()

LOOK_UP = 0.1
"""Seconds between looks at deadlines."""
FULL = 512
"""Blocks that are stored together at most."""
_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
_AT_ONCE = 64
"""Connections that are accepted before others are served."""
_PAUSE = 0.5
"""Seconds before the next try to accept where the system has no more descriptors."""


class Loop:
    """The open connections of one entrance, all in the hands of the thread that runs it."""

    def __init__(self, entrance: Entrance) -> None:
        """Nobody has come yet."""
        self._bound = entrance.bound
        self._bound.setblocking(False)
        self._door = entrance.door
        self._limits = entrance.limits
        self._tls = entrance.tls
        self._bindings = entrance.bindings
        self._crowd = Crowd(entrance.limits)
        self.open = self._crowd.open
        self.cut_off = 0
        """How many had a frame in hand when patience ended."""
        self._ready = selectors.DefaultSelector()
        self._bell, self._ringer = socket.socketpair()
        self._more: dict[Connection, None] = {}
        self._in_hand: Connection | None = None
        self._look_up_at = 0.0
        self._accept_at: float | None = None
        self._is_stopping = threading.Event()
        self._drain_for = 0.0
        self._drain_until: float | None = None
        self._is_over = threading.Event()

    def run(self) -> None:
        """Serve everybody until told to stop and nobody has a frame in hand."""
        with self._ready, self._bell, self._ringer:
            self._ready.register(self._bound, _READ)
            self._ready.register(self._bell, _READ)
            keep_on(self._turn, self._failed, self._is_over)

    def stop(self, drain_for: float) -> None:
        """Accept no more, and end once the frames in hand are answered or the seconds are over."""
        self._drain_for = drain_for
        self._is_stopping.set()
        with suppress(OSError):
            self._ringer.send(b"\0")

    def _failed(self, failure: Exception) -> float:
        """A fault that nobody foresaw ends the connection that met it, and no other."""
        log.error("connection_failed", failure=failure)
        if self._in_hand is not None:
            self._door.tally.count("not_stored")
            self._close(self._in_hand)
        self._in_hand = None
        return LOOK_UP

    def _turn(self) -> float:
        """Read what is ready, answer it, and look at deadlines now and then."""
        more, self._more = self._more, {}
        ready = self._ready.select(0 if more else LOOK_UP)
        now = time.monotonic()
        asked: list[Asked] = []
        for key, events in ready:
            if isinstance(key.data, Connection):
                self._in_hand = key.data
                asked += self._come(key.data, events)
            elif key.fileobj is self._bound:
                self._accept()
            else:
                self._bell.recv(64)
        for connection in more:
            self._in_hand = connection
            asked += self._come(connection, _READ)
        self._in_hand = None
        for start in range(0, len(asked), FULL):
            self._answer(asked[start : start + FULL])
        if (spent := time.monotonic() - now) > LOOK_UP:
            self._excuse(spent)
        if now >= self._look_up_at or self._drain_until is not None:
            self._look_up_at = now + LOOK_UP
            self._look_up(now)
        return 0.0

    def _come(self, connection: Connection, events: int) -> list[Asked]:
        """Do what can be done about this connection; the whole blocks that came."""
        try:
            match connection.stage:
                case Stage.SHAKING:
                    self._shake(connection)
                    return []
                case Stage.LEAVING if connection.has_left():
                    self._close(connection)
                case Stage.OPEN if events & _WRITE:
                    self._flush(connection)
                case Stage.OPEN if not connection.wants_to_send:
                    connection.receive()
                    blocks = connection.take()
                    if not blocks:
                        self._settle(connection)
                    return [(connection, block) for block in blocks]
        except OSError as failure:
            self._lose(connection, failure)
        return []

    def _answer(self, asked: Sequence[Asked]) -> None:
        answer(asked, self._door)
        for connection in dict(asked):
            self._in_hand = connection
            self._flush(connection)
            passing("after-answer")
        self._in_hand = None

    def _excuse(self, seconds: float) -> None:
        """We were busy for so long: nobody else is late for that."""
        for connection in self.open:
            if connection.deadline is not None:
                connection.deadline += seconds

    def _flush(self, connection: Connection) -> None:
        """Send what the peer takes; while it takes nothing, nothing of it is read."""
        if connection.stage is Stage.CLOSED:
            return
        try:
            if connection.wants_to_send:
                connection.flush()
        except OSError as failure:
            self._lose(connection, failure)
            return
        self._listen_for(connection, _WRITE if connection.wants_to_send else _READ)
        self._settle(connection)

    def _settle(self, connection: Connection) -> None:
        """All is answered that was asked: go on, or end it where there is a reason."""
        failure = connection.failure
        if connection.wants_to_send:
            return
        if isinstance(failure, FrameTooLong):
            refuse_too_long(connection, failure, self._door)
            if connection.wants_to_send:
                self._flush(connection)
                return
        elif isinstance(failure, FrameError):
            broken(connection, failure, self._door)
        self._go_on(connection)

    def _go_on(self, connection: Connection) -> None:
        if connection.failure is not None:
            self._close(connection)
        elif connection.has_more:
            self._more[connection] = None
        elif connection.has_ended:
            self._close(connection)
        elif connection.is_last:
            connection.leave()

    def _listen_for(self, connection: Connection, events: int) -> None:
        if connection.events != events:
            connection.events = events
            self._ready.modify(connection.socket, events, connection)

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                opened, address = self._bound.accept()
            except BlockingIOError:
                return
            except OSError as failure:  # out of descriptors: those in hand go on
                log.warning(
                    "accept_failed", port=self._bound.getsockname()[1], error=type(failure).__name__
                )
                self._ready.unregister(self._bound)
                self._accept_at = time.monotonic() + _PAUSE
                return
            self._admit(opened, str(address[0]))

    def _admit(self, opened: socket.socket, peer: str) -> None:
        idler = self._crowd.must_go_for(peer)
        if idler is not None:
            self._close(idler)
            self._refused(idler.peer, "made room for another")
        elif not self._crowd.has_room_for(peer):
            opened.close()
            self._refused(peer, "too many connections")
            return
        connection = Connection(opened, peer, self._limits)
        self._crowd.add(connection)
        try:
            if self._tls is not None:
                connection.secure(self._tls)
            self._ready.register(connection.socket, _READ, connection)
            self._shake(connection)
        except OSError as failure:
            self._lose(connection, failure)

    def _refused(self, peer: str, reason: str) -> None:
        self._door.tally.count("connection_refused")
        log.warning("connection_refused", peer=peer, reason=reason)

    def _shake(self, connection: Connection) -> None:
        """Go on with the handshake, if any, and let in who may speak for a feed here."""
        if not connection.shake():
            self._listen_for(connection, _WRITE if connection.has_to_write else _READ)
            return
        self._listen_for(connection, _READ)
        shown = connection.shown()
        feeds = self._bindings.feeds_here(shown, self._door.rules)
        if feeds is not None and not feeds:
            self._turn_away(connection, why_refused(shown))
        else:
            connection.origin = Origin(connection.peer, feeds=feeds)

    def _turn_away(self, connection: Connection, reason: str) -> None:
        log.warning("handshake_failed", peer=connection.peer, reason=reason)
        self._door.tally.count("handshake_failed")
        self._close(connection)

    def _lose(self, connection: Connection, failure: OSError) -> None:
        """It broke, or its time is up."""
        if connection.stage is Stage.SHAKING:
            self._turn_away(connection, why_failed(failure))
            return
        if connection.stage is Stage.OPEN:
            kind = "frame_half" if connection.is_half_done else "connection_lost"
            self._door.tally.count(kind)
            log.warning("connection_lost", peer=connection.peer, error=type(failure).__name__)
        self._close(connection)

    def _close(self, connection: Connection) -> None:
        if connection.stage is not Stage.CLOSED:
            with suppress(KeyError, ValueError):
                self._ready.unregister(connection.socket)
            connection.close()
            self._more.pop(connection, None)
            self._crowd.remove(connection)

    def _look_up(self, now: float) -> None:
        """End what is overdue, accept again after a pause, and drain when told to."""
        for connection in [each for each in self.open if each.deadline and now > each.deadline]:
            late = connection.overdue()
            if isinstance(late, OSError):
                self._lose(connection, late)
            else:
                connection.failure = late
                self._settle(connection)
        if self._accept_at and now > self._accept_at and self._drain_until is None:
            self._accept_at = None
            self._ready.register(self._bound, _READ)
        if self._is_stopping.is_set():
            self._drain(now)

    def _drain(self, now: float) -> None:
        """Nothing new; those with a frame in hand may finish it, until patience ends."""
        if self._drain_until is None:
            self._drain_until = now + self._drain_for
            with suppress(KeyError):
                self._ready.unregister(self._bound)
            self._bound.close()
        for connection in [each for each in self.open if each.is_idle]:
            self._close(connection)
        if now >= self._drain_until:
            self.cut_off = len(self.open)
            for connection in list(self.open):
                self._close(connection)
        if not self.open:
            self._is_over.set()
