"""Understanding: bytes of a message to what it says, on one core."""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import cycle

from hl7apy.parser import parse_message

from bench.rows import Row
from mapping.hl7.events import read_event
from service.site import dialects_of, load_site

WANTED = 100.0
_ARRIVED_AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def measure(messages: Sequence[bytes], seconds: float) -> Iterator[Row]:
    """Ours beside hl7apy's own parser and beside bare splitting, which understands nothing."""
    dialects = dialects_of(load_site(None))

    def understand(raw: bytes) -> None:
        read_event(raw, dialects["pas" if b"|TRAK|" in raw[:20] else "itk"], _ARRIVED_AT)

    ours = _rate(understand, messages, seconds)
    parsed = _rate(_parse, messages, seconds)
    split = _rate(_split, messages, seconds / 2)
    yield Row("understanding", "hl7apy", ours, parsed, wanted_ratio=WANTED)
    yield Row("understanding", "bare split", ours, split)


def _parse(raw: bytes) -> None:
    parse_message(raw.decode(), find_groups=False)


def _split(raw: bytes) -> None:
    for segment in raw.decode().split("\r"):
        segment.split("|")


def _rate(step: Callable[[bytes], None], messages: Sequence[bytes], seconds: float) -> float:
    step(messages[0])
    done = 0
    began = time.perf_counter()
    for raw in cycle(messages):
        step(raw)
        done += 1
        if time.perf_counter() >= began + seconds:
            break
    return done / (time.perf_counter() - began)
