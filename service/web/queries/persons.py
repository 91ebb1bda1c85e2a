"""The people and stays behind what a viewer was told: patients, stays and carers, by scope."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, false, or_, select

from alerts.model.alert import TaskCode
from alerts.model.bodies import registration_from_text, stay_from_text
from alerts.model.register import Registration
from alerts.model.site import Site
from alerts.model.stay import Stay, StayStatus
from alerts.rules.situation import is_restricted
from alerts.store import register
from alerts.store.alerts import STANDS
from alerts.store.tables import alert, alert_version, registration, stay, utc
from mapping.fhir.systems import NHS_NUMBER, REGISTRATION, VISIT
from service.web.access import Role, Viewer
from service.web.queries.obligations import scope_of
from service.web.searches import Search, Token

_NAMES_CARER = (TaskCode.INVOLVE_CARER.value, TaskCode.REPAIR_MISSED.value)


@dataclass(frozen=True, slots=True)
class StayRow:
    """A stay with its version."""

    stay: Stay
    version: int
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class CarerRow:
    """A registration with its version."""

    registration: Registration
    version: int
    updated_at: datetime


def stay_ids(viewer: Viewer, tx: Connection, site: Site, asked: Search) -> list[str]:
    """Ids of the stays in scope that fit, in a stable order."""
    conditions = [_stays_of(viewer, site)]
    for groups in asked.tokens.values():
        conditions += [or_(false(), *(_stay_is(site, t) for t in group)) for group in groups]
    return list(tx.execute(select(stay.c.id).where(*conditions).order_by(stay.c.id)).scalars())


def stays(viewer: Viewer, tx: Connection, site: Site, ids: Iterable[str]) -> list[StayRow]:
    """These stays, as far as they are in scope, by id."""
    query = (
        select(stay.c.body, stay.c.version, stay.c.last_event_at)
        .where(_stays_of(viewer, site), stay.c.id.in_(list(ids)))
        .order_by(stay.c.id)
    )
    return [
        StayRow(stay_from_text(row.body), row.version, utc(row.last_event_at))
        for row in tx.execute(query)
    ]


def carer_keys(viewer: Viewer, tx: Connection, site: Site, asked: Search) -> list[str]:
    """Keys of the registrations in scope that fit, in a stable order."""
    conditions = [register.STANDS, _carers_of(viewer, tx, site)]
    for groups in asked.tokens.values():
        conditions += [or_(false(), *(_carer_is(t) for t in group)) for group in groups]
    query = select(registration.c.key).where(*conditions).order_by(registration.c.key)
    return list(tx.execute(query).scalars())


def carers(viewer: Viewer, tx: Connection, site: Site, keys: Iterable[str]) -> list[CarerRow]:
    """These registrations, as far as they are in scope, by key."""
    query = (
        select(registration.c.body, registration.c.version, registration.c.imported_at)
        .where(
            register.STANDS,
            _carers_of(viewer, tx, site),
            registration.c.key.in_(list(keys)),
        )
        .order_by(registration.c.key)
    )
    return [
        CarerRow(registration_from_text(row.body), row.version, utc(row.imported_at))
        for row in tx.execute(query)
    ]


def _stays_of(viewer: Viewer, site: Site) -> ColumnElement[bool]:
    """Patients who are there now, and those whom a Task of the desk is about."""
    with_task = stay.c.id.in_(
        select(alert.c.stay).where(scope_of(viewer, site), alert.c.kind == "Task")
    )
    live = [w for w in site.wards if w.live]
    match viewer.role:
        case Role.AUDITOR:
            return stay.c.hospital.is_distinct_from(site.probe_ward[0])
        case Role.WARD:
            wards = [w for w in live if f"{w.hospital}/{w.code}" in viewer.scope]
        case Role.COORDINATOR:
            wards = [w for w in live if w.hospital in viewer.scope]
        case _:
            return false()
    there = or_(
        false(),
        *(and_(stay.c.hospital.in_(site.hospitals_sent(w)), stay.c.ward == w.code) for w in wards),
    )
    return or_(and_(there, stay.c.status == StayStatus.OPEN.value), with_task)


def _stay_is(site: Site, token: Token) -> ColumnElement[bool]:
    if token.system == VISIT:
        return stay.c.visit == token.value
    if token.system in (NHS_NUMBER, site.chi_system):
        return or_(stay.c.number == token.value, stay.c.second_number == token.value)
    return false()


def _carers_of(viewer: Viewer, tx: Connection, site: Site) -> ColumnElement[bool]:
    """A centre's own register; for the hospital the carers whom its desks were asked to involve."""
    match viewer.role:
        case Role.AUDITOR:
            return registration.c.centre.in_([centre.code for centre in site.centres])
        case Role.CENTRE:
            return registration.c.centre.in_(list(viewer.scope))
        case Role.WARD | Role.COORDINATOR:
            return registration.c.key.in_(_named_carers(viewer, tx, site))
        case _:
            return false()


def _named_carers(viewer: Viewer, tx: Connection, site: Site) -> list[str]:
    """Carers whom a Task of the viewer's names as it stands: one disclosure for both."""
    query = (
        select(alert.c.registration, alert_version.c.facts, stay.c.body)
        .join(stay, stay.c.id == alert.c.stay)
        .join(alert_version, STANDS)
        .where(
            scope_of(viewer, site),
            alert.c.code.in_(_NAMES_CARER),
            alert.c.status != "cancelled",
            alert.c.registration.is_not(None),
        )
    )
    rows = tx.execute(query).all()
    return sorted({row.registration for row in rows if _names_carer(row.facts, row.body)})


def _names_carer(facts: str, body: str) -> bool:
    """What the version that stands says; of a release that kept no facts only a restriction."""
    if facts:
        return json.loads(facts).get("carer") is not None
    return not is_restricted(stay_from_text(body))


def _carer_is(token: Token) -> ColumnElement[bool]:
    if token.system == REGISTRATION:
        return registration.c.registration_id == token.value
    return false()
