"""Sends held after a restore: nothing leaves, except to the inbox, until a person lets it go."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import Connection, bindparam, exists, func, insert, select, update

from alerts.delivery import INBOX
from alerts.store import imports
from alerts.store.register import STANDS
from alerts.store.tables import alert as alert_table
from alerts.store.tables import gap as gap_table
from alerts.store.tables import held_centre, utc
from alerts.store.tables import hold as hold_table
from alerts.store.tables import outbox as outbox_table
from alerts.store.tables import registration as registration_table

OVERTAKEN = "overtaken by a newer version"
"""The last answer of an outbox message that is withdrawn for one."""
IS_HELD = exists().where(hold_table.c.released_at.is_(None))
"""For statements of the outbox: is a hold in force."""
_of_centre = held_centre.c.centre + "/"
IS_KEPT_FOR_ITS_REGISTER = exists().where(
    held_centre.c.released_at.is_(None),
    alert_table.c.id == outbox_table.c.alert,
    func.substr(alert_table.c.registration, 1, func.length(_of_centre)) == _of_centre,
)
"""For statements of the outbox: what rests on a register that may be older than what was agreed."""

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
# When each centre's register last changed; of imports of releases before nothing else is known.
_CHANGED = (
    select(registration_table.c.centre, func.max(registration_table.c.imported_at).label("at"))
    .where(STANDS)
    .group_by(registration_table.c.centre)
)
_KEEP_CENTRE = insert(held_centre)
_KEPT_CENTRES = (
    select(held_centre.c.centre, hold_table.c.since)
    .join(hold_table, hold_table.c.id == held_centre.c.hold)
    .where(held_centre.c.released_at.is_(None))
)
_RELEASE_CENTRE = (
    update(held_centre)
    .where(held_centre.c.centre == bindparam("which"), held_centre.c.released_at.is_(None))
    .values(
        released_at=bindparam("now"), released_by=bindparam("who"), register_of=bindparam("day")
    )
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
    .values(state="withdrawn", next_at=None, settled_at=bindparam("now"), last_answer=OVERTAKEN)
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


@dataclass(frozen=True, slots=True)
class Release:
    """Who lets sends go again, and of which day the register of a centre is that stays as it is."""

    who: str
    at: datetime
    registers: Mapping[str, date] = field(default_factory=dict)


def release(tx: Connection, asked: Release) -> tuple[str, ...] | None:
    """Let the newest of each go again, and keep who said so; None if nothing was held.

    The centres whose register was not imported since are answered, and what rests on it stays
    held, unless ``registers`` names the day of the register.
    """
    held = standing(tx)
    kept = tuple(tx.execute(_KEPT_CENTRES).all())
    if held is None and not kept:
        return None
    by = {"now": asked.at, "who": asked.who}
    imported = {row.centre: utc(row.at) for row in tx.execute(_CHANGED)}
    for centre, at in imports.imported_at(tx).items():
        imported[centre] = max(at, imported.get(centre, at))
    late = {row.centre: utc(row.since) for row in kept}
    if held is not None:
        number = tx.execute(_STANDING).one().id
        older = [centre for centre, at in imported.items() if at < held.since]
        new = [{"hold": number, "centre": centre} for centre in older if centre not in late]
        if new:
            tx.execute(_KEEP_CENTRE, new)
        late |= dict.fromkeys(older, held.since)
        tx.execute(_RELEASE, by)
        tx.execute(_OVERTAKEN, {"now": asked.at})
    for centre, since in late.items():
        if centre in asked.registers or imported.get(centre, since) > since:
            tx.execute(_RELEASE_CENTRE, by | {"which": centre, "day": asked.registers.get(centre)})
    return kept_centres(tx)


def kept_centres(tx: Connection) -> tuple[str, ...]:
    """Centres whose items stay held, since their register may be older than what was agreed."""
    return tuple(sorted(row.centre for row in tx.execute(_KEPT_CENTRES)))


def standing(tx: Connection) -> Hold | None:
    """The hold in force, None while sends go as usual."""
    row = tx.execute(_STANDING).first()
    if row is None:
        return None
    gaps = tx.execute(_GAPS, {"wanted": row.id})
    return Hold(utc(row.since), row.why, {gap.feed: utc(gap.newest_at) for gap in gaps})
