"""The registrations that a coordinator is asked about: doubtful matches of one hospital."""

from collections.abc import Iterable

from sqlalchemy import Connection, bindparam, select

from alerts.model.alert import Task, TaskCode
from alerts.model.bodies import registration_from_text
from alerts.model.register import Registration
from alerts.store.tables import registration as registration_table
from service.web.access import Role, Viewer

_REGISTRATIONS = select(registration_table.c.body).where(
    registration_table.c.key.in_(bindparam("keys", expanding=True))
)


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
