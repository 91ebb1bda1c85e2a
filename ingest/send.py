"""An MLLP client: messages out one by one, each answer matched to its message."""

import socket
import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from ingest.ack import echo
from ingest.header import Unattributable, normalise, read_header
from ingest.mllp import FrameError, Frames, Limits, read_block, write_block

TRIES = 2
_ACCEPTED = frozenset({"AA", "CA"})


@dataclass(frozen=True, slots=True)
class Destination:
    """Whom to send to and how many seconds to wait for an answer."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    patience: float = 30.0


@dataclass(frozen=True, slots=True)
class Failure:
    """A message that was not accepted; ``code`` is empty when no answer came."""

    control_id: str
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Sent:
    """Answers by code, and what was not accepted; ``unsent`` counts what was not tried."""

    counts: dict[str, int]
    failures: tuple[Failure, ...]
    unsent: int = 0

    @property
    def accepted(self) -> int:
        """How many were answered with AA or CA."""
        return sum(self.counts.get(code, 0) for code in _ACCEPTED)


@dataclass(frozen=True, slots=True)
class _Answer:
    code: str
    control_id: str
    reason: str


@dataclass(slots=True)
class _Line:
    """The connection, opened when first needed and dropped when it fails."""

    to: Destination
    opened: socket.socket | None = None
    frames: Frames | None = field(default=None)

    def ask(self, message: bytes, control_id: str) -> _Answer:
        """Send one message and wait for its own answer."""
        stream, frames = self._open()
        write_block(stream, message)
        while True:
            block = read_block(frames)
            if block is None:
                raise ConnectionError
            answer = _read_answer(block)
            if not control_id or answer.control_id in ("", control_id):
                return answer

    def drop(self) -> None:
        """Forget the connection; an answer that comes late is not taken for another's."""
        if self.opened is not None:
            with suppress(OSError):
                self.opened.close()
        self.opened = self.frames = None

    def _open(self) -> tuple[socket.socket, Frames]:
        if self.opened is not None and self.frames is not None:
            return self.opened, self.frames
        plain = socket.create_connection((self.to.host, self.to.port), self.to.patience)
        self.opened = plain
        if self.to.tls is not None:
            self.opened = self.to.tls.wrap_socket(plain, server_hostname=self.to.host)
        self.frames = Frames(
            self.opened, Limits(frame_for=self.to.patience, idle_for=self.to.patience)
        )
        return self.opened, self.frames


def send(
    messages: Iterable[bytes],
    to: Destination,
    rate: float | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> Sent:
    """Send in order, at most ``rate`` a second; stops at the first that gets no answer twice."""
    line = _Line(to)
    counts: Counter[str] = Counter()
    failures: list[Failure] = []
    queue = list(messages)
    began = time.monotonic()
    try:
        for number, message in enumerate(queue):
            if rate:
                time.sleep(max(0.0, began + number / rate - time.monotonic()))
            answer = _ask_twice(line, message)
            if isinstance(answer, Failure):
                failures.append(answer)
                return Sent(dict(counts), tuple(failures), len(queue) - number - 1)
            counts[answer.code] += 1
            if answer.code not in _ACCEPTED:
                failures.append(Failure(answer.control_id, answer.code, answer.reason))
            if on_progress is not None:
                on_progress(number + 1)
    finally:
        line.drop()
    return Sent(dict(counts), tuple(failures))


def _ask_twice(line: _Line, message: bytes) -> _Answer | Failure:
    """Once more on a new connection where no answer came: the receiver knows a repeat."""
    control_id = _control_id(message)
    reason = ""
    for _ in range(TRIES):
        try:
            return line.ask(message, control_id)
        except (OSError, FrameError) as failure:
            reason = type(failure).__name__
            line.drop()
    return Failure(control_id, "", reason)


def _control_id(message: bytes) -> str:
    try:
        return echo(read_header(message))
    except Unattributable as failure:
        return echo(failure.header)


def _read_answer(block: bytes) -> _Answer:
    """MSA-1, MSA-2, and what ERR says, cut to one line."""
    bar = block[3:4].decode("ascii", "replace") or "|"
    segments = normalise(block).decode("utf-8", "replace").split("\r")
    found = {segment[:3]: segment.split(bar) for segment in reversed(segments)}
    msa = [*found.get("MSA", []), "", "", ""]
    reason = " ".join(part for part in found.get("ERR", [])[1:] if part)
    return _Answer(msa[1] or "unreadable", msa[2], reason)
