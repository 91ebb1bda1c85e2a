"""Many senders in one thread: each keeps one socket and one outstanding message."""

import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

START, END = b"\x0b", b"\x1c\r"
_PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class Load:
    """What a run brought: answers a second, and how long one took in microseconds."""

    rate: float
    answers: int
    p50: float
    p99: float


@dataclass(slots=True)
class _Sender:
    """One socket; ``asked_at`` is when its outstanding message went out."""

    line: socket.socket
    asked_at: float = 0.0
    heard: bytes = b""


class NoAnswer(Exception):
    """The door closed a connection, refused a message, or was silent for ten seconds."""


def framed(messages: Sequence[bytes]) -> list[bytes]:
    """Each message in its MLLP frame."""
    return [START + message + END for message in messages]


def drive(port: int, frames: Sequence[bytes], senders: int, seconds: float) -> Load:
    """Send frames in order, each sender the next one when it was answered, for some seconds."""
    queue = iter(frames)
    took: list[float] = []
    with selectors.DefaultSelector() as ready:
        lines = [_opened(port) for _ in range(senders)]
        began = time.perf_counter()
        until = began + seconds
        busy = 0
        for line in lines:
            ready.register(line, selectors.EVENT_READ, _Sender(line))
        for key in list(ready.get_map().values()):
            busy += _ask(key.data, queue, until)
        while busy:
            events = ready.select(_PATIENCE)
            if not events:
                raise NoAnswer(NoAnswer.__doc__)
            for key, _ in events:
                if _heard(key.data):
                    took.append(time.perf_counter() - key.data.asked_at)
                    busy -= 1
                    busy += _ask(key.data, queue, until)
        spent = time.perf_counter() - began
        for line in lines:
            line.close()
    return _summed(took, spent)


def first_answer(port: int, frame: bytes) -> float:
    """When a frame is answered, by ``time.perf_counter``; again and again until it is."""
    until = time.perf_counter() + _PATIENCE
    while time.perf_counter() < until:
        try:
            drive(port, [frame], 1, _PATIENCE)
        except (OSError, NoAnswer):
            time.sleep(0.005)
        else:
            return time.perf_counter()
    raise NoAnswer(NoAnswer.__doc__)


def _opened(port: int) -> socket.socket:
    line = socket.create_connection(("127.0.0.1", port), _PATIENCE)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return line


def _ask(sender: _Sender, queue: Iterator[bytes], until: float) -> int:
    """Send the next frame if there is time and a frame; how many are outstanding of it."""
    sender.asked_at = time.perf_counter()
    if sender.asked_at >= until:
        return 0
    frame = next(queue, None)
    if frame is None:
        return 0
    sender.line.sendall(frame)
    return 1


def _heard(sender: _Sender) -> bool:
    """Whether the answer is complete; anything but an acceptance ends the run."""
    data = sender.line.recv(65_536)
    if not data:
        raise NoAnswer(NoAnswer.__doc__)
    sender.heard += data
    if not sender.heard.endswith(END):
        return False
    if b"MSA|AA|" not in sender.heard and b"MSA|CA|" not in sender.heard:
        raise NoAnswer(NoAnswer.__doc__)
    sender.heard = b""
    return True


def _summed(took: list[float], spent: float) -> Load:
    took.sort()
    last = len(took) - 1
    return Load(
        rate=len(took) / spent,
        answers=len(took),
        p50=took[last // 2] * 1e6,
        p99=took[int(last * 0.99)] * 1e6,
    )
