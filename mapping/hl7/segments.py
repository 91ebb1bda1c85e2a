"""What PID, PV1 and NK1 say of people and places, in our words."""

from datetime import date

from alerts.model.doubts import DoubtKind
from alerts.model.events import (
    CLEARED,
    Change,
    Cleared,
    PatientChange,
    PatientClass,
    Place,
)
from alerts.model.identity import NextOfKin, Sex
from mapping.hl7 import codes
from mapping.hl7.dialect import plain_code
from mapping.hl7.identifiers import identifiers_from_pid
from mapping.hl7.message import Message, Values
from mapping.hl7.reading import Reading
from mapping.hl7.times import birth_date, day, local_date

_CARER_ROLE = "20"
"""Contact role "carer" of the PDS relationship codes."""


def patient_from_pid(message: Message, reading: Reading) -> PatientChange:
    """Who the message is about; PID-3 is the caller's to insist on."""
    pid = message.first("PID")
    numbers = identifiers_from_pid(pid, message.all("ZU1"), reading)
    return PatientChange(
        identifiers=numbers or None,
        family=_family(pid, "PID-5.1"),
        given=_words(pid.get("PID-5.2")),
        birth_date=_birth_date(pid.get("PID-7.1"), reading),
        sex=_sex(pid.get("PID-8.1"), reading),
        postcode=_postcode(pid.get("PID-11.5")),
        phone=_phone(pid, "PID-13"),
    )


def _words(value: Change[str]) -> Change[str]:
    return value.strip() or None if isinstance(value, str) else value


def _family(segment: Values, path: str) -> Change[str]:
    """The family name; where FN.1 is empty its own prefix and surname (FN.2, FN.3)."""
    value = segment.get(path)
    if value is None:
        return " ".join(part for part in segment.parts(path)[:3] if part) or None
    return _words(value)


def _postcode(value: Change[str]) -> Change[str]:
    return value.strip().upper() or None if isinstance(value, str) else value


def _phone(segment: Values, path: str) -> Change[str]:
    """The first repetition that has a number; XTN-12 took over from XTN-1 in 2.7."""
    repetitions = segment.each(path)
    if not repetitions:
        return None
    for one in repetitions:
        number = one.text(f"{path}.1") or one.text(f"{path}.12")
        if number:
            return number
    return CLEARED if any(one.get(f"{path}.1") is CLEARED for one in repetitions) else None


def _birth_date(value: Change[str], reading: Reading) -> Change[date]:
    if value is None or isinstance(value, Cleared):
        return value
    born = birth_date(value.strip(), reading.arrived_at)
    if born is None:
        reading.doubt(DoubtKind.DATE_UNREADABLE, "PID-7")
    return born


def _sex(value: Change[str], reading: Reading) -> Change[Sex]:
    if value is None or isinstance(value, Cleared):
        return value
    sex = codes.sex(value.strip())
    if sex is None:
        reading.doubt(DoubtKind.CODE_UNKNOWN, "PID-8")
    return sex or Sex.UNKNOWN


def place_from_pv1(pv1: Values, reading: Reading) -> Change[Place]:
    """PV1-3: hospital, ward, room and bed as sent."""
    hospital, ward = pv1.text("PV1-3.4"), pv1.text("PV1-3.1")
    room, bed = pv1.text("PV1-3.2"), pv1.text("PV1-3.3")
    if not (hospital or ward or room or bed):
        return CLEARED if pv1.get("PV1-3.1") is CLEARED else None
    if not hospital or not ward:
        reading.doubt(DoubtKind.PLACE_INCOMPLETE, "PV1-3")
    return Place(hospital, ward, room, bed)


def class_from_pv1(pv1: Values, reading: Reading) -> Change[PatientClass]:
    """PV1-2, by the feed's own values first."""
    value = _words(pv1.get("PV1-2.1"))
    if not isinstance(value, str):
        return value
    known = reading.dialect.patient_classes.get(value.upper()) or codes.patient_class(value)
    if known is None:
        reading.doubt(DoubtKind.CODE_UNKNOWN, "PV1-2")
    return known or PatientClass.UNKNOWN


def next_of_kin_from_nk1(message: Message, reading: Reading) -> tuple[NextOfKin, ...] | None:
    """Who is named in NK1; None where the message has no NK1, for then it does not say."""
    if not message.has("NK1"):
        return None
    people = (_next_of_kin(nk1, reading) for nk1 in message.segments["NK1"])
    return tuple(person for person in people if person is not None)


def _next_of_kin(nk1: Values, reading: Reading) -> NextOfKin | None:
    ended_on = nk1.text("NK1-9.1")
    if not nk1.singles or (ended_on and _is_past(ended_on, reading)):
        return None
    relationship, role = nk1.text("NK1-3.1").upper(), nk1.text("NK1-7.1").upper()
    phone = _phone(nk1, "NK1-5")
    return NextOfKin(
        family=family if isinstance(family := _family(nk1, "NK1-2.1"), str) else None,
        given=nk1.text("NK1-2.2") or None,
        relationship=relationship,
        contact_role=role,
        phone=phone if isinstance(phone, str) else None,
        postcode=nk1.text("NK1-4.5").upper() or None,
        named_as_carer=plain_code(relationship) in reading.dialect.carer_relationships
        or plain_code(role) == _CARER_ROLE,
    )


def _is_past(stamp: str, reading: Reading) -> bool:
    on = day(stamp)
    return on is not None and on < local_date(reading.arrived_at, reading.dialect.zone)
