"""The small pieces that every resource is made of."""

from datetime import UTC, datetime
from html import escape

from alerts.model.alert import Recipient, RecipientKind
from alerts.model.disclosed import Named
from alerts.model.identity import Identifier, IdentifierKind
from mapping.fhir import systems

Element = dict[str, object]

_DESKS = {
    RecipientKind.WARD: systems.WARD,
    RecipientKind.COORDINATOR: systems.HOSPITAL,
    RecipientKind.CENTRE: systems.CENTRE,
}
_DEFAULT_CHI = "urn:oid:2.16.840.1.113883.2.1.3.2.4.16.53"


def instant(at: datetime) -> str:
    """An instant in UTC to the second (FHIR R4 dateTime)."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def instant_ms(at: datetime) -> str:
    """An instant in UTC with milliseconds."""
    utc = at.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def logical(kind: str, system: str, value: str, display: str = "") -> Element:
    """A logical reference: type and identifier, no address."""
    reference: Element = {"type": kind, "identifier": {"system": system, "value": value}}
    return reference | ({"display": display} if display else {})


def desk(named: Named) -> Element:
    """Owner or recipient: an Organization by our own identifier (R4 takes no Location there)."""
    recipient: Recipient = named.recipient
    return logical("Organization", _DESKS[recipient.kind], recipient.code, named.display)


def person_number(number: Identifier, chi_system: str = _DEFAULT_CHI) -> Element:
    """NHS number, CHI or local number as a FHIR Identifier."""
    match number.kind:
        case IdentifierKind.NHS:
            return {"system": systems.NHS_NUMBER, "value": number.value}
        case IdentifierKind.CHI:
            return {"system": chi_system, "value": number.value}
        case IdentifierKind.LOCAL:
            authority = f"/{number.authority}" if number.authority else ""
            return {"system": f"{systems.LOCAL}{authority}", "value": number.value}


def coded(system: str, code: str, text: str = "") -> Element:
    """A CodeableConcept of one coding."""
    concept: Element = {"coding": [{"system": system, "code": code}]}
    return concept | ({"text": text} if text else {})


def narrative(*sentences: str) -> Element:
    """Generated text for a reader without our software."""
    inside = "".join(f"<p>{escape(s)}</p>" for s in sentences if s)
    div = f'<div xmlns="http://www.w3.org/1999/xhtml">{inside or "<p>Think Carer</p>"}</div>'
    return {"status": "generated", "div": div}


def software() -> Element:
    """Who asks: this service."""
    return logical("Device", systems.SOFTWARE, "thinkcarer", "Think Carer")
