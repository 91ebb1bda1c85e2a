"""One thread for every connection of an address: it reads, stores what came together, answers.

Whoever has a whole frame when others do shares their commit. While the database cannot store,
nothing is read, so that senders wait.
"""

import selectors
import socket
import threading
import time
from contextlib import suppress

import structlog

from ingest.answers import Asked, answer, broken, lost, refuse_too_long, refused, turned_away
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
        """Of whom more is here than the system tells."""
        self._due: dict[Connection, int] = {}
        self._asked: dict[Connection, list[bytes]] = {}
        self._answered: dict[Connection, None] = {}
        """What a turn has still to do; kept here, so that a fault in it loses nothing of others."""
        self._in_hand: Connection | None = None
        self._look_up_at = 0.0
        self._busy_for = 0.0
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
        """A fault that nobody foresaw ends the connection that met it; the turn then goes on."""
        met = list(self._answered) if self._in_hand is None else [self._in_hand]
        log.error("connection_failed", failure=failure)
        for connection in met:
            self._door.tally.count("not_stored")
            self._close(connection)
        self._in_hand = None
        return 0.0 if met else LOOK_UP

    def _turn(self) -> float:
        """Read what is ready, answer it, and look at deadlines now and then."""
        if not (self._due or self._asked or self._answered):
            self._look()
        began = time.monotonic()
        while self._due:
            self._in_hand = connection = next(iter(self._due))
            if blocks := self._come(connection, self._due.pop(connection)):
                self._asked[connection] = blocks
        self._in_hand = None
        if began >= self._look_up_at:
            self._look_up_at = began + LOOK_UP
            self._look_up(began)
        while self._asked or self._answered:
            self._answer()
        self._busy_for = time.monotonic() - began
        if self._is_stopping.is_set():
            self._drain(time.monotonic())
        return 0.0

    def _look(self) -> None:
        """Who has something for us, each once, and who wants to come in."""
        for key, events in self._ready.select(0 if self._more else LOOK_UP):
            if isinstance(key.data, Connection):
                self._due[key.data] = events
            elif key.fileobj is self._bound:
                self._accept()
            else:
                self._bell.recv(64)
        for connection in self._more:
            self._due.setdefault(connection, _READ)
        self._more.clear()
        if self._busy_for > LOOK_UP:  # who has sent meanwhile is not late for that
            for connection in self._due:
                connection.excuse(self._busy_for)

    def _come(self, connection: Connection, events: int) -> list[bytes]:
        """Do what can be done about this connection; the whole blocks that came."""
        try:
            match connection.stage:
                case Stage.SHAKING:
                    self._shake(connection)
                case Stage.LEAVING if connection.has_left():
                    self._close(connection)
                case Stage.OPEN if connection.wants_to_send or events & _WRITE:
                    self._flush(connection)
                case Stage.OPEN:
                    connection.receive()
                    blocks = connection.take()
                    if not blocks:
                        self._settle(connection)
                    return blocks
        except OSError as failure:
            self._lose(connection, failure)
        return []

    def _answer(self) -> None:
        """Store as many as fit together, those of one connection never apart, and answer them."""
        group: list[Asked] = []
        for connection, blocks in list(self._asked.items()):
            if group and len(group) + len(blocks) > FULL:
                break
            del self._asked[connection]
            self._answered[connection] = None
            group += [(connection, block) for block in blocks]
        answer(group, self._door)
        while self._answered:
            self._in_hand = connection = next(iter(self._answered))
            del self._answered[connection]
            self._flush(connection)
            passing("after-answer")
        self._in_hand = None

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
        connection.wait_for(_WRITE if connection.wants_to_send else _READ, self._ready)
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
        elif connection.is_last:
            connection.leave()
        elif connection.has_more or connection.has_pending:
            self._more[connection] = None
        elif connection.has_ended:
            self._close(connection)

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
            refused(idler.peer, "made room for another", self._door)
        elif not self._crowd.has_room_for(peer):
            opened.close()
            refused(peer, "too many connections", self._door)
            return
        try:
            connection = Connection(opened, peer, self._limits)
        except OSError:  # gone before it was looked at
            opened.close()
            refused(peer, "the connection failed", self._door)
            return
        self._crowd.add(connection)
        try:
            if self._tls is not None:
                connection.secure(self._tls)
            self._ready.register(connection.socket, _READ, connection)
            self._shake(connection)
        except OSError as failure:
            self._lose(connection, failure)

    def _shake(self, connection: Connection) -> None:
        """Go on with the handshake, if any, and let in who may speak for a feed here."""
        if not connection.shake():
            connection.wait_for(_WRITE if connection.has_to_write else _READ, self._ready)
            return
        connection.wait_for(_READ, self._ready)
        shown = connection.shown()
        feeds = self._bindings.feeds_here(shown, self._door.rules)
        if feeds is not None and not feeds:
            turned_away(connection, why_refused(shown), self._door)
            self._close(connection)
        else:
            connection.origin = Origin(connection.peer, feeds=feeds)

    def _lose(self, connection: Connection, failure: OSError) -> None:
        """It broke, or its time is up."""
        if connection.stage is Stage.SHAKING:
            turned_away(connection, why_failed(failure), self._door)
        elif connection.stage is Stage.OPEN:
            lost(connection, failure, self._door)
        self._close(connection)

    def _close(self, connection: Connection) -> None:
        if connection.stage is not Stage.CLOSED:
            with suppress(KeyError, ValueError):
                self._ready.unregister(connection.socket)
            connection.close()
            for still in (self._more, self._due, self._asked, self._answered):
                still.pop(connection, None)
            self._crowd.remove(connection)

    def _look_up(self, now: float) -> None:
        """End what is overdue, and accept again after a pause."""
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

    def _drain(self, now: float) -> None:
        """Nothing new; those with a frame in hand may finish it, until patience ends."""
        if self._drain_until is None:
            self._drain_until = now + self._drain_for
            with suppress(KeyError):
                self._ready.unregister(self._bound)
            self._bound.close()
            return  # what was sent before we stopped is heard in one more turn
        is_over = now >= self._drain_until
        if is_over:
            self.cut_off = sum(each.is_half_done for each in self.open)
        for connection in [each for each in self.open if is_over or not each.is_in_hand]:
            self._close(connection)
        if not self.open:
            self._is_over.set()
