"""What a coordinator is asked about doubtful matches of one hospital, and what was answered."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, select

from alerts.model.alert import MatchDecision, Task, TaskCode
from alerts.model.bodies import registration_from_text, stay_from_text
from alerts.model.register import Registration
from alerts.model.site import Site
from alerts.model.stay import Stay
from alerts.rules.situation import whereabouts
from alerts.store import register
from alerts.store.tables import registration as registration_table
from alerts.store.tables import stay as stay_table
from service.web.access import Role, Viewer

_REGISTRATIONS = select(registration_table.c.body).where(
    registration_table.c.key.in_(bindparam("keys", expanding=True)), register.STANDS
)
# Stays by id, in no order.
_STAYS = select(stay_table.c.body).where(stay_table.c.id.in_(bindparam("ids", expanding=True)))


class AnsweredMatch(NamedTuple):
    """An answer that stands, and the stay that it was about."""

    answer: MatchDecision
    stay: Stay


def asked_about(viewer: Viewer, tx: Connection, tasks: Iterable[Task]) -> dict[str, Registration]:
    """The register's side of each confirm-match Task that is the viewer's to answer, by key."""
    keys = {
        task.registration
        for task in tasks
        if task.code is TaskCode.CONFIRM_MATCH
        and task.registration
        and viewer.sees(Role.COORDINATOR, task.recipient.code)
    }
    if not keys:
        return {}
    bodies = tx.execute(_REGISTRATIONS, {"keys": sorted(keys)}).scalars()
    return {r.key: r for r in map(registration_from_text, bodies)}


def answered_since(
    viewer: Viewer, tx: Connection, desk: tuple[Site, str], since: datetime
) -> tuple[AnsweredMatch, ...]:
    """What was answered about patients of one hospital (``desk``: the site and its code) and was
    not taken back, the newest first."""
    site, hospital = desk
    if not viewer.sees(Role.COORDINATOR, hospital):
        return ()
    answers = [a for a in register.decided_since(tx, since) if a.taken_back_at is None and a.stay]
    ids = sorted({a.stay for a in answers})
    bodies = tx.execute(_STAYS, {"ids": ids}).scalars() if ids else ()
    stays = {stay.id: stay for stay in map(stay_from_text, bodies)}
    found = (AnsweredMatch(a, stays[a.stay]) for a in answers if a.stay in stays)
    return tuple(f for f in found if whereabouts(site, f.stay.place).coordinator.code == hospital)
