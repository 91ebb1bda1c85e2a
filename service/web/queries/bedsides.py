"""Patients in hospital with what was raised for them and the carers whom that is about."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import Connection, bindparam, select

from alerts.model.alert import Alert, Task, TaskCode, TaskStatus
from alerts.model.bodies import alert_from_text, registration_from_text, stay_from_text
from alerts.model.events import Answer
from alerts.model.register import Registration
from alerts.model.site import Site
from alerts.model.stay import Stay, StayStatus
from alerts.rules.situation import is_restricted
from alerts.store import register
from alerts.store.tables import alert as alert_table
from alerts.store.tables import registration as registration_table
from alerts.store.tables import stay as stay_table
from service.web.access import Role, Viewer
from service.web.queries.lookups import Lookup, looked_up

# Open stays on one ward, in no order.
_ON_WARD = select(stay_table.c.body).where(
    stay_table.c.hospital.in_(bindparam("hospitals", expanding=True)),
    stay_table.c.ward == bindparam("ward"),
    stay_table.c.status == StayStatus.OPEN.value,
)
# Stays that one ward discharged since a time, in no order.
_GONE_FROM_WARD = select(stay_table.c.body).where(
    stay_table.c.hospital.in_(bindparam("hospitals", expanding=True)),
    stay_table.c.ward == bindparam("ward"),
    stay_table.c.status == StayStatus.DISCHARGED.value,
    stay_table.c.discharged_at >= bindparam("since"),
)
# Open stays of one hospital that are planned to leave by a day, in no order.
_LEAVING = select(stay_table.c.body).where(
    stay_table.c.hospital == bindparam("hospital"),
    stay_table.c.status == StayStatus.OPEN.value,
    stay_table.c.planned_on <= bindparam("until"),
)
# Stays that one hospital discharged since a time, in no order.
_LEFT = select(stay_table.c.body).where(
    stay_table.c.hospital == bindparam("hospital"),
    stay_table.c.status == StayStatus.DISCHARGED.value,
    stay_table.c.discharged_at >= bindparam("since"),
)
# Stays by id, in no order.
_STAYS = select(stay_table.c.body).where(stay_table.c.id.in_(bindparam("ids", expanding=True)))
# Stays with a Task of one code at one desk that is open, in no order.
_WITH_TASK = select(alert_table.c.stay).where(
    alert_table.c.recipient_kind == bindparam("kind"),
    alert_table.c.recipient == bindparam("desk"),
    alert_table.c.code.in_(bindparam("codes", expanding=True)),
    alert_table.c.status.in_(bindparam("open", expanding=True)),
)
# Every Task of some stays that a hospital's own desk has, the oldest first.
_TASKS = (
    select(alert_table.c.kind, alert_table.c.body)
    .where(
        alert_table.c.stay.in_(bindparam("ids", expanding=True)),
        alert_table.c.kind == "Task",
        alert_table.c.recipient_kind.in_(("ward", "coordinator")),
    )
    .order_by(alert_table.c.authored_at, alert_table.c.id)
)
_REGISTRATIONS = select(registration_table.c.body).where(
    registration_table.c.key.in_(bindparam("keys", expanding=True)), register.STANDS
)

OPEN = ("requested", "received", "in-progress")
WARD_SAYS = (Answer.AS_RECORDED, Answer.NOT_AS_RECORDED)
"""What a ward answers to the question who its patient is."""
_NAMES_CARER = (TaskCode.INVOLVE_CARER, TaskCode.REPAIR_MISSED)


@dataclass(frozen=True, slots=True)
class Bedside:
    """A patient, the Tasks of the hospital's desks about them, and the carers to involve."""

    stay: Stay
    tasks: tuple[Task, ...]
    carers: dict[str, Registration]
    """By key; only carers whom a ward was asked to involve, never a doubtful match."""
    lookup: Lookup = Lookup.NOT_KNOWN
    """What the register holds of a patient without a carer to involve."""

    def involvements(self) -> tuple[Task, ...]:
        """One Task a carer who is to be involved."""
        return tuple(
            t
            for t in self.tasks
            if t.code is TaskCode.INVOLVE_CARER
            and t.status is not TaskStatus.CANCELLED
            and t.registration in self.carers
        )

    def questions(self) -> tuple[Task, ...]:
        """Doubtful matches of which a coordinator is not sure, and which no nurse has answered."""
        return tuple(
            t
            for t in self.tasks
            if t.code is TaskCode.CONFIRM_MATCH
            and t.status is TaskStatus.IN_PROGRESS
            and not any(a.alert == t.id and a.answer in WARD_SAYS for a in self.stay.answers)
        )

    def unseen(self) -> tuple[Task, ...]:
        """The Tasks to involve a carer that nobody has said they have seen since the discharge."""
        left_at = self.stay.discharged_at
        seen = {
            a.alert
            for a in self.stay.answers
            if a.answer is Answer.SEEN and (left_at is None or a.at >= left_at)
        }
        tasks = (t for t in self.tasks if t.code is TaskCode.INVOLVE_CARER)
        return tuple(t for t in tasks if t.id not in seen)

    def repairs(self) -> tuple[Task, ...]:
        """The Tasks to ring a carer afterwards, ended ones too."""
        return tuple(
            t
            for t in self.tasks
            if t.code is TaskCode.REPAIR_MISSED
            and t.status is not TaskStatus.CANCELLED
            and t.registration in self.carers
        )


def on_ward(viewer: Viewer, tx: Connection, site: Site, code: str) -> tuple[Bedside, ...]:
    """Inpatients on a live ward ``hospital/ward`` in the viewer's scope, by bed."""
    asked = _asked(viewer, site, code)
    if asked is None:
        return ()
    stays = _inpatients(tx.execute(_ON_WARD, asked).scalars())
    return _bedsides(tx, sorted(stays, key=_by_bed))


def with_lookups(
    viewer: Viewer, tx: Connection, beds: tuple[Bedside, ...], now: datetime
) -> tuple[Bedside, ...]:
    """The same, and of those without a carer to involve what the register holds."""
    plain = [bed.stay for bed in beds if not bed.involvements()]
    found = looked_up(viewer, tx, plain, now) if plain else {}
    return tuple(replace(b, lookup=found.get(b.stay.id, Lookup.NOT_KNOWN)) for b in beds)


def left_restricted(
    viewer: Viewer, tx: Connection, site: Site, code: str, since: datetime
) -> tuple[Bedside, ...]:
    """Patients who left this ward since a time whose carers nobody may contact, the newest first.

    Only those whose carer the ward was once asked to involve, and whom no nurse in charge has seen.
    """
    asked = _asked(viewer, site, code)
    if asked is None:
        return ()
    rows = tx.execute(_GONE_FROM_WARD, asked | {"since": since}).scalars()
    stays = [s for s in _inpatients(rows) if is_restricted(s) and not s.died]
    beds = _bedsides(tx, sorted(stays, key=_by_leaving, reverse=True))
    return tuple(bed for bed in beds if bed.unseen())


def left_unfinished(viewer: Viewer, tx: Connection, code: str) -> tuple[Bedside, ...]:
    """Patients who left this ward with a call to a carer still open, the longest gone first."""
    if not viewer.sees(Role.WARD, code):
        return ()
    return _with_task(tx, ("ward", code), (TaskCode.REPAIR_MISSED,))


def leaving(viewer: Viewer, tx: Connection, hospital: str, until: date) -> tuple[Bedside, ...]:
    """Inpatients of a hospital who are planned to leave by a day, soonest first."""
    if not viewer.sees(Role.COORDINATOR, hospital):
        return ()
    rows = tx.execute(_LEAVING, {"hospital": hospital, "until": until}).scalars()
    return _bedsides(tx, sorted(_inpatients(rows), key=_by_planned))


def left_since(
    viewer: Viewer, tx: Connection, hospital: str, since: datetime
) -> tuple[Bedside, ...]:
    """Patients whom a hospital discharged since a time, the newest first."""
    if not viewer.sees(Role.COORDINATOR, hospital):
        return ()
    rows = tx.execute(_LEFT, {"hospital": hospital, "since": since}).scalars()
    return _bedsides(tx, sorted(_inpatients(rows), key=_by_leaving, reverse=True))


def asked_of_coordinator(
    viewer: Viewer, tx: Connection, hospital: str, codes: Sequence[TaskCode]
) -> tuple[Bedside, ...]:
    """Patients about whom the coordinator has an open Task of one of these codes."""
    if not viewer.sees(Role.COORDINATOR, hospital):
        return ()
    return _with_task(tx, ("coordinator", hospital), codes)


def _asked(viewer: Viewer, site: Site, code: str) -> dict[str, object] | None:
    """How a live ward ``hospital/ward`` is asked for; None where the viewer sees none."""
    hospital, _, ward = code.partition("/")
    known = site.ward(hospital, ward)
    if not viewer.sees(Role.WARD, code) or known is None or not known.live:
        return None
    return {"hospitals": list(site.hospitals_sent(known)), "ward": ward}


def _with_task(
    tx: Connection, desk: tuple[str, str], codes: Sequence[TaskCode]
) -> tuple[Bedside, ...]:
    kind, code = desk
    wanted = [c.value for c in codes]
    asked = {"kind": kind, "desk": code, "codes": wanted, "open": list(OPEN)}
    ids = sorted(set(tx.execute(_WITH_TASK, asked).scalars()))
    if not ids:
        return ()
    stays = [stay_from_text(body) for body in tx.execute(_STAYS, {"ids": ids}).scalars()]
    return _bedsides(tx, sorted(stays, key=_by_leaving))


def _bedsides(tx: Connection, stays: Sequence[Stay]) -> tuple[Bedside, ...]:
    tasks: dict[str, list[Task]] = defaultdict(list)
    if stays:
        for row in tx.execute(_TASKS, {"ids": [stay.id for stay in stays]}):
            found: Alert = alert_from_text(row.kind, row.body)
            if isinstance(found, Task):
                tasks[found.stay].append(found)
    carers = _carers(tx, [task for found in tasks.values() for task in found])
    return tuple(Bedside(stay, tuple(tasks[stay.id]), carers) for stay in stays)


def _carers(tx: Connection, tasks: Iterable[Task]) -> dict[str, Registration]:
    keys = {t.registration for t in tasks if t.code in _NAMES_CARER and t.registration}
    if not keys:
        return {}
    bodies = tx.execute(_REGISTRATIONS, {"keys": sorted(keys)}).scalars()
    found = [registration_from_text(body) for body in bodies]
    return {registration.key: registration for registration in found}


def _inpatients(bodies: Iterable[str]) -> list[Stay]:
    return [stay for stay in map(stay_from_text, bodies) if stay.is_inpatient]


def _by_bed(stay: Stay) -> tuple[str, str]:
    return (stay.place.bed if stay.place else "", stay.patient.family or "")


def _by_planned(stay: Stay) -> tuple[date, str]:
    return (stay.planned.on if stay.planned else date.max, stay.patient.family or "")


def _by_leaving(stay: Stay) -> tuple[str, str]:
    return (stay.discharged_at.isoformat() if stay.discharged_at else "", stay.patient.family or "")
