"""The journal: every block that came in, from the door to its end, in one table."""

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import takewhile
from typing import TypeVar

from sqlalchemy import (
    Connection,
    RowMapping,
    Select,
    bindparam,
    case,
    func,
    select,
    tuple_,
    update,
)

from ingest.entry import Block as Block
from ingest.entry import End as End
from ingest.entry import Entry as Entry
from ingest.entry import EntryRow as EntryRow
from ingest.entry import Search as Search
from ingest.entry import State as State
from ingest.entry import Stored as Stored
from ingest.inserts import Identity, identity, insert
from ingest.table import REUSED as REUSED
from ingest.table import journal as journal
from ingest.table import metadata as metadata

_Row = TypeVar("_Row")
CLAIMED = 8 * 2**20
"""Bytes of messages that one claim reads; one message alone may be larger."""


def append(tx: Connection, blocks: Sequence[Block]) -> list[Stored]:
    """Write what is new and count what is a repeat; the answers in the order of the blocks."""
    first: dict[Identity, Block] = {}
    for block in blocks:
        first.setdefault(identity(block), block)
    inserted = insert(tx, first)
    if len(inserted) == len(blocks):  # as nearly always
        return [
            Stored(inserted[named], block.answer, is_repeat=False) for named, block in first.items()
        ]
    known = _counted(tx, blocks, inserted)
    stored = []
    for block in blocks:
        new_id = inserted.pop(identity(block), None)  # the first of its kind takes it
        if new_id is None:
            stored.append(known[identity(block)])
        else:
            stored.append(Stored(new_id, block.answer, is_repeat=False))
    return stored


def claim(tx: Connection, limit: int, lanes: Collection[int] | None = None) -> list[Entry]:
    """The oldest waiting entries, of these lanes if only some are ours; PostgreSQL: locked.

    Without lanes, those that another worker holds are left out. With lanes nobody else works on
    them, and one that a repeat is just counted on is waited for, so that none overtakes it.
    Fewer than waits where they are large: the first that is over its part of CLAIMED comes alone.
    """
    most = CLAIMED // limit
    asked: dict[str, object] = {"limit": limit, "most": most}
    if lanes is None:
        rows = tx.execute(_CLAIM_ANY, asked).mappings().all()
    else:
        rows = tx.execute(_CLAIM_OURS, asked | {"lanes": list(lanes)}).mappings().all()
    within = [_entry(row) for row in takewhile(lambda row: row["size"] <= most, rows)]
    large = get(tx, rows[0]["id"]) if rows and not within else None
    return [large] if large else within


def finish(tx: Connection, ends: Sequence[End], at: datetime) -> None:
    """What became of each of these entries."""
    rows = [
        {
            "entry_id": end.entry,
            "to_state": end.state,
            "to_reason": end.reason,
            "to_outcome": end.outcome,
            "to_at": at,
        }
        for end in ends
    ]
    if rows:
        tx.execute(_FINISH, rows)


def get(tx: Connection, entry_id: int) -> Entry | None:
    """One entry with its bytes."""
    row = tx.execute(select(journal).where(journal.c.id == entry_id)).mappings().first()
    return _entry(row) if row else None


def find(tx: Connection, search: Search) -> list[EntryRow]:
    """Entries without their bytes, oldest first."""
    rows = tx.execute(_search(search)).mappings()
    return [_listed(row) for row in rows]


def backlog(tx: Connection) -> dict[str, int]:
    """How many entries wait, for us or for a person; what is finished is not counted through."""
    return {row.state: int(row.n) for row in tx.execute(_BACKLOG)}


def counts(tx: Connection) -> dict[str, int]:
    """How many entries are in each state."""
    return {row.state: int(row.n) for row in tx.execute(_COUNTS)}


_IDENTITY = tuple_(journal.c.control_id, journal.c.sender, journal.c.digest)
_KNOWN = select(
    journal.c.id, journal.c.control_id, journal.c.sender, journal.c.digest, journal.c.answer
).where(_IDENTITY.in_(bindparam("identities", expanding=True)))
_COUNT_REPEAT = (
    update(journal)
    .where(journal.c.id == bindparam("entry_id"))
    .values(repeats=journal.c.repeats + bindparam("more"))
)
# A range of states in their index's order: PostgreSQL would read through all that is finished.
# The bytes of what is large stay where they are.
_CLAIM = (
    select(
        *(column for column in journal.c if column.name != "raw"),
        case((journal.c.size <= bindparam("most"), journal.c.raw)).label("raw"),
    )
    .where(journal.c.state.between("waiting", "waiting"))
    .order_by(journal.c.state, journal.c.id)
    .limit(bindparam("limit"))
)
_CLAIM_ANY = _CLAIM.with_for_update(skip_locked=True)
_CLAIM_OURS = _CLAIM.where(journal.c.lane.in_(bindparam("lanes", expanding=True))).with_for_update()
_FINISH = (
    update(journal)
    .where(journal.c.id == bindparam("entry_id"))
    .values(
        state=bindparam("to_state"),
        reason=bindparam("to_reason"),
        outcome=bindparam("to_outcome"),
        settled_at=bindparam("to_at"),
    )
)
_COUNTS = select(journal.c.state, func.count().label("n")).group_by(journal.c.state)
_BACKLOG = _COUNTS.where(journal.c.state.in_(("waiting", "parked")))
_LISTED = [journal.c[name] for name in EntryRow.__slots__]
_AS_STORED = [name for name in EntryRow.__slots__ if not name.endswith("_at")]


def _counted(
    tx: Connection, blocks: Sequence[Block], inserted: dict[Identity, int]
) -> dict[Identity, Stored]:
    """The entries that blocks repeat, their counters raised, in id order against deadlocks."""
    more: dict[Identity, int] = {}
    for block in blocks:
        named = identity(block)
        more[named] = more.get(named, -1 if named in inserted else 0) + 1
    repeated = {named: n for named, n in more.items() if n}
    if not repeated:
        return {}
    known = tx.execute(_KNOWN, {"identities": list(repeated)}).all()
    found = {
        (row.control_id, row.sender, row.digest): Stored(row.id, bytes(row.answer), True)
        for row in known
    }
    rises = [{"entry_id": entry.id, "more": repeated[named]} for named, entry in found.items()]
    tx.execute(_COUNT_REPEAT, sorted(rises, key=lambda rise: rise["entry_id"]))
    return found


def _search(search: Search) -> Select[tuple[object, ...]]:
    query: Select[tuple[object, ...]] = select(*_LISTED).where(journal.c.id > search.after)
    query = query.order_by(journal.c.id.desc() if search.newest_first else journal.c.id)
    if search.before is not None:
        query = query.where(journal.c.id < search.before)
    if search.state is not None:
        query = query.where(journal.c.state == search.state)
    if search.since is not None:
        query = query.where(journal.c.received_at >= search.since)
    if search.control_id is not None:
        query = query.where(journal.c.control_id == search.control_id)
    return query.limit(search.limit)


def _listed(row: RowMapping) -> EntryRow:
    return _of(row, EntryRow)()


def _entry(row: RowMapping) -> Entry:
    return _of(row, Entry)(
        raw=bytes(row["raw"] or b""), head=row["head"] or "", answer=bytes(row["answer"])
    )


def _of(row: RowMapping, kind: Callable[..., _Row]) -> Callable[..., _Row]:
    """What lists show is there already."""
    settled_at = row["settled_at"]
    return partial(
        kind,
        **{name: row[name] for name in _AS_STORED},
        received_at=row["received_at"].replace(tzinfo=UTC),
        settled_at=settled_at and settled_at.replace(tzinfo=UTC),
    )
