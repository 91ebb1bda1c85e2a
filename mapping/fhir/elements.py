"""The small parts that every resource is built of: references, codes, times, the narrative."""

import unicodedata
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from html import escape
from typing import TypeAlias
from zoneinfo import ZoneInfo

from alerts.model.disclosed import Named
from alerts.model.identity import Identifier
from mapping.fhir.systems import (
    SOFTWARE,
    VISIT,
    Claims,
    profiles,
    system_of_number,
    system_of_recipient,
)

Element: TypeAlias = dict[str, object]
"""A FHIR element on its way to JSON: never with an empty value in it."""

LONDON = ZoneInfo("Europe/London")
_XHTML = "http://www.w3.org/1999/xhtml"


def element(parts: Mapping[str, object]) -> Element:
    """The parts that have a value; FHIR knows no empty ones."""
    return {name: value for name, value in parts.items() if value not in (None, "", [], (), {})}


def head(kind: str, resource_id: str, claims: Claims) -> Element:
    """Type, id and the profiles claimed: how every resource begins."""
    claimed = list(profiles(kind, claims))
    return element({"resourceType": kind, "id": resource_id, "meta": element({"profile": claimed})})


def reference(kind: str, system: str, value: str, display: str | None = None) -> Element:
    """A logical reference: no URL, but the type and an identifier of what is meant."""
    return element(
        {
            "type": kind,
            "identifier": {"system": system, "value": words(value)},
            "display": words(display),
        }
    )


def to_patient(number: Identifier, claims: Claims) -> Element:
    """The patient, by their number."""
    return reference("Patient", system_of_number(number, claims), number.value)


def to_stay(visit: str, authority: str) -> Element:
    """The stay, by its visit number and who gave it."""
    return {"type": "Encounter", "identifier": visit_number(visit, authority)}


def visit_number(visit: str, authority: str) -> Element:
    """PV1-19 with who gave it: the numbers of two systems may be equal."""
    given_by = words(authority)
    assigner = {"type": "Organization", "identifier": {"value": given_by}} if given_by else None
    return element({"system": VISIT, "value": words(visit), "assigner": assigner})


def to_desk(named: Named) -> Element:
    """A ward, coordinator or centre; R4 takes no Location as owner or recipient."""
    recipient = named.recipient
    system = system_of_recipient(recipient)
    return reference("Organization", system, recipient.code, named.display)


def to_us() -> Element:
    """This service, as a device."""
    return reference("Device", SOFTWARE, "thinkcarer", "ThinkCarer")


def concept(system: str, code: str, text: str | None = None) -> Element:
    """A CodeableConcept of one coding, with words beside it."""
    return element({"coding": [{"system": system, "code": code}], "text": words(text)})


def instant(at: datetime) -> str:
    """An instant to the second, in UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def instant_with_milliseconds(at: datetime) -> str:
    """An instant to the millisecond, in UTC."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def plain_date(on: date) -> str:
    """A date as people write it."""
    return f"{on.day} {on:%B %Y}"


def plain_instant(at: datetime) -> str:
    """An instant as a clock on a British wall shows it."""
    here = at.astimezone(LONDON)
    return f"{plain_date(here.date())}, {here:%H:%M}"


def narrative(title: str, lines: Iterable[str | None]) -> Element:
    """The resource in plain words, for a reader without our codes."""
    body = "".join(f"<p>{escape(line)}</p>" for line in map(words, (title, *lines)) if line)
    return {"status": "generated", "div": f'<div xmlns="{_XHTML}">{body}</div>'}


def words(text: str | None) -> str | None:
    """Text without what FHIR strings may not hold: control characters, space at the ends."""
    if text is None or text.isprintable():
        return (text or "").strip() or None
    return "".join(c if _is_readable(c) else " " for c in text).strip() or None


def _is_readable(character: str) -> bool:
    # Cc is control, Cs half of a surrogate pair.
    return unicodedata.category(character) not in ("Cc", "Cs")
