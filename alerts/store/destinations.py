"""How each receiver is: whether it takes anything now, since when not, and what waits for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, case, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from alerts.delivery import LONGEST
from alerts.store.tables import destination as destination_table
from alerts.store.tables import outbox as outbox_table
from alerts.store.tables import utc

# The row of a receiver that has failed before; without one it is well. No lock.
_FAILURES = select(destination_table.c.failures, destination_table.c.paused_until).where(
    destination_table.c.name == bindparam("destination")
)

# One of those who wait for the end of the pause takes the turn to try; the others wait on.
_TRY = (
    update(destination_table)
    .where(
        destination_table.c.name == bindparam("destination"),
        or_(
            destination_table.c.paused_until.is_(None),
            destination_table.c.paused_until <= bindparam("now"),
        ),
    )
    .values(paused_until=bindparam("until"))
)
_LEAVE = (
    update(destination_table)
    .where(destination_table.c.name == bindparam("destination"))
    .values(paused_until=bindparam("until"))
)

_KNOWN = select(destination_table.c.name).where(
    destination_table.c.name == bindparam("destination")
)
# The row of a receiver that fails for the first time; somebody else's stands.
_FIRST_TIME = {
    "sqlite": sqlite.insert(destination_table).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(destination_table).on_conflict_do_nothing(),
}
# One more failure in a row.
_FAILED = (
    update(destination_table)
    .where(destination_table.c.name == bindparam("destination"))
    .values(
        failures=destination_table.c.failures + 1,
        failing_since=func.coalesce(destination_table.c.failing_since, bindparam("now")),
        paused_until=bindparam("until"),
        why=bindparam("reason"),
    )
)
# A pause that is longer than any of ours ends now.
_HASTEN = (
    update(destination_table)
    .where(
        destination_table.c.name == bindparam("destination"),
        destination_table.c.paused_until > bindparam("latest"),
    )
    .values(paused_until=bindparam("now"))
)
_WELL = (
    update(destination_table)
    .where(destination_table.c.name == bindparam("destination"), destination_table.c.failures > 0)
    .values(failures=0, paused_until=None, failing_since=None, why="")
)

# What waits for each receiver and since when; what is finished is not counted through.
_QUEUES = (
    select(
        outbox_table.c.destination,
        func.sum(case((outbox_table.c.state == "stuck", 0), else_=1)).label("waiting"),
        func.sum(case((outbox_table.c.state == "stuck", 1), else_=0)).label("stuck"),
        func.min(
            case((outbox_table.c.state == "stuck", None), else_=outbox_table.c.created_at)
        ).label("oldest_at"),
    )
    .where(outbox_table.c.state.in_(("waiting", "sending", "stuck")))
    .group_by(outbox_table.c.destination)
)
_ILL = select(destination_table).where(destination_table.c.failures > 0)


@dataclass(frozen=True, slots=True)
class Queue:
    """One receiver: what waits for it, and since when it takes nothing."""

    destination: str
    waiting: int = 0
    stuck: int = 0
    oldest_at: datetime | None = None
    failing_since: datetime | None = None
    paused_until: datetime | None = None
    why: str = ""


def take_turn(tx: Connection, destination: str, now: datetime, until: datetime) -> bool:
    """May something be carried there now; after a pause only one tries, and holds it ``until``."""
    known = tx.execute(_FAILURES, {"destination": destination}).first()
    if known is None or known.failures == 0:
        return True
    turn = {"destination": destination, "now": now, "until": until}
    return tx.execute(_TRY, turn).rowcount == 1


def give_back_turn(tx: Connection, destination: str, now: datetime) -> None:
    """There was nothing to try with: the next may."""
    tx.execute(_LEAVE, {"destination": destination, "until": now})


def failures(tx: Connection, destination: str) -> int:
    """How often in a row it was unavailable."""
    known = tx.execute(_FAILURES, {"destination": destination}).first()
    return 0 if known is None else int(known.failures)


def failed(tx: Connection, destination: str, why: str, now: datetime, until: datetime) -> None:
    """It was unavailable once more: leave it alone until then."""
    key = {"destination": destination}
    if tx.execute(_KNOWN, key).first() is None:
        tx.execute(_FIRST_TIME[tx.dialect.name], {"name": destination, "failures": 0, "why": ""})
    tx.execute(_FAILED, key | {"now": now, "until": until, "reason": why})


def answered(tx: Connection, destination: str) -> None:
    """It answered: whatever was the matter is over."""
    tx.execute(_WELL, {"destination": destination})


def hasten(tx: Connection, destination: str, now: datetime) -> None:
    """End a pause that is longer than any of ours."""
    asked = {"destination": destination, "latest": now + LONGEST, "now": now}
    tx.execute(_HASTEN, asked)


def queues(tx: Connection, known: Sequence[str] = ()) -> list[Queue]:
    """Every receiver that is known, that something waits for, or that fails; by name."""
    waiting = {row.destination: row for row in tx.execute(_QUEUES)}
    ill = {row.name: row for row in tx.execute(_ILL)}
    found = []
    for name in sorted({*known, *waiting, *ill}):
        queue, state = waiting.get(name), ill.get(name)
        found.append(
            Queue(
                destination=name,
                waiting=int(queue.waiting) if queue else 0,
                stuck=int(queue.stuck) if queue else 0,
                oldest_at=utc(queue.oldest_at) if queue else None,
                failing_since=utc(state.failing_since) if state else None,
                paused_until=utc(state.paused_until) if state else None,
                why=str(state.why) if state else "",
            )
        )
    return found
