"""One ADT message to one event of one stay."""

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.model.events import AdtEvent, EventKind, NotForUs
from mapping.hl7 import segments
from mapping.hl7.dialect import Dialect
from mapping.hl7.faults import Unreadable
from mapping.hl7.message import Message, read
from mapping.hl7.segments import Reading, moment
from mapping.hl7.text import decode

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
}
"""The trigger events (MSH-9.2) that move a stay; all others are not for us."""

_AHEAD = timedelta(days=1)
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
    _insist(message)
    return _event(message, kind, Reading(dialect, received_at, list(message.flags)))


def unusable(raw: bytes, dialect: Dialect) -> Unusable | None:
    """What makes the message unusable, or None; for feeds that want to be refused."""
    try:
        message = read(decode(raw, dialect.charset))
        if not isinstance(_kind(message), NotForUs):
            _insist(message)
    except Unreadable as fault:
        return Unusable(fault.code, fault.reason, fault.location)
    return None


def _kind(message: Message) -> EventKind | NotForUs:
    """MSH-9 alone decides: EVN-1 is deprecated and often wrong."""
    if len(message.segments["MSH"]) > 1:
        raise Unreadable("there are two messages in one frame", 100)
    msh = message.first("MSH")
    message_type, trigger = msh.text("MSH-9.1").upper(), msh.text("MSH-9.2").upper()
    if not message_type:
        raise Unreadable("MSH-9.1, the message type, is missing", 101, "MSH^1^9")
    if message_type != "ADT":
        sent = "^".join(_safe(code) for code in (message_type, trigger) if code)
        return NotForUs(f"{sent} is not an ADT message")
    if not trigger:
        raise Unreadable("MSH-9.2, the trigger event, is missing", 101, "MSH^1^9")
    return TRIGGERS.get(trigger) or NotForUs(f"ADT {_safe(trigger)} is not used")


def _safe(code: str) -> str:
    """A code to show in a reason; anything that is no code could be about a patient."""
    return code if _CODE.fullmatch(code) else "(no code)"


def _insist(message: Message) -> None:
    if not message.has("PID"):
        raise Unreadable("PID is missing", 101, "PID^1^3")
    pid, pv1 = message.first("PID"), message.first("PV1")
    if not any(repetition.text("PID-3.1") for repetition in pid.each("PID-3")):
        raise Unreadable("PID-3 is missing", 101, "PID^1^3")
    if not message.has("PV1"):
        raise Unreadable("PV1 is missing", 101, "PV1^1")
    if not pv1.text("PV1-19.1") and not pv1.text("PV1-44.1"):
        raise Unreadable("PV1-19 and PV1-44 are both missing", 101, "PV1^1^19")


def _event(message: Message, kind: EventKind, reading: Reading) -> AdtEvent:
    msh, pv1, zu8 = (message.first(name) for name in ("MSH", "PV1", "ZU8"))
    visit = pv1.text("PV1-19.1") or None
    admitted_at = moment(pv1, "PV1-44.1", reading)
    if visit is None and not isinstance(admitted_at, datetime):
        raise Unreadable("PV1-19 is missing and PV1-44 is no possible time", 102, "PV1^1^44")
    discharged_at = moment(pv1, "PV1-45.1", reading)
    times = _times(message, reading)
    discharge = segments.discharge_from_pv1(pv1, reading.dialect)
    event = AdtEvent(
        kind=kind,
        occurred_at=times.occurred_at,
        recorded_at=times.recorded_at,
        sent_at=times.sent_at,
        control_id=msh.text("MSH-10.1"),
        feed=reading.dialect.name,
        visit=visit,
        patient=segments.patient_from_pid(message, reading),
        place=segments.place_from_pv1(pv1, reading),
        patient_class=segments.class_from_pv1(pv1),
        admitted_at=admitted_at,
        discharged_at=discharged_at,
        planned=segments.planned_from_pv2(message.first("PV2"), reading),
        hiding=segments.hiding_from_zu8(zu8, reading),
        sensitive=segments.sensitive_from(pv1, zu8),
        died=segments.died_from(message.first("PID"), discharge, reading),
        method=discharge.method,
        destination=discharge.destination,
        next_of_kin=segments.next_of_kin_from_nk1(message, reading),
    )
    return _with_doubts(event, message, reading)


@dataclass(frozen=True, slots=True)
class _Times:
    """The three clocks of a message."""

    occurred_at: datetime
    recorded_at: datetime
    sent_at: datetime


def _times(message: Message, reading: Reading) -> _Times:
    evn = message.first("EVN")
    sent = moment(message.first("MSH"), "MSH-7.1", reading)
    recorded = moment(evn, "EVN-2.1", reading)
    occurred = moment(evn, "EVN-6.1", reading)
    latest = reading.arrived_at + _AHEAD
    if any(isinstance(stamp, datetime) and stamp > latest for stamp in (sent, recorded, occurred)):
        reading.doubts.append("a time of the message is in the future; it was not used")
    sent, recorded, occurred = (
        None if isinstance(stamp, datetime) and stamp > latest else stamp
        for stamp in (sent, recorded, occurred)
    )
    sent_at = sent if isinstance(sent, datetime) else reading.arrived_at
    recorded_at = recorded if isinstance(recorded, datetime) else sent_at
    if not any(isinstance(stamp, datetime) for stamp in (occurred, recorded, sent)):
        reading.doubts.append("the message names no time; the time of arrival was taken")
    occurred_at = occurred if isinstance(occurred, datetime) else recorded_at
    return _Times(occurred_at, recorded_at, sent_at)


def _with_doubts(event: AdtEvent, message: Message, reading: Reading) -> AdtEvent:
    admitted, discharged = event.admitted_at, event.discharged_at
    if isinstance(admitted, datetime):
        if admitted > reading.arrived_at + _AHEAD:
            reading.doubts.append("PV1-44 is in the future")
        if isinstance(discharged, datetime) and discharged < admitted:
            reading.doubts.append("PV1-45 is before PV1-44")
    for name in ("PID", "PV1"):
        if len(message.segments[name]) > 1:
            reading.doubts.append(f"{name} comes more than once; the first was read")
    if not reading.doubts:
        return event
    return replace(event, warnings=tuple(dict.fromkeys(reading.doubts)))
