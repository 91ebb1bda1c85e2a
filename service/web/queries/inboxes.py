"""What a centre's inbox shows: its own Tasks and notices, its own register, a hospital's code."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, bindparam, or_, select

from alerts.model.alert import Notice, NoticeStatus, Task
from alerts.model.bodies import alert_from_text, registration_from_text, stay_from_text
from alerts.model.events import Answered
from alerts.model.register import Registration
from alerts.rules.situation import is_restricted
from alerts.store import register
from alerts.store.tables import alert as alert_table
from alerts.store.tables import registration as registration_table
from alerts.store.tables import stay as stay_table
from service.web.access import Role, Viewer
from service.web.queries.bedsides import OPEN

_UNSEEN = '"seen_at":null'
"""As the body of a notice says it; a Task has no such field."""

# What one centre was given: Tasks that are open and notices that nobody has seen, whatever their
# age, and of the rest what changed since a time; the oldest first.
_OF_CENTRE = (
    select(alert_table.c.kind, alert_table.c.body)
    .where(
        alert_table.c.recipient_kind == "centre",
        alert_table.c.recipient == bindparam("centre"),
        or_(
            alert_table.c.status.in_(bindparam("open", expanding=True)),
            and_(
                alert_table.c.status == NoticeStatus.COMPLETED.value,
                alert_table.c.body.contains(_UNSEEN),
            ),
            alert_table.c.updated_at >= bindparam("since"),
        ),
    )
    .order_by(alert_table.c.authored_at, alert_table.c.id)
)
# Carers by key, of one centre only: a key of another centre finds nothing.
_CARERS = select(registration_table.c.body).where(
    registration_table.c.centre == bindparam("centre"),
    registration_table.c.key.in_(bindparam("keys", expanding=True)),
    register.STANDS,
)
# Of a stay a centre's page needs the hospital's code and what the centre itself answered.
_STAYS = select(stay_table.c.id, stay_table.c.hospital, stay_table.c.body).where(
    stay_table.c.id.in_(bindparam("ids", expanding=True))
)


@dataclass(frozen=True, slots=True)
class Item:
    """One Task or notice of a centre. Nothing of the stay but the hospital's code."""

    alert: Task | Notice
    registration: Registration | None
    """None where the centre's register holds it no more."""
    hospital: str
    answers: tuple[Answered, ...]
    """What was answered to this very Task or notice, oldest first."""
    is_shut: bool = False
    """Nobody is to act on it any more; why is not the centre's to know."""


def inbox(viewer: Viewer, tx: Connection, centre: str, since: datetime) -> tuple[Item, ...]:
    """Everything open at a centre, and what of the rest is newer than a time; oldest first."""
    if not viewer.sees(Role.CENTRE, centre):
        return ()
    asked = {"centre": centre, "open": list(OPEN), "since": since}
    rows = tx.execute(_OF_CENTRE, asked)
    alerts = [alert_from_text(row.kind, row.body) for row in rows]
    keys = sorted({a.registration for a in alerts if a.registration})
    carers = _carers(tx, centre, keys)
    hospitals, answers, shut = _stays(tx, {a.stay for a in alerts})
    return tuple(
        Item(
            alert=a,
            registration=carers.get(a.registration or ""),
            hospital=hospitals.get(a.stay, ""),
            answers=tuple(answers[a.id]),
            is_shut=a.stay in shut,
        )
        for a in alerts
    )


def _carers(tx: Connection, centre: str, keys: list[str]) -> dict[str, Registration]:
    if not keys:
        return {}
    bodies = tx.execute(_CARERS, {"centre": centre, "keys": keys}).scalars()
    return {r.key: r for r in map(registration_from_text, bodies)}


def _stays(
    tx: Connection, ids: Iterable[str]
) -> tuple[dict[str, str], dict[str, list[Answered]], set[str]]:
    """Each stay's hospital, the answers by what they answer, and the stays that are shut."""
    wanted, hospitals, shut = sorted(ids), {}, set()
    answers: dict[str, list[Answered]] = defaultdict(list)
    for row in tx.execute(_STAYS, {"ids": wanted}) if wanted else ():
        hospitals[row.id] = row.hospital or ""
        stay = stay_from_text(row.body)
        for answered in stay.answers:
            answers[answered.alert].append(answered)
        if stay.died or is_restricted(stay):
            shut.add(row.id)
    return hospitals, answers, shut
