"""One function a segment: what PID, PV1, PV2, NK1 and ZU8 say, in our words."""

import re
from dataclasses import dataclass, field
from datetime import date, datetime

from alerts.model.events import (
    CLEARED,
    Change,
    Cleared,
    Hiding,
    PatientChange,
    PatientClass,
    Place,
    PlannedDate,
)
from alerts.model.identity import NextOfKin, Sex
from mapping.hl7 import codes
from mapping.hl7.dialect import Dialect, plain_code
from mapping.hl7.identifiers import identifiers_from_pid
from mapping.hl7.message import Message, Values
from mapping.hl7.times import ClockChange, Instant, birth_date, day, instant, london_date

_CARER_ROLE = "20"
"""Contact role "carer" of the PDS relationship codes."""
_METHOD = re.compile(r"0?[1-9]", re.ASCII)
_DESTINATION = re.compile(r"[1-9]\d", re.ASCII)
_DIED_WORDS = re.compile(r"\b(?:dead|died|deceased)\b", re.IGNORECASE)
_DIED_METHODS = frozenset({"4", "5"})
_DIED_DESTINATION = "79"


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading one message needs, and the doubts it gathers."""

    dialect: Dialect
    arrived_at: datetime
    doubts: list[str] = field(default_factory=list)


def patient_from_pid(message: Message, reading: Reading) -> PatientChange:
    """Who the message is about; PID-3 is the caller's to insist on."""
    pid = message.first("PID")
    numbers = identifiers_from_pid(pid, message.first("ZU1"), reading.dialect, reading.doubts)
    return PatientChange(
        identifiers=numbers or None,
        family=_words(pid.get("PID-5.1")),
        given=_words(pid.get("PID-5.2")),
        birth_date=_birth_date(pid.get("PID-7.1"), reading),
        sex=_sex(pid.get("PID-8.1"), reading),
        postcode=_postcode(pid.get("PID-11.5")),
        phone=_phone(pid, "PID-13"),
    )


def _words(value: Change[str]) -> Change[str]:
    return value.strip() or None if isinstance(value, str) else value


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
        reading.doubts.append("PID-7 is no possible date of birth")
    return born


def _sex(value: Change[str], reading: Reading) -> Change[Sex]:
    if value is None or isinstance(value, Cleared):
        return value
    sex = codes.sex(value.strip())
    if sex is None:
        reading.doubts.append("PID-8 is not a code that is known here")
    return sex or Sex.UNKNOWN


def place_from_pv1(pv1: Values, reading: Reading) -> Change[Place]:
    """PV1-3: hospital, ward, room and bed as sent."""
    hospital, ward = pv1.text("PV1-3.4"), pv1.text("PV1-3.1")
    room, bed = pv1.text("PV1-3.2"), pv1.text("PV1-3.3")
    if not (hospital or ward or room or bed):
        return CLEARED if pv1.get("PV1-3.1") is CLEARED else None
    if not hospital or not ward:
        reading.doubts.append("PV1-3 does not name both the hospital and the ward")
    return Place(hospital, ward, room, bed)


def class_from_pv1(pv1: Values) -> Change[PatientClass]:
    """PV1-2."""
    value = _words(pv1.get("PV1-2.1"))
    return codes.patient_class(value) if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class Discharge:
    """How and where to the patient was discharged."""

    method: Change[str] = None
    destination: Change[str] = None

    @property
    def means_death(self) -> bool:
        """Method 4 or 5, destination 79, or free text in either that says so."""
        if self.method in _DIED_METHODS or self.destination == _DIED_DESTINATION:
            return True
        texts = (self.method, self.destination)
        return any(isinstance(text, str) and _DIED_WORDS.search(text) for text in texts)


def discharge_from_pv1(pv1: Values, dialect: Dialect) -> Discharge:
    """Method and destination of discharge: by the dialect's fields, unless the values object.

    One digit is a method and two are a destination, for the two fields swap between feeds.
    """
    method = _words(pv1.get(f"PV1-{dialect.discharge_method_field}.1"))
    destination = _words(pv1.get(f"PV1-{dialect.discharge_destination_field}.1"))
    if method is None and destination is None:
        return Discharge()
    swaps = _is(_DESTINATION, method) or _is(_METHOD, destination)
    if swaps and not _is(_METHOD, method) and not _is(_DESTINATION, destination):
        method, destination = destination, method
    if isinstance(method, str) and _is(_METHOD, method):
        method = plain_code(method)
    return Discharge(method, destination)


def _is(pattern: re.Pattern[str], value: Change[str]) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def died_from(pid: Values, discharge: Discharge, reading: Reading) -> Change[bool]:
    """Whether the patient died: PID-29, PID-30, or how and where to they were discharged."""
    flag = pid.text("PID-30.1").upper()
    if pid.text("PID-29.1") or flag in {"Y", "YES", "1"} or discharge.means_death:
        if flag in {"N", "NO"}:
            reading.doubts.append("PID-30 says that the patient lives, other fields that they died")
        return True
    if flag in {"N", "NO"}:
        return False
    cleared = CLEARED in (pid.get("PID-29.1"), pid.get("PID-30.1"))
    return CLEARED if cleared else None


def moment(segment: Values, path: str, reading: Reading) -> Change[datetime]:
    """A moment in UTC; None with a doubt where the stamp names none."""
    value = segment.get(path)
    if value is None or isinstance(value, Cleared):
        return value
    found = _instant(value, path, reading)
    return None if found is None else found.at


def _instant(value: str, path: str, reading: Reading) -> Instant | None:
    found = instant(value.strip(), reading.arrived_at)
    if found is not None and found.has_day and found.change is ClockChange.NONE:
        return found
    name = path.removesuffix(".1")
    if found is None or not found.has_day:
        reading.doubts.append(f"{name} is no possible date and time")
        return None
    if found.change is ClockChange.TWICE:
        reading.doubts.append(
            f"{name} falls in the hour that came twice; the reading nearest to arrival was taken"
        )
    else:
        reading.doubts.append(f"{name} falls in the hour that was skipped and was moved forward")
    return found


def planned_from_pv2(pv2: Values, reading: Reading) -> Change[PlannedDate]:
    """PV2-9: the day, and the moment only where an hour was sent."""
    value = pv2.get("PV2-9.1")
    if value is None or isinstance(value, Cleared):
        return value
    found = _instant(value, "PV2-9.1", reading)
    if found is None:
        return None
    if found.has_hour:
        return PlannedDate(london_date(found.at), found.at)
    on = day(value.strip())
    return None if on is None else PlannedDate(on)


def hiding_from_zu8(zu8: Values, reading: Reading) -> Change[Hiding]:
    """ZU8-4; a code we do not know hides most."""
    value = _words(zu8.get("ZU8-4.1"))
    if not isinstance(value, str):
        return value
    hiding = codes.hiding(value)
    if hiding is None:
        reading.doubts.append("ZU8-4 is not a code that is known here and was read as 2, national")
    return hiding or Hiding.NATIONAL


def sensitive_from(pv1: Values, zu8: Values) -> Change[bool]:
    """PV1-16 valued or ZU8-2 refusing; only PV1-16 cleared takes it back."""
    if pv1.text("PV1-16.1") or codes.refuses(zu8.text("ZU8-2.1")):
        return True
    return False if pv1.get("PV1-16.1") is CLEARED else None


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
        family=nk1.text("NK1-2.1") or None,
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
    return on is not None and on < london_date(reading.arrived_at)
