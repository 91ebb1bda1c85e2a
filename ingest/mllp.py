"""Framing over a stream: one block in, one block out, never more memory than the limit."""

import time
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Protocol

from ingest.room import OWN, Room

START = b"\x0b"
END = b"\x1c\r"
CHUNK = 65_536
"""Bytes that are taken from a connection at one time."""
_HEAD = 8_192
"""Bytes of a frame that is too long of which the header is read."""
_HARMLESS = b"\r\n \t"
"""What senders put between frames without meaning it."""


class Stream(Protocol):
    """The part of a socket that framing needs."""

    def recv(self, size: int, /) -> bytes:
        """What has come, at most ``size`` bytes; empty when the peer has finished."""

    def sendall(self, data: bytes, /) -> None:
        """All of it, or an OSError."""

    def settimeout(self, seconds: float | None, /) -> None:
        """How long the next call may take."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a peer may do; times in seconds, ``idle_for`` None: wait for ever between frames.

    ``room`` is for all together that have these limits.
    """

    message_bytes: int = 1_048_576
    junk_bytes: int = 65_536
    frame_for: float = 30.0
    idle_for: float | None = None
    handshake_for: float = 10.0
    peer_connections: int = 128
    connections: int = 1_024
    room: Room = field(default_factory=Room)


class FrameError(Exception):
    """The peer did not keep to the framing; the connection is closed and the fault counted."""

    kind = "frame_error"


class FrameBroken(FrameError):
    """The peer closed in the middle of a frame; it still holds the message and sends it again."""

    kind = "frame_half"


class FrameLate(FrameError):
    """A frame was not finished in time; look for a stalled sender or a missing end of frame."""

    kind = "frame_late"


class FrameJunk(FrameError):
    """Too many bytes came outside any frame; the peer does not speak MLLP."""

    kind = "frame_junk"


class FrameCrowded(FrameError):
    """Long frames of others have taken all room; the peer still holds it and sends it again."""

    kind = "frame_crowded"


class FrameTooLong(FrameError):
    """A frame is longer than the limit; raise MAX_MESSAGE_BYTES if such messages are real."""

    kind = "frame_too_long"

    def __init__(self, head: bytes, digest: str, size: int) -> None:
        """``digest`` is of the bytes up to the first over the limit: a repeat has the same."""
        super().__init__(type(self).__doc__)
        self.head = head
        self.digest = digest
        self.size = size


def read_block(frames: "Frames") -> bytes | None:
    """The next block without its frame; None when the peer has finished."""
    return frames.read()


def write_block(stream: Stream, reply: bytes) -> None:
    """One block in its frame."""
    stream.sendall(START + reply + END)


class Cutter:
    """Cuts the bytes of one connection into blocks; keeps what came beyond the block in hand.

    Only FS CR ends a frame: VT inside one, or FS without CR, is data.
    """

    __slots__ = ("_buffer", "_gap", "_limits", "_searched", "_taken", "in_hand", "junk")

    def __init__(self, limits: Limits) -> None:
        """Nothing has come yet."""
        self._limits = limits
        self._buffer = bytearray()
        self._gap = 0
        self._searched = 0
        self._taken = 0
        self.in_hand = False
        """A frame has begun and its answer is not out yet."""
        self.junk = 0
        """Bytes outside frames since the connection opened."""

    @property
    def is_unfinished(self) -> bool:
        """A frame has begun and its end has not come."""
        return self._searched > 0

    def feed(self, data: bytes) -> None:
        """More bytes of the connection; ask for blocks before the next."""
        self._buffer += data

    def next(self) -> bytes | None:
        """The next block, None where more bytes are needed; the one before it is done with."""
        if not self._searched:
            self.in_hand = False
            self.give_back()
            if not self._find_start():
                return None
            self.in_hand = True
            self._searched = 1
        return self._find_end()

    def give_back(self) -> None:
        """The block in hand is done with: its room is for others."""
        if self._taken:
            self._limits.room.give_back(self._taken)
            self._taken = 0

    def drop(self) -> None:
        """Nothing of this connection is wanted any more."""
        self.give_back()
        self._buffer = bytearray()

    def _find_start(self) -> bool:
        buffer = self._buffer
        if buffer.startswith(START):
            self._gap = 0
            return True
        start = buffer.find(START)
        outside = buffer if start < 0 else buffer[:start]
        junk = len(outside.translate(None, _HARMLESS))
        self._gap += junk
        self.junk += junk
        del buffer[: len(outside)]
        if self._gap > self._limits.junk_bytes:
            raise FrameJunk(FrameJunk.__doc__)
        if start >= 0:
            self._gap = 0
        return start >= 0

    def _find_end(self) -> bytes | None:
        buffer, limit = self._buffer, self._limits.message_bytes
        end = buffer.find(END, self._searched)
        if end > limit + 1 or (end < 0 and len(buffer) > limit + 2):
            raise self._too_long()
        if end < 0:
            self._searched = max(1, len(buffer) - 1)
            self._take_room()
            return None
        block = bytes(buffer[1:end])
        del buffer[: end + len(END)]
        self._searched = 0
        return block

    def _take_room(self) -> None:
        more = len(self._buffer) - OWN - self._taken
        if more > 0:
            if not self._limits.room.take(more, self._limits.message_bytes):
                raise FrameCrowded(FrameCrowded.__doc__)
            self._taken += more

    def _too_long(self) -> FrameTooLong:
        body = self._buffer[1 : self._limits.message_bytes + 2]
        failure = FrameTooLong(
            bytes(body[:_HEAD]), sha256(body).hexdigest(), len(self._buffer) - len(START)
        )
        self._buffer.clear()
        self._searched = 0
        return failure


class Frames:
    """The blocks of one connection for who waits for each, as a client does."""

    __slots__ = ("_cutter", "_limits", "_patience", "_stream")

    def __init__(self, stream: Stream, limits: Limits) -> None:
        """The stream's timeout belongs to this object from now on."""
        self._stream = stream
        self._limits = limits
        self._cutter = Cutter(limits)
        self._patience = limits.frame_for
        stream.settimeout(limits.frame_for)

    def read(self) -> bytes | None:
        """The next block; None when the peer finished between two frames."""
        deadline = None
        began = time.monotonic()
        while (block := self._cutter.next()) is None:
            if not self._cutter.is_unfinished:
                if not self._receive_idle(began):
                    return None
                continue
            if deadline is None:
                deadline = time.monotonic() + self._limits.frame_for
            self._receive_before(deadline)
        self._wait_at_most(self._limits.frame_for)
        return block

    def _receive_idle(self, began: float) -> bool:
        while True:
            try:
                return self._receive()
            except TimeoutError:
                idle_for = self._limits.idle_for
                if idle_for is not None and time.monotonic() - began >= idle_for:
                    raise

    def _receive_before(self, deadline: float) -> None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise FrameLate(FrameLate.__doc__)
        self._wait_at_most(left)
        try:
            came = self._receive()
        except TimeoutError as err:
            raise FrameLate(FrameLate.__doc__) from err
        if not came:
            raise FrameBroken(FrameBroken.__doc__)

    def _receive(self) -> bool:
        data = self._stream.recv(CHUNK)
        self._cutter.feed(data)
        return bool(data)

    def _wait_at_most(self, seconds: float) -> None:
        if seconds != self._patience:
            self._patience = seconds
            self._stream.settimeout(seconds)
