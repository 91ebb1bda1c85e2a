"""Stays that somebody asked to have decided again, and why."""

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    ColumnElement,
    Connection,
    Insert,
    Select,
    and_,
    bindparam,
    delete,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from alerts.model.alert import OPEN_STATUSES
from alerts.model.stay import StayStatus
from alerts.store.tables import alert as alert_table
from alerts.store.tables import decide_request
from alerts.store.tables import outbox as outbox_table
from alerts.store.tables import stay as stay_table


class Why(StrEnum):
    """What changed, so that a stay is decided again."""

    REGISTER = "register"
    AGREEMENT = "agreement"
    MATCH = "match-decision"
    SITE = "site"


_ASKED = ("stay", "why", "asked_at", "due_at")

# The oldest first; what another worker is just deciding is left to it.
_DUE = (
    select(decide_request.c.stay)
    .where(decide_request.c.due_at <= bindparam("now"))
    .order_by(decide_request.c.due_at, decide_request.c.stay)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True)
)
_DONE = delete(decide_request).where(decide_request.c.stay.in_(bindparam("stays", expanding=True)))
_POSTPONE = (
    update(decide_request)
    .where(decide_request.c.stay == bindparam("wanted"))
    .values(due_at=bindparam("until"))
)
_WAITING = select(func.count()).select_from(decide_request)
_LATER = select(func.count()).select_from(stay_table).where(stay_table.c.wake_at > bindparam("now"))

# Who is there, and who holds or is just being sent something that is not over.
_TOUCHED_BY_THE_SITE = or_(
    stay_table.c.status == StayStatus.OPEN.value,
    stay_table.c.id.in_(
        select(outbox_table.c.stay).where(outbox_table.c.state.in_(("waiting", "sending", "stuck")))
    ),
    stay_table.c.id.in_(
        select(alert_table.c.stay).where(
            and_(
                alert_table.c.kind == "Task",
                alert_table.c.status.in_([status.value for status in OPEN_STATUSES]),
            )
        )
    ),
)


def request(tx: Connection, stays: Sequence[str], why: Why, at: datetime) -> None:
    """Have these decided again soon; one that is asked for already is asked for once."""
    if stays:
        rows = [
            {"stay": stay, "why": why.value, "asked_at": at, "due_at": at} for stay in sorted(stays)
        ]
        tx.execute(_asking(tx), rows)


def request_for_the_site(tx: Connection, at: datetime) -> int:
    """Have decided again whatever another site file may change; how many."""
    chosen = select(stay_table.c.id, literal(Why.SITE.value), literal(at), literal(at)).where(
        _TOUCHED_BY_THE_SITE
    )
    return _asked_from(tx, chosen)


def due(tx: Connection, now: datetime, limit: int) -> list[str]:
    """Stays to decide now, oldest first, locked until the transaction ends."""
    return list(tx.execute(_DUE, {"now": now, "limit": limit}).scalars())


def settle(tx: Connection, stays: Collection[str]) -> None:
    """These were decided."""
    tx.execute(_DONE, {"stays": sorted(stays)})


def postpone(tx: Connection, stay: str, until: datetime) -> None:
    """A bug met this one: not before then, so that it keeps nothing else waiting."""
    tx.execute(_POSTPONE, {"wanted": stay, "until": until})


def waiting(tx: Connection) -> int:
    """How many are asked for and not yet decided."""
    return int(tx.execute(_WAITING).scalar_one())


def is_any_due(tx: Connection, now: datetime) -> bool:
    """Is there one to decide now."""
    return _count(tx, decide_request.c.due_at <= now) > 0


def due_count(tx: Connection, now: datetime, why: Why) -> int:
    """How many are due for this reason."""
    asked = and_(decide_request.c.due_at <= now, decide_request.c.why == why.value)
    return _count(tx, asked)


def later(tx: Connection, now: datetime) -> int:
    """How many stays settle or sleep: a clock will ask about them."""
    return int(tx.execute(_LATER, {"now": now}).scalar_one())


def _count(tx: Connection, asked: ColumnElement[bool]) -> int:
    chosen = select(func.count()).select_from(decide_request).where(asked)
    return int(tx.execute(chosen).scalar_one())


def _asking(tx: Connection) -> Insert:
    """Asked for anew it is due at once, whatever was put off before."""
    if tx.dialect.name == "postgresql":
        there = postgresql.insert(decide_request)
        return there.on_conflict_do_update(
            index_elements=["stay"],
            set_={"why": there.excluded.why, "due_at": there.excluded.due_at},
        )
    here = sqlite.insert(decide_request)
    return here.on_conflict_do_update(
        index_elements=["stay"], set_={"why": here.excluded.why, "due_at": here.excluded.due_at}
    )


def _asked_from(tx: Connection, chosen: Select[tuple[str, str, datetime, datetime]]) -> int:
    if tx.dialect.name == "postgresql":
        there = postgresql.insert(decide_request).from_select(_ASKED, chosen)
        return tx.execute(there.on_conflict_do_nothing()).rowcount
    here = sqlite.insert(decide_request).from_select(_ASKED, chosen)
    return tx.execute(here.on_conflict_do_nothing()).rowcount
