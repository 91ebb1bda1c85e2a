"""The keys of the site file: what each table may hold and what a value must be."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from alerts.model.events import PatientClass
from alerts.model.identity import IdentifierKind
from alerts.model.site import Nation, NoticeEvent
from service import readers

_EMAIL = re.compile(r"[^@\s<>,;:\"]+@[A-Za-z0-9.-]+")

Reader = Callable[[object], object]
"""Turns a TOML value into ours; raises ValueError saying what the key takes."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one kind of table."""

    readers: Mapping[str, Reader]
    required: tuple[str, ...] = ()


def text(value: object) -> str:
    """Any text, without spaces around it."""
    if not isinstance(value, str):
        raise ValueError("takes text in quotes")  # noqa: TRY004 - a fault, not a bug
    return value.strip()


def name(value: object) -> str:
    """Text that says something."""
    if not text(value):
        raise ValueError("may not be empty")
    return text(value)


def code(value: object) -> str:
    """A code that stands before a slash in our identifiers."""
    if "/" in name(value):
        raise ValueError("may not contain a slash")
    return name(value)


def yes_or_no(value: object) -> bool:
    """A TOML boolean."""
    if not isinstance(value, bool):
        raise ValueError("takes true or false, without quotes")  # noqa: TRY004
    return value


def texts(value: object) -> tuple[str, ...]:
    """A list of texts."""
    if not isinstance(value, list):
        raise ValueError('takes a list, such as ["A", "B"]')  # noqa: TRY004
    return tuple(name(each) for each in value)


def _one_of(*allowed: str) -> Reader:
    def read(value: object) -> str:
        if value not in allowed:
            raise ValueError(f"takes {' or '.join(allowed)}")
        return str(value)

    return read


def _nation(value: object) -> Nation:
    if value not in tuple(Nation):
        raise ValueError("takes SCT or ENG")
    return Nation(str(value))


_LATER_EVENTS = ("admitted", "transferred", "on-leave", "returned")


def _events(value: object) -> tuple[NoticeEvent, ...]:
    for each in texts(value):
        if each in _LATER_EVENTS:
            raise ValueError(f"event {each} is not part of this release")
        if each not in tuple(NoticeEvent):
            raise ValueError(f"there is no event {each}: choose from {', '.join(NoticeEvent)}")
    return tuple(NoticeEvent(each) for each in texts(value))


def _server(value: object) -> str:
    return readers.web_url(text(value)) if text(value) else ""


def _email(value: object) -> str:
    found = text(value)
    if found and not _EMAIL.fullmatch(found):
        raise ValueError("takes one e-mail address, such as desk@centre.example")
    return found


def _charset(value: object) -> str:
    try:
        reads_ascii = b"MSH|^~\\&".decode(name(value)) == "MSH|^~\\&"
    except (LookupError, UnicodeError):
        reads_ascii = False
    if not reads_ascii:
        raise ValueError("takes the name of a character set such as cp1252 or utf-8")
    return name(value)


def _identifiers(value: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, dict) or any(v not in tuple(IdentifierKind) for v in value.values()):
        raise ValueError('takes a table such as { "CHI" = "chi", "NHS" = "nhs" }')
    return tuple((str(alias), str(kind)) for alias, kind in value.items())


def _certificate_names(value: object) -> tuple[str, ...]:
    if not texts(value):
        raise ValueError('takes at least one name, such as ["pas.hospital.example"]')
    return texts(value)


def _address(value: object) -> tuple[str, int]:
    host, port = readers.address(text(value))
    if not port:
        raise ValueError("takes a port that senders know, not 0")
    return host, port


def _field(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value not in (36, 37):
        raise ValueError("takes the number of a PV1 field, 36 or 37")
    return value


def _some_of(*allowed: str) -> Reader:
    def read(value: object) -> tuple[str, ...]:
        found = texts(value)
        if not set(found) <= set(allowed):
            raise ValueError(f"takes a list of {' and '.join(allowed)}")
        return found

    return read


def _time_zone(value: object) -> str:
    try:
        return ZoneInfo(name(value)).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("takes the name of a time zone, such as Europe/London") from None


def _patient_classes(value: object) -> tuple[tuple[str, str], ...]:
    classes = [kind for kind in PatientClass if kind is not PatientClass.UNKNOWN]
    if not isinstance(value, dict) or any(kind not in classes for kind in value.values()):
        raise ValueError(f'takes a table such as {{ "DC" = "day-case" }}, of {", ".join(classes)}')
    return tuple((str(sent), str(kind)) for sent, kind in value.items())


def _planned_date_field(value: object) -> tuple[str, ...]:
    fields = texts(value) if isinstance(value, list) else (name(value),)
    if not fields or not set(fields) <= {"PV2-9", "ZU1-24"}:
        raise ValueError('takes "PV2-9", "ZU1-24" or a list of both, the preferred one first')
    return fields


SITE = Keys(
    {
        "name": name,
        "nation": _nation,
        "default_centre": code,
        "chi_system": name,
        "synthetic": yes_or_no,
        "claim_draft_profiles": yes_or_no,
        "url": _server,
    },
    ("name", "nation", "default_centre"),
)
HOSPITAL = Keys(
    {"code": code, "name": name, "hub_phone": text, "interpreter_phone": text}, ("code", "name")
)
WARD = Keys(
    {"code": name, "hospital": code, "name": name, "live": yes_or_no}, ("code", "hospital", "name")
)
CENTRE = Keys(
    {
        "code": code,
        "name": name,
        "phone": text,
        "out_of_hours_phone": text,
        "hours": text,
        "areas": texts,
        "events": _events,
        "channel": _one_of("inbox", "fhir", "smtp", "kafka"),
        "email": _email,
        "fhir_url": _server,
    },
    ("code", "name"),
)
FEED = Keys(
    {
        "name": code,
        "sending_application": name,
        "sending_facility": name,
        "ack_mode": _one_of("auto", "original", "enhanced"),
        "processing_id": name,
        "hidden_when_unknown": yes_or_no,
        "refuse_unusable": yes_or_no,
        "charset": _charset,
        "identifiers": _identifiers,
        "discharge_method_field": _field,
        "discharge_destination_field": _field,
        "carer_relationships": texts,
        "death_methods": texts,
        "time_zone": _time_zone,
        "discharge_outside_a03": yes_or_no,
        "ways": _some_of("folder", "kafka"),
        "visit_authority": text,
        "patient_authority": text,
        "patient_classes": _patient_classes,
        "sensitive_values": texts,
        "planned_date_field": _planned_date_field,
        "certificate_names": _certificate_names,
        "address": _address,
    },
    ("name",),
)
