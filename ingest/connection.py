"""One peer's socket, which nobody waits for: what came, what goes out, and until when."""

import selectors
import socket
import ssl
import time
from contextlib import suppress
from enum import Enum, auto

from ingest.failpoints import passing
from ingest.mllp import CHUNK, END, START, Cutter, FrameBroken, FrameError, FrameLate, Limits
from ingest.peers import Shown, shown_in
from ingest.receive import Origin
from ingest.room import OWN

AT_ONCE = 64
"""Blocks of one connection that are answered together."""
LINGER = 1.0
"""Seconds in which a peer may read its last answer before the connection is closed."""


class Stage(Enum):
    """How far a connection has come."""

    SHAKING = auto()
    """It speaks TLS, and the handshake is not finished."""
    OPEN = auto()
    LEAVING = auto()
    """The last answer is out; the peer may read it."""
    CLOSED = auto()


class Connection:
    """The state of one peer's socket; every call returns at once."""

    def __init__(self, opened: socket.socket, peer: str, limits: Limits) -> None:
        """Plain until secured."""
        opened.setblocking(False)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self.socket = opened
        self.peer = peer
        self.origin = Origin(peer)
        self.stage = Stage.OPEN
        self.has_to_write = False
        """The handshake cannot go on before the peer has read."""
        self.deadline: float | None = None
        """When patience ends, by the monotonic clock."""
        self.is_answered = False
        """It has brought a message, so that it is no idler."""
        self.has_ended = False
        """The peer sends nothing more."""
        self.has_more = False
        """There may be whole blocks beyond those that were taken; nothing is read before them."""
        self.failure: Exception | None = None
        """Why it is closed once what was answered is out."""
        self.is_last = False
        """It is left once what was answered is out."""
        self._limits = limits
        self._cutter = Cutter(limits)
        self._outgoing = bytearray()
        self._events = selectors.EVENT_READ
        self._excused = 0.0
        self._is_reading = False
        self._is_stuck = False
        self._rest()

    @property
    def is_in_hand(self) -> bool:
        """It has something to bring to an end: a frame, or its last answer to be read."""
        return self.is_half_done or self.stage is Stage.LEAVING

    @property
    def is_broken_off(self) -> bool:
        """Nothing more of it may be stored: one before was not, or it is closed."""
        has_failed = self.failure is not None and not isinstance(self.failure, FrameError)
        return has_failed or self.stage is Stage.CLOSED

    @property
    def has_pending(self) -> bool:
        """TLS has decrypted what the system can no longer tell of."""
        return isinstance(self.socket, ssl.SSLSocket) and self.socket.pending() > 0

    @property
    def is_half_done(self) -> bool:
        """A frame has begun and its answer is not out yet."""
        return self._cutter.in_hand or self.wants_to_send

    @property
    def wants_to_send(self) -> bool:
        """Answers wait for the peer to read; until then nothing of it is read."""
        return bool(self._outgoing)

    def secure(self, tls: ssl.SSLContext) -> None:
        """Speak TLS from now on."""
        self._await(self._limits.handshake_for)
        self.stage = Stage.SHAKING
        self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def shake(self) -> bool:
        """Go on with the handshake; whether it is finished. An OSError says why it failed."""
        if isinstance(self.socket, ssl.SSLSocket):
            try:
                self.socket.do_handshake()
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as wants:
                self.has_to_write = isinstance(wants, ssl.SSLWantWriteError)
                return False
        self.stage = Stage.OPEN
        self._rest()
        return True

    def shown(self) -> Shown:
        """The certificate that the peer showed and we verified, if any."""
        if isinstance(self.socket, ssl.SSLSocket) and (certificate := self.socket.getpeercert()):
            return shown_in(certificate, self.socket.getpeercert(binary_form=True) or b"")
        return Shown()

    def receive(self) -> None:
        """Take what has come; raises an OSError where the peer is gone."""
        if self.has_more or self.has_ended or self.failure is not None:
            return
        try:
            data = self.socket.recv(CHUNK)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        self._cutter.feed(data)
        self.has_ended = not data

    def take(self) -> list[bytes]:
        """The next whole blocks, some at a time; ``failure`` says what is wrong after them."""
        blocks: list[bytes] = []
        if self.failure is not None:
            return blocks
        self.has_more = False
        try:
            while (block := self._cutter.next()) is not None:
                passing("frame-read")
                blocks.append(block)
                if len(blocks) == AT_ONCE or len(block) > OWN:
                    self.has_more = True
                    return blocks
        except FrameError as failure:
            self.failure = failure
            return blocks
        self._wait_for_rest(anew=bool(blocks))
        if self.has_ended and self._cutter.is_unfinished:
            self.failure = FrameBroken(FrameBroken.__doc__)
        return blocks

    def put(self, answer: bytes) -> None:
        """Answer in a frame, once ``flush`` is called."""
        self.is_answered = True
        self._outgoing += START + answer + END

    def flush(self) -> None:
        """Send what the peer takes now; raises an OSError where it is gone."""
        with suppress(BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            sent = self.socket.send(self._outgoing)
            del self._outgoing[:sent]
        if not self._outgoing:
            self._is_stuck = False
            self._wait_for_rest(anew=True)
        elif not self._is_stuck:
            self._is_stuck = True
            self._await(self._limits.frame_for)

    def wait_for(self, events: int, ready: selectors.BaseSelector) -> None:
        """Let the system tell of these events and no others."""
        if self._events != events:
            self._events = events
            ready.modify(self.socket, events, self)

    def overdue(self) -> Exception:
        """Why it is closed whose deadline has passed."""
        if self._cutter.is_unfinished and not self._outgoing:
            return FrameLate(FrameLate.__doc__)
        return TimeoutError()

    def leave(self) -> None:
        """Let the peer read the last answer: a close with bytes unread would destroy it."""
        self.stage = Stage.LEAVING
        self._await(LINGER)
        with suppress(OSError):  # past TLS, which would drop the session
            socket.socket.shutdown(self.socket, socket.SHUT_WR)

    def has_left(self) -> bool:
        """Throw away what comes after the last answer; whether the peer is gone."""
        try:
            return not socket.socket.recv(self.socket, CHUNK)
        except BlockingIOError:
            return False

    def cut(self) -> None:
        """End it now, from any thread, whatever is in hand."""
        with suppress(OSError):
            socket.socket.shutdown(self.socket, socket.SHUT_RDWR)

    def close(self) -> None:
        """Give back the descriptor, and the room and memory of what was read."""
        self.stage = Stage.CLOSED
        self.failure = None  # it knows this frame, and this us
        self._cutter.drop()
        with suppress(OSError):
            self.socket.close()

    def excuse(self, seconds: float) -> None:
        """It sent while we were busy for so long; no deadline is put off again and again."""
        if self.deadline is not None:
            left = self._limits.frame_for - self._excused
            more = max(0.0, min(seconds, left)) if self._excused else seconds
            self._excused += more
            self.deadline += more

    def _wait_for_rest(self, anew: bool) -> None:
        """A frame that has begun must end in time; its time does not begin again by itself."""
        if not self._cutter.is_unfinished:
            self._rest()
        elif anew or not self._is_reading:
            self._is_reading = True
            self._await(self._limits.frame_for)

    def _rest(self) -> None:
        """Between two frames."""
        self._is_reading = False
        if self._limits.idle_for is None:
            self.deadline = None
        else:
            self._await(self._limits.idle_for)

    def _await(self, seconds: float) -> None:
        """A new deadline, so far away."""
        self.deadline = time.monotonic() + seconds
        self._excused = 0.0
