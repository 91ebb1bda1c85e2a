"""What the façade finds: stored Tasks and notices, and the people and stays behind them."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Select, and_, or_, select, tuple_

from alerts.model.alert import RecipientKind
from alerts.model.stay import Stay
from alerts.store import register
from alerts.store.bodies import stay_from_text
from alerts.store.tables import alert as alert_table
from alerts.store.tables import stay as stay_table
from alerts.store.tables import utc
from mapping.fhir import people
from mapping.fhir.systems import Claims
from service.web.access import Role, Viewer
from service.web.criteria import CRITERIA, WantedWrong, instant_of, token_of
from service.web.desk import Desk

OFFERS: Mapping[str, tuple[str, ...]] = {
    "Task": (
        "_id",
        "status",
        "code",
        "owner:identifier",
        "patient:identifier",
        "encounter:identifier",
        "focus",
        "authored-on",
        "_lastUpdated",
    ),
    "Communication": (
        "_id",
        "subject:identifier",
        "recipient:identifier",
        "sent",
        "_lastUpdated",
    ),
    "Patient": ("_id", "identifier"),
    "Encounter": ("_id", "identifier"),
    "RelatedPerson": ("_id", "identifier"),
}
_KINDS = {
    Role.WARD: RecipientKind.WARD.value,
    Role.COORDINATOR: RecipientKind.COORDINATOR.value,
    Role.CENTRE: RecipientKind.CENTRE.value,
}
_SOME = 500
"""Rows looked at for one page of people or stays."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a search asks for; ``after`` is the cursor of the last one seen."""

    given: Mapping[str, str]
    count: int
    after: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """One resource as JSON; ``updated_at`` None: made for this answer, not stored."""

    body: str
    number: int
    updated_at: datetime | None
    cursor: str


def read(viewer: Viewer, tx: Connection, desk: Desk, kind: str, wanted: str) -> Found | None:
    """One resource by id, None if there is none that the viewer may see."""
    if kind not in OFFERS:
        return None
    found, _ = search(viewer, tx, desk, kind, Wanted({"_id": wanted}, 1))
    return found[0] if found else None


def search(
    viewer: Viewer, tx: Connection, desk: Desk, kind: str, wanted: Wanted
) -> tuple[list[Found], bool]:
    """A page in a stable order, and whether there is more."""
    if kind in ("Task", "Communication"):
        return _told(viewer, tx, kind, wanted)
    found = _made(viewer, tx, desk, kind)
    chosen = [f for f in found if f.cursor > wanted.after and _fits(f, wanted.given)]
    return chosen[: wanted.count], len(chosen) > wanted.count


def _told(viewer: Viewer, tx: Connection, kind: str, wanted: Wanted) -> tuple[list[Found], bool]:
    """Stored Tasks or Communications, by when they last changed."""
    scope = _scope(viewer)
    if scope is None:
        return [], False
    query: Select[tuple[object, ...]] = select(alert_table).where(alert_table.c.kind == kind, scope)
    for name, value in wanted.given.items():
        query = query.where(CRITERIA[name](value))
    if wanted.after:
        at, _, last = wanted.after.partition("~")
        key = tuple_(alert_table.c.updated_at, alert_table.c.id)
        query = query.where(key > tuple_(instant_of(at), last))
    query = query.order_by(alert_table.c.updated_at, alert_table.c.id).limit(wanted.count + 1)
    rows = tx.execute(query).all()
    found = [
        Found(r.rendered, r.version, utc(r.updated_at), f"{utc(r.updated_at).isoformat()}~{r.id}")
        for r in rows
    ]
    return found[: wanted.count], len(found) > wanted.count


def _scope(viewer: Viewer) -> ColumnElement[bool] | None:
    """Whose Tasks and notices; None: nobody's. The service's own test is never shown."""
    ours = alert_table.c.recipient.not_like("THINKCARER%")
    if viewer.role is Role.AUDITOR:
        return ours
    kind = _KINDS.get(viewer.role)
    if kind is None:
        return None
    return and_(
        ours, alert_table.c.recipient_kind == kind, alert_table.c.recipient.in_(viewer.scope)
    )


def _made(viewer: Viewer, tx: Connection, desk: Desk, kind: str) -> list[Found]:
    """Patients, stays or carers that the viewer may see, by id."""
    claims = Claims(desk.site.claim_draft_profiles, desk.site.chi_system)
    if kind == "RelatedPerson":
        bodies: Iterator[str] = _carers(viewer, tx, desk, claims)
    elif kind == "Patient":
        bodies = (people.patient(stay, claims) for stay in _stays(viewer, tx))
    else:
        nation = desk.site.nation
        bodies = (people.encounter(stay, nation, claims) for stay in _stays(viewer, tx))
    found = {json.loads(body)["id"]: body for body in bodies}
    return [Found(found[key], 1, None, key) for key in sorted(found)]


def _stays(viewer: Viewer, tx: Connection) -> Iterator[Stay]:
    """Stays on the viewer's wards or in the viewer's hospitals; a centre sees none."""
    if viewer.role is Role.AUDITOR:
        where: ColumnElement[bool] = stay_table.c.hospital != "THINKCARER"
    elif viewer.role is Role.COORDINATOR:
        where = stay_table.c.hospital.in_(viewer.scope)
    elif viewer.role is Role.WARD:
        pairs = [tuple(code.split("/", 1)) for code in viewer.scope]
        told = select(alert_table.c.stay).where(
            alert_table.c.recipient_kind == RecipientKind.WARD.value,
            alert_table.c.recipient.in_(viewer.scope),
        )
        here = tuple_(stay_table.c.hospital, stay_table.c.ward).in_(pairs)
        where = or_(here, stay_table.c.id.in_(told))
    else:
        return
    rows = tx.execute(select(stay_table.c.body).where(where).order_by(stay_table.c.id)).scalars()
    yield from map(stay_from_text, rows)


def _carers(viewer: Viewer, tx: Connection, desk: Desk, claims: Claims) -> Iterator[str]:
    """Carers of the viewer's centre, or of Tasks that the viewer may see."""
    scope = _scope(viewer)
    if scope is None:
        return
    keys = tx.execute(
        select(alert_table.c.registration)
        .where(scope, alert_table.c.registration.is_not(None))
        .distinct()
        .order_by(alert_table.c.registration)
    ).scalars()
    for key in keys:
        registration = register.get(tx, key)
        if registration is not None:
            yield people.related_person(registration, desk.now().date(), claims)


def _fits(found: Found, given: Mapping[str, str]) -> bool:
    body = json.loads(found.body)
    if "_id" in given and body["id"] != given["_id"]:
        return False
    if "identifier" not in given:
        return True
    system, value = token_of(given["identifier"])
    return any(
        i.get("value") == value and (system is None or i.get("system") == system)
        for i in body.get("identifier", [])
    )


__all__ = ["OFFERS", "Found", "Wanted", "WantedWrong", "read", "search"]
