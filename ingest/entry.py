"""The records of the journal: what goes in, what comes out, and what to look for."""

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Literal, NamedTuple

State = Literal["waiting", "settled", "ignored", "parked", "refused"]


class Block(NamedTuple):
    """What the door hands over to be stored; texts already cut and printable."""

    received_at: datetime
    source: str
    peer: str
    feed: str
    sender: str
    control_id: str
    trigger: str
    lane: int
    digest: str
    size: int
    state: State
    reason: str
    answer: bytes
    raw: bytes | None
    head: str | None = None
    line: Hashable = None
    """Nothing of a line is stored after what could not be; None: it is of no line."""


class Stored(NamedTuple):
    """A block that is on disk, or was before; ``answer`` is the one given the first time."""

    id: int
    answer: bytes
    is_repeat: bool


@dataclass(frozen=True, slots=True)
class EntryRow:
    """An entry as lists show it; ``reason`` is why it ended as it did."""

    id: int
    received_at: datetime
    source: str
    peer: str
    feed: str
    control_id: str
    trigger: str
    lane: int
    digest: str
    size: int
    state: str
    reason: str
    flags: str
    repeats: int
    outcome: str
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Entry(EntryRow):
    """An entry with its bytes; ``raw`` is empty where it was over a limit."""

    raw: bytes
    head: str
    answer: bytes


@dataclass(frozen=True, slots=True)
class End:
    """What became of an entry; ``reason`` holds no patient data."""

    entry: int
    state: State
    reason: str
    outcome: str = ""
    """What followed, for the engineers' page."""


@dataclass(frozen=True, slots=True)
class Search:
    """Which entries to list, oldest first unless told otherwise; nothing set means every one."""

    state: State | None = None
    since: datetime | None = None
    control_id: str | None = None
    after: int = 0
    before: int | None = None
    newest_first: bool = False
    limit: int | None = None


def digest_of(raw: bytes) -> str:
    """Names the bytes; the last line end is left out, which a batch and a frame end differently."""
    return sha256(raw.rstrip(b"\r\n")).hexdigest()
