"""One ADT message to one event of one stay."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from alerts.model.doubts import Doubt, DoubtKind
from alerts.model.events import (
    AdtEvent,
    Change,
    EventKind,
    NotForUs,
    PatientClass,
    Place,
    PlannedDate,
)
from mapping.hl7 import gates, segments, structures
from mapping.hl7.clocks import AHEAD, moment, planned_from, times_of
from mapping.hl7.dialect import Dialect
from mapping.hl7.faults import Unreadable
from mapping.hl7.message import Message, Values, read
from mapping.hl7.reading import Reading
from mapping.hl7.text import decode
from mapping.hl7.times import day, instant
from mapping.numbers import is_placeholder

__all__ = ["TRIGGERS", "Dialect", "Unreadable", "Unusable", "read_event", "unusable"]

TRIGGERS = {
    "A01": EventKind.ADMITTED,
    "A02": EventKind.TRANSFERRED,
    "A03": EventKind.DISCHARGED,
    "A08": EventKind.UPDATED,
    "A11": EventKind.ADMISSION_CANCELLED,
    "A13": EventKind.DISCHARGE_CANCELLED,
    "A16": EventKind.DISCHARGE_PLANNED,
    "A25": EventKind.PLAN_CANCELLED,
    "A28": EventKind.PERSON_UPDATED,
    "A31": EventKind.PERSON_UPDATED,
    "A40": EventKind.PERSON_UPDATED,
}
"""The trigger events (MSH-9.2) that are read; all others are not for us."""

_ENDS = frozenset(
    {
        EventKind.ADMITTED,
        EventKind.TRANSFERRED,
        EventKind.UPDATED,
        EventKind.DISCHARGE_PLANNED,
    }
)
"""What ends a stay too by PV1-45, where a feed says so."""
_ONCE = ("PID", "PV1", "PV2", "ZU1", "ZU8", "EVN")
"""Segments that a message about one patient holds once."""
_CODE = re.compile(r"[A-Z0-9]{1,7}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Unusable:
    """Why a message is refused where a feed refuses: HL7 table 0357 code, words, ERR-2 place."""

    code: int
    text: str
    location: str


def read_event(raw: bytes, dialect: Dialect, received_at: datetime) -> AdtEvent | NotForUs:
    """What the message says; ``Unreadable`` where it lacks what its event needs."""
    message = read(decode(raw, dialect.charset))
    kind = _kind(message)
    if isinstance(kind, NotForUs):
        return kind
    kind = _kind_said(message, _about(kind, message), dialect, received_at)
    _insist(message, kind)
    reading = Reading(dialect, received_at, list(message.doubts))
    if structures.stands_for_trigger(message):
        reading.doubt(DoubtKind.STRUCTURE_FOR_TRIGGER, "MSH-9")
    return _event(message, kind, reading)


def _kind_said(
    message: Message, kind: EventKind, dialect: Dialect, received_at: datetime
) -> EventKind:
    """A discharge too, where PV1-45 in any event is one for this feed."""
    if not dialect.discharge_outside_a03 or kind not in _ENDS:
        return kind
    left = instant(message.first("PV1").text("PV1-45.1"), received_at, dialect.zone)
    return EventKind.DISCHARGED if left is not None and left.at <= received_at else kind


def unusable(raw: bytes, dialect: Dialect) -> Unusable | None:
    """What makes the message unusable, or None; for feeds that want to be refused."""
    try:
        message = read(decode(raw, dialect.charset))
        kind = _kind(message)
        if not isinstance(kind, NotForUs):
            _insist(message, _about(kind, message))
    except Unreadable as fault:
        return Unusable(fault.code, fault.reason, fault.location)
    return None


def _kind(message: Message) -> EventKind | NotForUs:
    """MSH-9 decides: EVN-1 is deprecated and often wrong."""
    if len(message.segments["MSH"]) > 1:
        raise Unreadable("there are two messages in one frame", 100)
    msh = message.first("MSH")
    message_type, trigger = msh.text("MSH-9.1").upper(), msh.text("MSH-9.2").upper()
    if not message_type:
        raise Unreadable("MSH-9.1, the message type, is missing", 101, "MSH^1^9")
    if _needs_structure(message_type, trigger):
        found = structures.trigger_in(message)
        if found:
            return TRIGGERS.get(found) or NotForUs(f"ADT {found} is not used")
    if message_type != "ADT":
        sent = "^".join(_safe(code) for code in (message_type, trigger) if code)
        return NotForUs(f"{sent} is not an ADT message")
    if not trigger:
        raise Unreadable("MSH-9.2, the trigger event, is missing", 101, "MSH^1^9")
    return TRIGGERS.get(trigger) or NotForUs(f"ADT {_safe(trigger)} is not used")


def _needs_structure(message_type: str, trigger: str) -> bool:
    """The trigger is not where it belongs."""
    return message_type.startswith("ADT") and (not trigger or trigger.startswith("ADT_"))


def _safe(code: str) -> str:
    """A code to show in a reason; anything that is no code could be about a patient."""
    return code if _CODE.fullmatch(code) else "(no code)"


def _insist(message: Message, kind: EventKind) -> None:
    if not message.has("PID"):
        raise Unreadable("PID is missing", 101, "PID^1^3")
    pid = message.first("PID")
    if not any(repetition.text("PID-3.1") for repetition in pid.each("PID-3")):
        raise Unreadable("PID-3 is missing", 101, "PID^1^3")
    if kind is EventKind.PERSON_UPDATED:
        return
    if not message.has("PV1"):
        raise Unreadable("PV1 is missing", 101, "PV1^1")


def _about(kind: EventKind, message: Message) -> EventKind:
    """An update that names no visit is about the person."""
    if kind is not EventKind.UPDATED:
        return kind
    pv1 = message.first("PV1")
    number = pv1.text("PV1-19.1")
    has_visit = (number and not is_placeholder(number)) or day(pv1.text("PV1-44.1"))
    if not has_visit or pv1.text("PV1-2.1").upper() == "N":
        return EventKind.PERSON_UPDATED
    return kind


def _event(message: Message, kind: EventKind, reading: Reading) -> AdtEvent:
    times = times_of(message, kind, reading)
    is_person = kind is EventKind.PERSON_UPDATED
    visit = _NO_VISIT if is_person else _visit(message, reading)
    patient = segments.patient_from_pid(message, reading)
    death = gates.death_from(message, reading)
    return AdtEvent(
        kind=kind,
        occurred_at=times.occurred_at,
        recorded_at=times.recorded_at,
        sent_at=times.sent_at,
        cancels_at=times.cancels_at,
        control_id=message.first("MSH").text("MSH-10.1"),
        feed=reading.dialect.name,
        visit=visit.number,
        visit_authority=visit.authority,
        visit_authority_sent=visit.authority_sent,
        movement=visit.movement,
        patient=patient,
        place=visit.place,
        patient_class=visit.patient_class,
        admitted_at=visit.admitted_at,
        discharged_at=visit.discharged_at,
        planned=visit.planned,
        hiding=gates.hiding_from(message, reading),
        sensitive=gates.sensitive_from(message, reading),
        consent_refused=gates.consent_refused_from(message, reading),
        died=death.died,
        death_unclear=death.unclear,
        method=visit.discharge.method,
        destination=visit.discharge.destination,
        next_of_kin=segments.next_of_kin_from_nk1(message, reading),
        doubts=_doubts(visit, message, reading),
    )


class _Visit(NamedTuple):
    """What a message says of the visit; empty where it is about the person alone."""

    number: str | None = None
    authority: str = ""
    authority_sent: bool = False
    movement: str | None = None
    place: Change[Place] = None
    patient_class: Change[PatientClass] = None
    admitted_at: Change[datetime] = None
    discharged_at: Change[datetime] = None
    planned: Change[PlannedDate] = None
    discharge: gates.Discharge = gates.Discharge()


_NO_VISIT = _Visit()


def _visit(message: Message, reading: Reading) -> _Visit:
    pv1 = message.first("PV1")
    number = _visit_number(pv1, reading)
    admitted_at = moment(pv1, "PV1-44.1", reading)
    authority = next(filter(None, pv1.parts("PV1-19.4")), "")
    return _Visit(
        number=number,
        authority=authority or reading.dialect.visit_authority or _sender(message.first("MSH")),
        authority_sent=bool(authority),
        movement=_movement(message.first("ZBE")),
        place=segments.place_from_pv1(pv1, reading),
        patient_class=segments.class_from_pv1(pv1, reading),
        admitted_at=admitted_at,
        discharged_at=moment(pv1, "PV1-45.1", reading),
        planned=planned_from(message, reading),
        discharge=gates.discharge_from_pv1(pv1, reading.dialect),
    )


def _visit_number(pv1: Values, reading: Reading) -> str | None:
    """PV1-19.1, unless it is one that is typed to fill the field."""
    number = pv1.text("PV1-19.1")
    if number and is_placeholder(number):
        reading.doubt(DoubtKind.VISIT_NUMBER_PLACEHOLDER, "PV1-19")
        return None
    return number or None


def _sender(msh: Values) -> str:
    """MSH-3 and MSH-4 as sent."""
    return f"{_whole(msh, 'MSH-3')}|{_whole(msh, 'MSH-4')}"


def _whole(msh: Values, field: str) -> str:
    """All components of an HD."""
    if f"{field}.2" not in msh.singles:
        return msh.text(f"{field}.1")
    return "^".join(msh.text(f"{field}.{part}") for part in (1, 2, 3)).rstrip("^")


def _movement(zbe: Values) -> str | None:
    """ZBE-1, the movement's own key."""
    parts = (zbe.text("ZBE-1.1"), zbe.text("ZBE-1.2"))
    return "^".join(parts).rstrip("^") or None if parts[0] else None


def _doubts(visit: _Visit, message: Message, reading: Reading) -> tuple[Doubt, ...]:
    """All that is doubtful, each once."""
    admitted, discharged = visit.admitted_at, visit.discharged_at
    if isinstance(admitted, datetime):
        if admitted > reading.arrived_at + AHEAD:
            reading.doubt(DoubtKind.TIME_AHEAD, "PV1-44")
        if isinstance(discharged, datetime) and discharged < admitted:
            reading.doubt(DoubtKind.VALUES_CONFLICT, "PV1-45")
    if message.has_more:
        for name in _ONCE:
            if len(message.all(name)) > 1:
                reading.doubt(DoubtKind.SEGMENT_REPEATED, name)
    return tuple(dict.fromkeys(reading.doubts)) if reading.doubts else ()
