"""Sends held after a restore: nothing leaves, except to the inbox, until a person lets it go."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, exists, insert, select, update

from alerts.delivery import INBOX
from alerts.store.tables import gap as gap_table
from alerts.store.tables import hold as hold_table
from alerts.store.tables import outbox as outbox_table
from alerts.store.tables import utc

IS_HELD = exists().where(hold_table.c.released_at.is_(None))
"""For statements of the outbox: is a hold in force."""

_STANDING = (
    select(hold_table)
    .where(hold_table.c.released_at.is_(None))
    .order_by(hold_table.c.id.desc())
    .limit(1)
)
_GAPS = (
    select(gap_table.c.feed, gap_table.c.newest_at)
    .where(gap_table.c.hold == bindparam("wanted"))
    .order_by(gap_table.c.feed)
)
_HOLD = insert(hold_table)
_GAP = insert(gap_table)
_RELEASE = (
    update(hold_table)
    .where(hold_table.c.released_at.is_(None))
    .values(released_at=bindparam("now"), released_by=bindparam("who"))
)
# What waits may have been sent after the backup was made: from now on it is not silently taken
# back, and what undoes it is sent too.
_DOUBT = (
    update(outbox_table)
    .where(
        outbox_table.c.state.in_(("waiting", "sending", "stuck")),
        outbox_table.c.destination != INBOX,
    )
    .values(in_doubt=True)
)
_later = outbox_table.alias("later")
# Of an alert that changed while sends were held only the last version goes: one before it may
# undo at the receiver what was sent before the restore.
_OVERTAKEN = (
    update(outbox_table)
    .where(
        outbox_table.c.state == "waiting",
        outbox_table.c.destination != INBOX,
        exists().where(
            _later.c.alert == outbox_table.c.alert,
            _later.c.destination == outbox_table.c.destination,
            _later.c.version > outbox_table.c.version,
            _later.c.state == "waiting",
        ),
    )
    .values(state="withdrawn", next_at=None, settled_at=bindparam("now"))
)


@dataclass(frozen=True, slots=True)
class Hold:
    """Since when nothing leaves and why; for each feed when its newest known message came."""

    since: datetime
    why: str
    newest: Mapping[str, datetime]


def hold(tx: Connection, why: str, newest: Mapping[str, datetime], now: datetime) -> Hold:
    """Let nothing leave from now on; a hold that stands already is told again instead."""
    known = standing(tx)
    if known is not None:
        return known
    made = tx.execute(_HOLD, {"since": now, "why": why}).inserted_primary_key
    number = made[0] if made else None
    if newest:
        rows = [{"hold": number, "feed": f, "newest_at": at} for f, at in sorted(newest.items())]
        tx.execute(_GAP, rows)
    tx.execute(_DOUBT)
    return Hold(now, why, newest)


def release(tx: Connection, who: str, now: datetime) -> bool:
    """Let the newest of each go again, and keep who said so; False if nothing was held."""
    if tx.execute(_RELEASE, {"now": now, "who": who}).rowcount == 0:
        return False
    tx.execute(_OVERTAKEN, {"now": now})
    return True


def standing(tx: Connection) -> Hold | None:
    """The hold in force, None while sends go as usual."""
    row = tx.execute(_STANDING).first()
    if row is None:
        return None
    gaps = tx.execute(_GAPS, {"wanted": row.id})
    return Hold(utc(row.since), row.why, {gap.feed: utc(gap.newest_at) for gap in gaps})
