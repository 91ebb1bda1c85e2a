"""The journal: every block that came in, from the door to its end, in one table."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    RowMapping,
    Select,
    String,
    Table,
    Text,
    bindparam,
    exists,
    func,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

State = Literal["waiting", "settled", "ignored", "parked", "refused"]
REUSED = "control-id-reused"
_Id = BigInteger().with_variant(Integer, "sqlite")
_Instant = DateTime(timezone=True)

metadata = MetaData()

journal = Table(
    "journal",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("received_at", _Instant, nullable=False, index=True),
    Column("source", String(300), nullable=False),
    Column("peer", String(64), nullable=False),
    Column("feed", String(64), nullable=False),
    Column("sender", String(200), nullable=False),
    Column("control_id", String(200), nullable=False),
    Column("trigger", String(64), nullable=False),
    Column("lane", Integer, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("size", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("flags", Text, nullable=False, default=""),
    Column("repeats", Integer, nullable=False, default=0),
    Column("outcome", Text, nullable=False, default=""),
    Column("settled_at", _Instant),
    Column("answer", LargeBinary, nullable=False),
    Column("head", Text),
    Column("raw", LargeBinary),
    Index("ux_journal_message", "control_id", "sender", "digest", unique=True),
    Index("ix_journal_state", "state", "id"),
)
"""``raw`` is the block as it came; None, with MSH alone in ``head``, where it was over a limit.
``answer`` is the acknowledgement without its frame, given again to a repeat."""


@dataclass(frozen=True, slots=True)
class Block:
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


@dataclass(frozen=True, slots=True)
class Stored:
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
class Search:
    """Which entries to list, oldest first; nothing set means every one."""

    state: State | None = None
    since: datetime | None = None
    control_id: str | None = None
    after: int = 0
    limit: int | None = None


def append(tx: Connection, blocks: Sequence[Block]) -> list[Stored]:
    """Write what is new and count what is a repeat; the answers in the order of the blocks."""
    first: dict[tuple[str, str, str], Block] = {}
    for block in blocks:
        first.setdefault(_identity(block), block)
    inserted = _insert(tx, list(first.values()))
    _flag_reused(tx, inserted)
    known = _counted(tx, blocks, inserted)
    stored = []
    for block in blocks:
        identity = _identity(block)
        new_id = inserted.get(identity) if first.get(identity) is block else None
        is_repeat = new_id is None
        stored.append(known[identity] if is_repeat else Stored(new_id or 0, block.answer, False))
    return stored


def claim(tx: Connection, limit: int, lanes: Collection[int] | None = None) -> list[Entry]:
    """The oldest waiting entries; PostgreSQL: locked, and those another worker holds left out."""
    query = _CLAIM if lanes is None else _CLAIM.where(journal.c.lane.in_(lanes))
    return [_entry(row) for row in tx.execute(query, {"limit": limit}).mappings()]


def settle(tx: Connection, entry_id: int, reason: str, outcome: str, at: datetime) -> None:
    """Understood and acted on; ``outcome`` is what followed, for the engineers' page."""
    tx.execute(_FINISH, _end(entry_id, "settled", reason, at) | {"to_outcome": outcome})


def ignore(tx: Connection, entry_id: int, reason: str, at: datetime) -> None:
    """Read and not for us."""
    tx.execute(_END, _end(entry_id, "ignored", reason, at))


def park(tx: Connection, entry_id: int, reason: str, at: datetime) -> None:
    """Left for a person, with words that hold no patient data."""
    tx.execute(_END, _end(entry_id, "parked", reason, at))


def requeue(
    tx: Connection, ids: Sequence[int], feed_of: Callable[[bytes], str | None] | None = None
) -> int:
    """Parked entries with bytes back to waiting; how many. ``feed_of`` names what had no feed."""
    done = 0
    for entry in [found for found in (get(tx, entry_id) for entry_id in ids) if found]:
        feed = entry.feed or (feed_of(entry.raw) if feed_of else None)
        if entry.state != "parked" or not entry.raw or not feed:
            continue
        source = f"{entry.source[:-1]}{feed}" if entry.source.endswith(":-") else entry.source
        # Promise: only an entry that is still parked moves, so two people requeue it once.
        done += tx.execute(
            _REQUEUE, {"at_id": entry.id, "to_feed": feed, "to_source": source}
        ).rowcount
    return done


def get(tx: Connection, entry_id: int) -> Entry | None:
    """One entry with its bytes."""
    row = tx.execute(select(journal).where(journal.c.id == entry_id)).mappings().first()
    return _entry(row) if row else None


def find(tx: Connection, search: Search) -> list[EntryRow]:
    """Entries without their bytes, oldest first."""
    rows = tx.execute(_search(search)).mappings()
    return [EntryRow(**_shown(row)) for row in rows]


def waiting_count(tx: Connection) -> int:
    """Entries neither finished nor parked."""
    return int(tx.execute(_WAITING).scalar_one())


def counts(tx: Connection) -> dict[str, int]:
    """How many entries are in each state."""
    return {row.state: int(row.n) for row in tx.execute(_COUNTS)}


# A second block of the same identity is left out, also if another listener wrote the first.
_ROWS = {
    "sqlite": sqlite.insert(journal).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(journal).on_conflict_do_nothing(),
}
_IDENTITY = tuple_(journal.c.control_id, journal.c.sender, journal.c.digest)
_INSERT = {
    name: rows.returning(journal.c.id, journal.c.control_id, journal.c.sender, journal.c.digest)
    for name, rows in _ROWS.items()
}
_earlier = journal.alias("earlier")
# Of the new rows, those whose sender used the control id before; no lock.
_FIND_REUSED = select(journal.c.id).where(
    journal.c.id.in_(bindparam("ids", expanding=True)),
    journal.c.control_id != "",
    exists().where(
        _earlier.c.control_id == journal.c.control_id,
        _earlier.c.sender == journal.c.sender,
        _earlier.c.id < journal.c.id,
    ),
)
_FLAG = (
    update(journal)
    .where(journal.c.id.in_(bindparam("ids", expanding=True)))
    .values(flags=REUSED)
)
_KNOWN = select(
    journal.c.id, journal.c.control_id, journal.c.sender, journal.c.digest, journal.c.answer
).where(_IDENTITY.in_(bindparam("identities", expanding=True)))
_COUNT_REPEAT = (
    update(journal)
    .where(journal.c.id == bindparam("at_id"))
    .values(repeats=journal.c.repeats + bindparam("more"))
)
_CLAIM = (
    select(journal)
    .where(journal.c.state == "waiting")
    .order_by(journal.c.id)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True)
)
_END = (
    update(journal)
    .where(journal.c.id == bindparam("at_id"))
    .values(
        state=bindparam("to_state"), reason=bindparam("to_reason"), settled_at=bindparam("to_at")
    )
)
_FINISH = _END.values(outcome=bindparam("to_outcome"))
_REQUEUE = (
    update(journal)
    .where(journal.c.id == bindparam("at_id"), journal.c.state == "parked")
    .values(
        state="waiting",
        reason="",
        settled_at=None,
        feed=bindparam("to_feed"),
        source=bindparam("to_source"),
    )
)
_WAITING = select(func.count()).select_from(journal).where(journal.c.state == "waiting")
_COUNTS = select(journal.c.state, func.count().label("n")).group_by(journal.c.state)
_LISTED = [column for column in journal.c if column.name not in {"raw", "head", "answer", "sender"}]
