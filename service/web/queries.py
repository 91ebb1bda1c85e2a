"""What the pages read; the viewer comes first, and what they may not see is not there."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, bindparam, select

from alerts.model.alert import OPEN_STATUSES, Alert, Notice, Task, TaskCode
from alerts.model.register import Registration
from alerts.model.stay import Stay, StayStatus
from alerts.store import outbox, register
from alerts.store.bodies import alert_from_text, stay_from_text
from alerts.store.tables import alert as alert_table
from alerts.store.tables import outbox as outbox_table
from alerts.store.tables import stay as stay_table
from alerts.store.tables import utc
from ingest import journal
from service.web.access import Role, Viewer

# Open stays on one ward, by bed as far as the body says.
_ON_WARD = select(stay_table.c.body).where(
    stay_table.c.hospital == bindparam("hospital"),
    stay_table.c.ward == bindparam("ward"),
    stay_table.c.status == StayStatus.OPEN.value,
)
# Stays in one hospital, in hospital still and planned to leave by a day.
_LEAVING = select(stay_table.c.body).where(
    stay_table.c.hospital == bindparam("hospital"),
    stay_table.c.status == StayStatus.OPEN.value,
    stay_table.c.planned_on <= bindparam("until"),
)
# Stays by id; every Task and notice of some stays.
_STAYS = select(stay_table.c.body).where(stay_table.c.id.in_(bindparam("ids", expanding=True)))
_OF_STAYS = (
    select(alert_table.c.kind, alert_table.c.body)
    .where(alert_table.c.stay.in_(bindparam("ids", expanding=True)))
    .order_by(alert_table.c.authored_at, alert_table.c.id)
)
# What one desk was given, newest first.
_OF_DESK = (
    select(alert_table.c.kind, alert_table.c.body)
    .where(
        alert_table.c.recipient_kind == bindparam("kind"),
        alert_table.c.recipient == bindparam("code"),
    )
    .order_by(alert_table.c.authored_at.desc(), alert_table.c.id)
)
# What left because of one journal entry.
_PARCELS = select(outbox_table.c.id).where(outbox_table.c.entry == bindparam("entry"))
# When the newest message came in.
_NEWS = select(journal.journal.c.received_at).order_by(journal.journal.c.id.desc()).limit(1)


@dataclass(frozen=True, slots=True)
class Bedside:
    """A patient with what was raised for them and the carers it is about."""

    stay: Stay
    alerts: tuple[Alert, ...]
    carers: dict[str, Registration]

    def task(self, code: TaskCode, key: str | None) -> Task | None:
        """The Task of that code about one carer."""
        for alert in self.alerts:
            if isinstance(alert, Task) and (alert.code, alert.registration) == (code, key):
                return alert
        return None


@dataclass(frozen=True, slots=True)
class DeskItem:
    """One Task or notice of a desk with the stay and carer behind it."""

    alert: Alert
    stay: Stay | None
    registration: Registration | None


def on_ward(viewer: Viewer, tx: Connection, code: str) -> tuple[Bedside, ...]:
    """Inpatients on a ward ``hospital/ward`` in the viewer's scope, by bed."""
    if not viewer.sees(Role.WARD, code):
        return ()
    hospital, _, ward = code.partition("/")
    rows = tx.execute(_ON_WARD, {"hospital": hospital, "ward": ward}).scalars()
    stays = [stay for stay in map(stay_from_text, rows) if stay.is_inpatient]
    return _bedsides(tx, sorted(stays, key=_by_bed))


def left_unfinished(viewer: Viewer, tx: Connection, code: str) -> tuple[Bedside, ...]:
    """Patients who left this ward with a repair call still open."""
    if not viewer.sees(Role.WARD, code):
        return ()
    items = _of_desk(tx, "ward", code)
    wanted = [
        a.stay
        for a in items
        if isinstance(a, Task) and a.code is TaskCode.REPAIR_MISSED and a.status in OPEN_STATUSES
    ]
    return _bedsides(tx, _stays(tx, wanted))


def leaving(viewer: Viewer, tx: Connection, hospital: str, until: date) -> tuple[Bedside, ...]:
    """Patients of a hospital who are planned to leave by a day, soonest first."""
    if not viewer.sees(Role.COORDINATOR, hospital):
        return ()
    rows = tx.execute(_LEAVING, {"hospital": hospital, "until": until}).scalars()
    stays = [stay for stay in map(stay_from_text, rows) if stay.is_inpatient]
    return _bedsides(tx, sorted(stays, key=_by_planned))


def desk_items(viewer: Viewer, tx: Connection, role: Role, code: str) -> tuple[DeskItem, ...]:
    """What a coordinator's or a centre's desk was given, newest first."""
    if not viewer.sees(role, code):
        return ()
    alerts = _of_desk(tx, role.value, code)
    stays = {stay.id: stay for stay in _stays(tx, [a.stay for a in alerts])}
    carers = _carers(tx, alerts)
    return tuple(DeskItem(a, stays.get(a.stay), carers.get(a.registration or "")) for a in alerts)


def entries(viewer: Viewer, tx: Connection, search: journal.Search) -> list[journal.EntryRow]:
    """The journal, for engineers and auditors."""
    if viewer.role not in (Role.ENGINEER, Role.AUDITOR):
        return []
    return journal.find(tx, search)


def entry(viewer: Viewer, tx: Connection, entry_id: int) -> journal.Entry | None:
    """One entry with its bytes, for engineers and auditors."""
    if viewer.role not in (Role.ENGINEER, Role.AUDITOR):
        return None
    return journal.get(tx, entry_id)


def parcels(viewer: Viewer, tx: Connection, entry_id: int) -> list[outbox.ParcelRow]:
    """What left because of one entry."""
    if viewer.role not in (Role.ENGINEER, Role.AUDITOR):
        return []
    ids = tx.execute(_PARCELS, {"entry": entry_id}).scalars().all()
    found = (outbox.get(tx, parcel_id) for parcel_id in ids)
    return [parcel for parcel in found if parcel is not None]


def last_news(_viewer: Viewer, tx: Connection) -> datetime | None:
    """When the hospital system last sent anything."""
    return utc(tx.execute(_NEWS).scalar())


def _bedsides(tx: Connection, stays: Sequence[Stay]) -> tuple[Bedside, ...]:
    by_stay: dict[str, list[Alert]] = defaultdict(list)
    if stays:
        for row in tx.execute(_OF_STAYS, {"ids": [stay.id for stay in stays]}):
            alert = alert_from_text(row.kind, row.body)
            by_stay[alert.stay].append(alert)
    carers = _carers(tx, [a for alerts in by_stay.values() for a in alerts])
    return tuple(Bedside(stay, tuple(by_stay[stay.id]), carers) for stay in stays)


def _of_desk(tx: Connection, kind: str, code: str) -> list[Alert]:
    rows = tx.execute(_OF_DESK, {"kind": kind, "code": code})
    return [alert_from_text(row.kind, row.body) for row in rows]


def _stays(tx: Connection, ids: Iterable[str]) -> list[Stay]:
    wanted = sorted(set(ids))
    if not wanted:
        return []
    return [stay_from_text(body) for body in tx.execute(_STAYS, {"ids": wanted}).scalars()]


def _carers(tx: Connection, alerts: Iterable[Task | Notice]) -> dict[str, Registration]:
    keys = {a.registration for a in alerts if a.registration}
    found = ((key, register.get(tx, key)) for key in sorted(keys))
    return {key: registration for key, registration in found if registration is not None}


def _by_bed(stay: Stay) -> tuple[str, str]:
    return (stay.place.bed if stay.place else "", stay.patient.family or "")


def _by_planned(stay: Stay) -> tuple[date, str]:
    return (stay.planned.on if stay.planned else date.max, stay.patient.family or "")
