"""Tasks and notices as they stand, with the FHIR JSON that was decided with them."""

import json
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select, update

from alerts.model.alert import Alert, RecipientKind, Task, TaskCode
from alerts.model.bodies import alert_from_text, alert_to_text
from alerts.store.tables import alert as alert_table
from alerts.store.tables import outbox as outbox_table

# Everything raised for some stays, the oldest first.
_RAISED = (
    select(alert_table.c.stay, alert_table.c.kind, alert_table.c.body)
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

# The version that stands. No lock of its own: who records holds the stay's row.
_STANDS = select(alert_table.c.version, alert_table.c.body, alert_table.c.rendered).where(
    alert_table.c.id == bindparam("alert")
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

_OF_RENDERING = frozenset({"meta", "text", "lastModified"})
"""What differs between two renderings of the same thing."""


def stays_of(tx: Connection, registration: str) -> list[str]:
    """Ids of the stays about which anything was ever raised for this registration."""
    return sorted(tx.execute(_STAYS_OF, {"registration": registration}).scalars())


def raised_for(tx: Connection, stay_ids: Collection[str]) -> dict[str, tuple[Alert, ...]]:
    """Every Task and notice of each of these stays, ended ones too, oldest first."""
    found: dict[str, tuple[Alert, ...]] = dict.fromkeys(stay_ids, ())
    for row in tx.execute(_RAISED, {"stays": list(stay_ids)}):
        found[row.stay] = (*found[row.stay], alert_from_text(row.kind, row.body))
    return found


def get(tx: Connection, alert_id: str) -> Alert | None:
    """The Task or notice of that id, None if there is none."""
    row = tx.execute(_GET, {"alert": alert_id}).first()
    return None if row is None else alert_from_text(row.kind, row.body)


def was_delivered(tx: Connection, stay_id: str, code: TaskCode) -> bool:
    """A Task of this code for this stay reached its desk."""
    return tx.execute(_DELIVERED, {"stay": stay_id, "code": code.value}).first() is not None


def record(
    tx: Connection, alert: Alert, rendered: str, entry: int | None, now: datetime
) -> int | None:
    """Keep a new or changed Task or notice; its version, or None where it says nothing new."""
    row = _row(alert, rendered) | {"entry": entry, "updated_at": now}
    stands = tx.execute(_STANDS, {"alert": alert.id}).first()
    if stands is None:
        tx.execute(_INSERT, row | {"id": alert.id, "version": 1})
        return 1
    if _says(stands.rendered) == _says(rendered):
        if stands.body != row["body"]:  # what only we keep, such as when it was seen
            tx.execute(_UPDATE, _row(alert, stands.rendered) | {"alert": alert.id})
        return None
    version = int(stands.version) + 1
    tx.execute(_UPDATE, row | {"alert": alert.id, "version": version})
    return version


def _says(rendered: str) -> dict[str, object]:
    """The rendering without what changes with the clock."""
    return {k: v for k, v in json.loads(rendered).items() if k not in _OF_RENDERING}


def _row(alert: Alert, rendered: str) -> dict[str, object]:
    kind, body = alert_to_text(alert)
    row: dict[str, object] = {
        "kind": kind,
        "stay": alert.stay,
        "registration": alert.registration,
        "recipient_kind": alert.recipient.kind.value,
        "recipient": alert.recipient.code,
        "status": alert.status.value,
        "subject": _subject(rendered),
        "focus": alert.focus if isinstance(alert, Task) else None,
        "body": body,
        "rendered": rendered,
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
