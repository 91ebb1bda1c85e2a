"""Tasks and notices as the façade reads them: the JSON that was sent, within the viewer's scope."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    DateTime,
    and_,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    tuple_,
)

from alerts.model.alert import RecipientKind
from alerts.model.site import Site
from alerts.store.alerts import STANDS
from alerts.store.tables import alert, alert_version, stay, utc
from mapping.fhir.answers import Version
from mapping.fhir.systems import (
    BASE,
    CARER_EVENT,
    CARER_TASK,
    NHS_NUMBER,
    VISIT,
    WARD,
)
from service.web.access import Role, Viewer
from service.web.searches import Moment, Search, SearchInvalid, Token

_Instant = DateTime(timezone=True)
_DESKS = {
    WARD: RecipientKind.WARD,
    f"{BASE}Id/hospital": RecipientKind.COORDINATOR,
    f"{BASE}Id/centre": RecipientKind.CENTRE,
}
_CODES = {"Task": CARER_TASK, "Communication": CARER_EVENT}
_COLUMNS = (
    alert.c.id,
    alert_version.c.rendered,
    alert.c.version,
    alert.c.updated_at,
    alert.c.authored_at,
)
_CENTRE = RecipientKind.CENTRE.value


@dataclass(frozen=True, slots=True)
class Found:
    """One page of results."""

    versions: tuple[Version, ...]
    total: int
    after: str
    """Where the next page begins; empty where this is the last."""


def one(viewer: Viewer, tx: Connection, site: Site, kind: str, alert_id: str) -> Version | None:
    """The Task or Communication of that id, None where it is none of the viewer's."""
    # One row at most: the id is the primary key, the scope only narrows.
    query = (
        select(*_COLUMNS)
        .join(alert_version, STANDS)
        .where(alert.c.kind == kind, alert.c.id == alert_id, scope_of(viewer, site))
    )
    row = tx.execute(query).first()
    return None if row is None else Version(row.rendered, row.version, utc(row.updated_at))


def search(viewer: Viewer, tx: Connection, site: Site, kind: str, asked: Search) -> Found:
    """One page, the oldest first and then by id: an order that no change of a resource moves."""
    conditions = [alert.c.kind == kind, scope_of(viewer, site)]
    for name, groups in asked.tokens.items():
        conditions += [or_(*(_token(site, kind, name, t) for t in group)) for group in groups]
    for name, moments in asked.moments.items():
        column = alert.c.updated_at if name == "_lastUpdated" else alert.c.authored_at
        conditions += [_within(column, moment) for moment in moments]
    query = select(*_COLUMNS).join(alert_version, STANDS).where(*conditions)
    total = tx.execute(select(func.count()).select_from(alert).where(*conditions)).scalar_one()
    if asked.after:
        query = query.where(_later_than(asked.after))
    query = query.order_by(alert.c.authored_at, alert.c.id).limit(asked.count + 1)
    rows = tx.execute(query).all()
    page = rows[: asked.count]
    more = len(rows) > asked.count
    return Found(
        versions=tuple(Version(r.rendered, r.version, utc(r.updated_at)) for r in page),
        total=total,
        after=f"{utc(page[-1].authored_at).isoformat()}~{page[-1].id}" if more else "",
    )


def scope_of(viewer: Viewer, site: Site) -> ColumnElement[bool]:
    """Which Tasks and notices the viewer may read; a coordinator also those of their wards.

    What the probe leaves behind is nobody's, not even an auditor's: it is about no person.
    """
    codes = list(viewer.scope)
    desk = (alert.c.recipient_kind == viewer.role.value, alert.c.recipient.in_(codes))
    match viewer.role:
        case Role.AUDITOR:
            hospital, ward = site.probe_ward
            return alert.c.recipient.not_in((hospital, f"{hospital}/{ward}"))
        case Role.WARD | Role.CENTRE:
            return and_(*desk)
        case Role.COORDINATOR:
            wards = [alert.c.recipient.startswith(f"{code}/", autoescape=True) for code in codes]
            return or_(and_(*desk), and_(alert.c.recipient_kind == "ward", or_(false(), *wards)))
        case _:
            return false()


def _token(site: Site, kind: str, name: str, token: Token) -> ColumnElement[bool]:
    match name:
        case "_id":
            return alert.c.id == token.value
        case "status":
            return alert.c.status == token.value if token.system is None else false()
        case "code":
            same = token.system in (None, _CODES[kind])
            return alert.c.code == token.value if same else false()
        case "focus":
            return alert.c.focus == token.value.removeprefix("Communication/")
        case "owner:identifier" | "recipient:identifier":
            desk = _DESKS.get(token.system or "")
            here = (alert.c.recipient_kind == (desk.value if desk else ""),)
            return and_(*here, alert.c.recipient == token.value)
        case "encounter:identifier":
            return _visit(token) if token.system == VISIT else false()
        case "patient:identifier" | "subject:identifier":
            return _patient(site, token)
        case _:
            raise SearchInvalid(f"No search by {name} here.")


def _visit(token: Token) -> ColumnElement[bool]:
    """A centre's Tasks name no visit, so a centre finds none by it."""
    stays = select(stay.c.id).where(stay.c.visit == token.value)
    return and_(alert.c.stay.in_(stays), alert.c.recipient_kind != _CENTRE)


def _patient(site: Site, token: Token) -> ColumnElement[bool]:
    """By whom the resource itself names, so that a search tells no more than reading it does.

    Wards and coordinators may also ask by the patient's other number.
    """
    named = alert.c.subject == f"{token.system}|{token.value}"
    if token.system not in (NHS_NUMBER, site.chi_system):
        return named
    numbers = or_(stay.c.number == token.value, stay.c.second_number == token.value)
    of_them = alert.c.stay.in_(select(stay.c.id).where(numbers))
    return or_(named, and_(alert.c.recipient_kind != _CENTRE, of_them))


def _within(column: ColumnElement[datetime], moment: Moment) -> ColumnElement[bool]:
    start, end = moment.starts_at, moment.ends_at
    same = and_(column >= start, column < end)
    return {
        "eq": same,
        "ne": not_(same),
        "gt": column >= end,
        "sa": column >= end,
        "lt": column < start,
        "eb": column < start,
        "ge": column >= start,
        "le": column < end,
    }[moment.operator]


def _later_than(after: str) -> ColumnElement[bool]:
    stamp, _, alert_id = after.partition("~")
    try:
        at = datetime.fromisoformat(stamp)
    except ValueError as err:
        raise SearchInvalid("The value of _after cannot be read.") from err
    place = (literal(at, _Instant), literal(alert_id))
    return tuple_(alert.c.authored_at, alert.c.id) > tuple_(*place)
