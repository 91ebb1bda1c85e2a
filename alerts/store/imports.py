"""A register file on its way in: rows that nobody sees yet, one moment that shows them all."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    tuple_,
    update,
)

from alerts.model.bodies import registration_from_text
from alerts.model.register import Registration
from alerts.store.register import STANDS, Imported, row_of
from alerts.store.tables import decided_from, register_import, utc
from alerts.store.tables import registration as registration_table

SILENT_FOR = timedelta(minutes=1)
"""After that who takes a file in is gone, and what it brought is undone."""

_Row: TypeAlias = dict[str, object]


class State(StrEnum):
    """How far an import is."""

    TAKING = "taking"
    UNDOING = "undoing"
    UNDONE = "undone"
    ASKING = "asking"
    CLEARING = "clearing"
    DONE = "done"


class Overtaken(Exception):
    """The import was given up meanwhile, because nothing was heard of it for too long."""


@dataclass(frozen=True, slots=True)
class Import:
    """One import: its id is the generation that it brings."""

    id: int
    state: State
    position: str = ""


_ENDS = (State.DONE.value, State.UNDONE.value)
_VISIBLE = (State.ASKING.value, State.CLEARING.value, State.DONE.value)
# One at a time takes a file in, so that what one brings is compared with what another showed.
_UNENDED = (
    select(register_import)
    .where(register_import.c.state.not_in(_ENDS))
    .order_by(register_import.c.id)
)
_NEXT = _UNENDED.where(
    or_(
        register_import.c.state != State.TAKING.value,
        register_import.c.beat_at < bindparam("silent_since"),
    )
).limit(1)
_NEXT_LOCKED = _NEXT.with_for_update(skip_locked=True)
_ONE_ROW = select(decided_from.c.generation).where(decided_from.c.id == 1).with_for_update()
_NEWEST = select(func.coalesce(func.max(register_import.c.id), 0))
_BEGIN = insert(register_import)
_MINE = (
    select(register_import.c.state)
    .where(register_import.c.id == bindparam("wanted"))
    .with_for_update()
)
_MOVE = update(register_import).where(register_import.c.id == bindparam("wanted"))
_ABANDON = (
    update(register_import)
    .where(register_import.c.state == State.TAKING.value)
    .values(state=State.UNDOING.value)
)
_SHOWN = (
    select(register_import.c.centres, register_import.c.beat_at)
    .where(register_import.c.state.in_(_VISIBLE))
    .order_by(register_import.c.beat_at)
)
_SHOW = update(decided_from).where(decided_from.c.id == 1)

_KNOWN = select(
    registration_table.c.key,
    registration_table.c.body,
    registration_table.c.version,
    registration_table.c.from_generation,
).where(registration_table.c.key.in_(bindparam("wanted", expanding=True)), STANDS)
_BRING = insert(registration_table)
_REPLACE = (
    update(registration_table)
    .where(
        registration_table.c.key == bindparam("wanted"),
        registration_table.c.from_generation == bindparam("before"),
    )
    .values(until_generation=bindparam("after"))
)

# The rows that an import brought, in the order of their keys as the database sorts them, and those
# that they replace: each of these has the key of one that was brought.
_BROUGHT = (
    select(registration_table.c.key, registration_table.c.body)
    .where(
        registration_table.c.from_generation == bindparam("generation"),
        registration_table.c.key > bindparam("position"),
    )
    .order_by(registration_table.c.key)
    .limit(bindparam("limit"))
)
_REPLACED = select(registration_table.c.body).where(
    registration_table.c.until_generation == bindparam("generation"),
    registration_table.c.key.in_(bindparam("wanted", expanding=True)),
)
_both = (registration_table.c.key, registration_table.c.from_generation)


def _some(chosen: ColumnElement[bool]) -> Select[str, int]:
    return select(*_both).where(chosen).limit(bindparam("limit"))


_UNBRING = delete(registration_table).where(
    tuple_(*_both).in_(_some(registration_table.c.from_generation == bindparam("generation")))
)
_UNREPLACE = (
    update(registration_table)
    .where(
        tuple_(*_both).in_(_some(registration_table.c.until_generation == bindparam("generation")))
    )
    .values(until_generation=None)
)
# Nobody sees these any more.
_CLEAR = delete(registration_table).where(
    tuple_(*_both).in_(
        _some(
            and_(
                registration_table.c.until_generation.is_not(None),
                registration_table.c.until_generation <= bindparam("generation"),
            )
        )
    )
)


def begin(tx: Connection, at: datetime) -> Import | None:
    """Begin one; None while another is under way."""
    shown = int(tx.execute(_ONE_ROW).scalar_one())
    busy = [State(row.state) for row in tx.execute(_UNENDED)]
    if State.TAKING in busy or State.UNDOING in busy:
        return None
    number = max(int(tx.execute(_NEWEST).scalar_one()), shown) + 1
    row = {"id": number, "state": State.TAKING.value, "began_at": at, "beat_at": at}
    tx.execute(_BEGIN, row | {"position": "", "centres": ""})
    return Import(number, State.TAKING)


def bring(tx: Connection, known: Import, rows: Sequence[Registration], at: datetime) -> Imported:
    """Bring some rows of the file, which nobody sees yet."""
    _still(tx, known)
    tx.execute(_MOVE.values(beat_at=at), {"wanted": known.id})
    there = {row.key: row for row in tx.execute(_KNOWN, {"wanted": [r.key for r in rows]})}
    bodies = {key: registration_from_text(row.body) for key, row in there.items()}
    versions = {key: row.version for key, row in there.items()}
    news = [r for r in rows if bodies.get(r.key) != r]
    changed = [r for r in news if r.key in there]
    if changed:
        replaced = [
            {"wanted": r.key, "before": there[r.key].from_generation, "after": known.id}
            for r in changed
        ]
        tx.execute(_REPLACE, replaced)
    if news:
        tx.execute(_BRING, [_brought(r, at, known, versions.get(r.key, 0) + 1) for r in news])
    return Imported(len(news) - len(changed), len(changed), len(rows) - len(news))


def show(tx: Connection, known: Import, centres: Collection[str], at: datetime) -> None:
    """From the end of this transaction on everybody sees all of it; these centres' rows it has."""
    _still(tx, known)
    tx.execute(_SHOW.values(generation=known.id))
    shown = {"state": State.ASKING.value, "beat_at": at, "centres": "\n".join(sorted(centres))}
    tx.execute(_MOVE.values(shown), {"wanted": known.id})


def imported_at(tx: Connection) -> dict[str, datetime]:
    """When a file with rows of each centre was last shown, whether it changed any or none."""
    found: dict[str, datetime] = {}
    for row in tx.execute(_SHOWN):
        for centre in row.centres.splitlines():
            found[centre] = utc(row.beat_at)
    return found


def give_up(tx: Connection, known: Import) -> None:
    """What it brought is to be undone; nobody has seen it."""
    if tx.execute(_MINE, {"wanted": known.id}).scalar_one() == State.TAKING.value:
        tx.execute(_MOVE.values(state=State.UNDOING.value), {"wanted": known.id})


def abandon(tx: Connection) -> int:
    """Give up whatever is being taken in; only for who knows that nobody else is there."""
    return tx.execute(_ABANDON).rowcount


def is_any(tx: Connection, now: datetime) -> bool:
    """Is there an import that anybody may go on with."""
    return tx.execute(_NEXT, {"silent_since": now - SILENT_FOR}).first() is not None


def take_next(tx: Connection, now: datetime) -> Import | None:
    """An import to go on with, locked; one that fell silent is to be undone."""
    row = tx.execute(_NEXT_LOCKED, {"silent_since": now - SILENT_FOR}).first()
    if row is None:
        return None
    state = State(row.state)
    return Import(row.id, State.UNDOING if state is State.TAKING else state, row.position)


def concerned_next(tx: Connection, known: Import, limit: int) -> list[Registration]:
    """The next registrations that it brought, the last of them last, after those they replace."""
    asked = {"generation": known.id, "position": known.position, "limit": limit}
    brought = tx.execute(_BROUGHT, asked).all()
    wanted = {"generation": known.id, "wanted": [row.key for row in brought]}
    replaced = tx.execute(_REPLACED, wanted).all() if brought else []
    return [registration_from_text(row.body) for row in (*replaced, *brought)]


def move(tx: Connection, known: Import, state: State, position: str = "") -> None:
    """So far it is."""
    tx.execute(_MOVE.values(state=state.value, position=position), {"wanted": known.id})


def undo_some(tx: Connection, known: Import, limit: int) -> bool:
    """Take back some of what it brought; is there more."""
    asked = {"generation": known.id, "limit": limit}
    return any(tx.execute(each, asked).rowcount for each in (_UNBRING, _UNREPLACE))


def clear_some(tx: Connection, known: Import, limit: int) -> bool:
    """Delete some of what nobody sees any more; is there more."""
    return tx.execute(_CLEAR, {"generation": known.id, "limit": limit}).rowcount > 0


def state_of(tx: Connection, known: Import) -> State:
    """How far it is."""
    return State(tx.execute(_MINE, {"wanted": known.id}).scalar_one())


def slices(rows: Iterator[Registration], size: int) -> Iterator[list[Registration]]:
    """So many at a time, however many there are."""
    some: list[Registration] = []
    for row in rows:
        some.append(row)
        if len(some) == size:
            yield some
            some = []
    if some:
        yield some


def _still(tx: Connection, known: Import) -> None:
    if tx.execute(_MINE, {"wanted": known.id}).scalar_one() != State.TAKING.value:
        raise Overtaken(Overtaken.__doc__)


def _brought(registration: Registration, at: datetime, known: Import, version: int) -> _Row:
    return row_of(registration, at) | {
        "key": registration.key,
        "version": version,
        "from_generation": known.id,
    }
