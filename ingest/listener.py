"""Sockets: a thread a connection, TLS, deadlines, caps, and an orderly end."""

import socket
import ssl
import threading
import time
from collections import Counter
from contextlib import suppress

import structlog

from ingest.committer import CannotStore
from ingest.failpoints import passing
from ingest.mllp import FrameError, Frames, FrameTooLong, Limits, Stream, read_block, write_block
from ingest.peers import Bindings, Shown, shown_in, why_failed, why_refused
from ingest.receive import Door, Origin, Reply, receive, receive_too_long

log = structlog.get_logger()

_LOOK_UP = 0.5
"""Seconds between looks at whether to stop."""
_LINGER = 1.0
"""Seconds in which a peer may read its last answer before the connection is closed."""


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
    return Listener(bound, door, limits, tls, bindings or Bindings(door.rules))


class Listener:
    """One listening address and its open connections."""

    def __init__(
        self,
        bound: socket.socket,
        door: Door,
        limits: Limits,
        tls: ssl.SSLContext | None,
        bindings: Bindings,
    ) -> None:
        """Nothing is accepted before start."""
        bound.settimeout(_LOOK_UP)
        self._bound = bound
        self._door = door
        self._limits = limits
        self._tls = tls
        self._bindings = bindings
        self._changed = threading.Condition()
        self._open: dict[Connection, None] = {}
        """In the order in which they came."""
        self._peers: Counter[str] = Counter()
        self._is_stopping = threading.Event()
        self._accepting = threading.Thread(target=self._accept, name="mllp-accept", daemon=True)
        self.port = int(bound.getsockname()[1])

    def start(self) -> None:
        """Begin to accept connections."""
        self._accepting.start()
        log.info("mllp_listening", port=self.port)

    def stop(self, drain_for: float = 5.0) -> int:
        """Accept no more, finish the frames in hand, close; how many had to be cut off."""
        self._is_stopping.set()
        with suppress(OSError):
            self._bound.shutdown(socket.SHUT_RDWR)
        if self._accepting.is_alive():
            self._accepting.join()
        self._bound.close()
        deadline = time.monotonic() + drain_for
        with self._changed:
            while self._open and time.monotonic() < deadline:
                for connection in self._open:
                    connection.end_if_idle()
                self._changed.wait(0.05)
            left = list(self._open)
        for connection in left:
            connection.cut()
        log.info("mllp_stopped", port=self.port, count=len(left))
        return len(left)

    def connections(self) -> int:
        """How many are open now."""
        return len(self._open)

    def _accept(self) -> None:
        while not self._is_stopping.is_set():
            try:
                opened, address = self._bound.accept()
            except TimeoutError:
                continue
            except OSError as failure:  # stopping, or out of descriptors: those in hand go on
                if self._is_stopping.is_set():
                    return
                log.warning("accept_failed", port=self.port, error=type(failure).__name__)
                self._is_stopping.wait(_LOOK_UP)
                continue
            self._admit(opened, str(address[0]))

    def _admit(self, opened: socket.socket, peer: str) -> None:
        with self._changed:
            is_full = self._peers[peer] >= self._limits.peer_connections or (
                len(self._open) >= self._limits.connections and not self._make_room()
            )
            if not is_full:
                connection = Connection(opened, peer)
                self._peers[peer] += 1
                self._open[connection] = None
        if is_full:
            opened.close()
            self._door.tally.count("connection_refused")
            log.warning("connection_refused", peer=peer, reason="too many connections")
            return
        thread = threading.Thread(target=self._serve_one, args=(connection,), daemon=True)
        try:
            thread.start()
        except RuntimeError as failure:  # out of threads: those in hand go on
            log.warning("connection_refused", peer=peer, error=type(failure).__name__)
            self._release(connection)

    def _make_room(self) -> bool:
        """Cut off who has been open longest without one answer; whether there was anybody."""
        longest = next((each for each in self._open if not each.is_answered), None)
        if longest is None:
            return False
        del self._open[longest]
        longest.cut()
        log.warning("connection_refused", peer=longest.peer, reason="made room for another")
        self._door.tally.count("connection_refused")
        return True

    def _serve_one(self, connection: "Connection") -> None:
        try:
            if self._is_let_in(connection):
                converse(connection, self._door, self._limits, self._is_stopping)
        finally:
            self._release(connection)

    def _is_let_in(self, connection: "Connection") -> bool:
        """Whether the peer finished the TLS handshake, if any, and may speak for a feed here."""
        try:
            if self._tls is not None:
                connection.secure(self._tls, self._limits.handshake_for)
            shown = connection.shown()
        except OSError as failure:
            reason = why_failed(failure)
        else:
            connection.feeds = self._bindings.feeds_here(shown, self._door.rules)
            if connection.feeds is None or connection.feeds:
                return True
            reason = why_refused(shown)
        log.warning("handshake_failed", peer=connection.peer, reason=reason)
        self._door.tally.count("handshake_failed")
        return False

    def _release(self, connection: "Connection") -> None:
        connection.close()
        with self._changed:
            self._open.pop(connection, None)
            self._peers[connection.peer] -= 1
            if not self._peers[connection.peer]:
                del self._peers[connection.peer]
            self._changed.notify_all()


class Connection:
    """One peer's socket; another thread may end it."""

    def __init__(self, opened: socket.socket, peer: str) -> None:
        """Plain until secured."""
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self.peer = peer
        self.socket = opened
        self.feeds: frozenset[str] | None = None
        """The only ones that it may speak for; None: any."""
        self.frames: Frames | None = None
        self.is_answered = False
        """It has brought a message, so that it is no idler."""

    def secure(self, tls: ssl.SSLContext, seconds: float) -> None:
        """Do the whole TLS handshake in that time; an OSError says why it failed."""
        self.socket.settimeout(seconds)
        secured = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.socket = secured
        secured.do_handshake()

    def shown(self) -> Shown:
        """The certificate that the peer showed and we verified, if any."""
        if isinstance(self.socket, ssl.SSLSocket) and (certificate := self.socket.getpeercert()):
            return shown_in(certificate, self.socket.getpeercert(binary_form=True) or b"")
        return Shown()

    def end_if_idle(self) -> None:
        """Wake the thread that waits for the next frame; one that has a frame in hand goes on."""
        if self.frames is None or not self.frames.in_hand:
            # Past TLS: SSLSocket.shutdown would drop the session while its thread reads.
            with suppress(OSError):
                socket.socket.shutdown(self.socket, socket.SHUT_RD)

    def cut(self) -> None:
        """End it now, whatever is in hand."""
        with suppress(OSError):
            socket.socket.shutdown(self.socket, socket.SHUT_RDWR)

    def say_goodbye(self) -> None:
        """Let the peer read the last answer: a close with bytes unread would destroy it."""
        deadline = time.monotonic() + _LINGER
        with suppress(OSError):
            socket.socket.shutdown(self.socket, socket.SHUT_WR)
            while (left := deadline - time.monotonic()) > 0:
                self.socket.settimeout(left)
                if not socket.socket.recv(self.socket, 65_536):
                    return

    def close(self) -> None:
        """Give the descriptor back, and the room of what it read."""
        if self.frames is not None:
            self.frames.give_back()
        with suppress(OSError):
            self.socket.close()


def converse(
    connection: Connection, door: Door, limits: Limits, is_stopping: threading.Event
) -> None:
    """Answer frame after frame until the peer goes, breaks the framing, or we stop."""
    peer = connection.peer
    try:
        frames = connection.frames = Frames(connection.socket, limits)
        origin = Origin(peer, feeds=connection.feeds)
        while not is_stopping.is_set():
            reply = _answer_next(frames, connection.socket, origin, door)
            if reply is None:
                return
            connection.is_answered = True
            if reply.is_last:
                break
        connection.say_goodbye()
    except FrameError as failure:
        door.tally.count(failure.kind)
        log.warning("frame_failed", peer=peer, reason=failure.kind)
    except CannotStore as failure:
        door.tally.count("not_stored")
        log.warning("not_stored", peer=peer, failure=failure.__cause__ or failure.__context__)
    except OSError as failure:
        in_hand = connection.frames is not None and connection.frames.in_hand
        door.tally.count("frame_half" if in_hand else "connection_lost")
        log.warning("connection_lost", peer=peer, error=type(failure).__name__)
    except Exception as failure:  # noqa: BLE001 - one of four: no answer, the sender keeps it
        door.tally.count("not_stored")
        log.error("connection_failed", peer=peer, failure=failure)


def _answer_next(frames: Frames, stream: Stream, origin: Origin, door: Door) -> Reply | None:
    """One frame and its answer; None when the peer has finished."""
    try:
        block = read_block(frames)
        if block is None:
            return None
        passing("frame-read")
        reply = receive(block, origin, door)
    except FrameTooLong as failure:
        answered = receive_too_long(failure, origin, door)
        if answered is None:
            raise
        reply = answered
    passing("before-answer")
    write_block(stream, reply.answer)
    passing("after-answer")
    return reply
