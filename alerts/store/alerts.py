"""Tasks and notices as they stand, and every version of them that a reader was told."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, bindparam, insert, select, update

from alerts.model.alert import Alert, RecipientKind, Task, TaskCode
from alerts.model.bodies import alert_from_text, alert_to_text
from alerts.store.tables import alert as alert_table
from alerts.store.tables import alert_version, utc
from alerts.store.tables import outbox as outbox_table
from alerts.telling import Cause, Held

STANDS = and_(
    alert_version.c.alert == alert_table.c.id, alert_version.c.version == alert_table.c.version
)
"""For statements that join both tables: the version that stands."""

# Everything raised for some stays with the facts that its reader holds, the oldest first.
_RAISED = (
    select(
        alert_table.c.stay,
        alert_table.c.kind,
        alert_table.c.body,
        alert_table.c.version,
        alert_version.c.facts,
    )
    .join(alert_version, STANDS)
    .where(alert_table.c.stay.in_(bindparam("stays", expanding=True)))
    .order_by(alert_table.c.authored_at, alert_table.c.id)
)

# Everything for one desk, the oldest first.
_FOR_DESK = (
    select(alert_table.c.kind, alert_table.c.body)
    .where(
        alert_table.c.recipient_kind == bindparam("kind"),
        alert_table.c.recipient == bindparam("code"),
    )
    .order_by(alert_table.c.authored_at, alert_table.c.id)
)

_GET = select(alert_table.c.kind, alert_table.c.body).where(alert_table.c.id == bindparam("alert"))

_RENDERED = select(alert_version.c.rendered).where(
    alert_version.c.alert == bindparam("alert"), alert_version.c.version == bindparam("version")
)
_VERSIONS = (
    select(alert_version)
    .where(alert_version.c.alert == bindparam("alert"))
    .order_by(alert_version.c.version)
)

# Has a Task of this code for this stay reached its desk?
_DELIVERED = (
    select(alert_table.c.id)
    .join(outbox_table, outbox_table.c.alert == alert_table.c.id)
    .where(
        alert_table.c.stay == bindparam("stay"),
        alert_table.c.code == bindparam("code"),
        outbox_table.c.state == "sent",
    )
    .limit(1)
)

# Stays about which anything was ever raised for one registration, in no order.
_STAYS_OF = (
    select(alert_table.c.stay)
    .where(alert_table.c.registration == bindparam("registration"))
    .distinct()
)

_INSERT = insert(alert_table)
_UPDATE = update(alert_table).where(alert_table.c.id == bindparam("alert"))
# Only ever adds.
_KEEP = insert(alert_version)
_ADOPT = (
    update(alert_version)
    .where(
        alert_version.c.alert == bindparam("wanted"),
        alert_version.c.version == bindparam("standing"),
    )
    .values(facts=bindparam("found"))
)


def stays_of(tx: Connection, registration: str) -> list[str]:
    """Ids of the stays about which anything was ever raised for this registration."""
    return sorted(tx.execute(_STAYS_OF, {"registration": registration}).scalars())


@dataclass(frozen=True, slots=True)
class Version:
    """One version as its reader was told it: what it discloses, and who or what made it."""

    version: int
    facts: str
    rendered: str
    cause: Cause
    at: datetime
    by: str | None = None
    entry: int | None = None


def raised_for(tx: Connection, stay_ids: Collection[str]) -> dict[str, tuple[Held, ...]]:
    """Every Task and notice of each of these stays, ended ones too, oldest first."""
    found: dict[str, tuple[Held, ...]] = dict.fromkeys(stay_ids, ())
    for row in tx.execute(_RAISED, {"stays": list(stay_ids)}):
        held = Held(alert_from_text(row.kind, row.body), row.version, row.facts)
        found[row.stay] = (*found[row.stay], held)
    return found


def get(tx: Connection, alert_id: str) -> Alert | None:
    """The Task or notice of that id, None if there is none."""
    row = tx.execute(_GET, {"alert": alert_id}).first()
    return None if row is None else alert_from_text(row.kind, row.body)


def was_delivered(tx: Connection, stay_id: str, code: TaskCode) -> bool:
    """A Task of this code for this stay reached its desk."""
    return tx.execute(_DELIVERED, {"stay": stay_id, "code": code.value}).first() is not None


def record(tx: Connection, told: Sequence[tuple[Alert, Version]]) -> None:
    """Keep new and changed alerts, each with the version that its reader is told."""
    new = [_told_row(a, v) | {"id": a.id} for a, v in told if v.version == 1]
    changed = [_told_row(a, v) | {"alert": a.id} for a, v in told if v.version > 1]
    if new:
        tx.execute(_INSERT, new)
    if changed:
        tx.execute(_UPDATE, changed)
    if told:
        tx.execute(_KEEP, [_version_row(alert, version) for alert, version in told])


def note(tx: Connection, alert: Alert) -> None:
    """Keep what only we know of it, such as when it was seen: its reader is told nothing anew."""
    tx.execute(_UPDATE, _row(alert) | {"alert": alert.id})


def adopt(tx: Connection, held: Held, facts: str) -> None:
    """Keep the facts of a version that a release before made and did not keep them of."""
    tx.execute(_ADOPT, {"wanted": held.alert.id, "standing": held.version, "found": facts})


def rendered(tx: Connection, alert_id: str, version: int) -> str | None:
    """The FHIR JSON of one version, None if there is none."""
    found: str | None = tx.execute(_RENDERED, {"alert": alert_id, "version": version}).scalar()
    return found


def versions(tx: Connection, alert_id: str) -> tuple[Version, ...]:
    """Every version of it, the oldest first."""
    return tuple(
        Version(
            version=row.version,
            facts=row.facts,
            rendered=row.rendered,
            cause=Cause(row.cause),
            at=utc(row.at),
            by=row.by,
            entry=row.entry,
        )
        for row in tx.execute(_VERSIONS, {"alert": alert_id})
    )


def _told_row(alert: Alert, told: Version) -> dict[str, object]:
    return _row(alert) | {
        "version": told.version,
        "subject": _subject(told.rendered),
        "entry": told.entry,
        "updated_at": told.at,
    }


def _version_row(alert: Alert, told: Version) -> dict[str, object]:
    return {
        "alert": alert.id,
        "version": told.version,
        "facts": told.facts,
        "rendered": told.rendered,
        "cause": told.cause.value,
        "by": told.by,
        "at": told.at,
        "entry": told.entry,
    }


def _row(alert: Alert) -> dict[str, object]:
    kind, body = alert_to_text(alert)
    row: dict[str, object] = {
        "kind": kind,
        "stay": alert.stay,
        "registration": alert.registration,
        "recipient_kind": alert.recipient.kind.value,
        "recipient": alert.recipient.code,
        "status": alert.status.value,
        "focus": alert.focus if isinstance(alert, Task) else None,
        "body": body,
    }
    if isinstance(alert, Task):
        state = alert.state.value if alert.state else None
        dates = {"authored_at": alert.authored_at, "due_at": alert.due_at}
        return row | dates | {"code": alert.code.value, "state": state}
    return row | {
        "code": alert.event.value,
        "state": None,
        "authored_at": alert.decided_at,
        "due_at": None,
    }


def _subject(rendered: str) -> str:
    """``system|value`` of whom the resource itself names, empty where it names nobody."""
    body = json.loads(rendered)
    named = (body.get("for") or body.get("subject") or {}).get("identifier") or {}
    return f"{named.get('system', '')}|{named.get('value', '')}" if named else ""


def for_desk(tx: Connection, kind: RecipientKind, code: str) -> tuple[Alert, ...]:
    """Everything that one desk was told, oldest first."""
    rows = tx.execute(_FOR_DESK, {"kind": kind.value, "code": code})
    return tuple(alert_from_text(row.kind, row.body) for row in rows)
