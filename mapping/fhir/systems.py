"""The URIs of identifier systems, code systems and profiles, and what one site claims of them."""

from dataclasses import dataclass

from alerts.model.alert import Recipient, RecipientKind
from alerts.model.identity import Identifier, IdentifierKind

BASE = "https://thinkcarer.example/"
REGISTRATION = f"{BASE}Id/registration"
VISIT = f"{BASE}Id/visit"
WARD = f"{BASE}Id/ward"
SOFTWARE = f"{BASE}Id/software"
LOCAL_NUMBER = f"{BASE}Id/local-number"
NHS_NUMBER = "https://fhir.nhs.uk/Id/nhs-number"
CHI = "urn:oid:2.16.840.1.113883.2.1.3.2.4.16.53"

CARER_TASK = f"{BASE}CodeSystem/carer-task"
CARER_TASK_STATE = f"{BASE}CodeSystem/carer-task-state"
CARER_EVENT = f"{BASE}CodeSystem/carer-event"
CARER_PROOF = f"{BASE}CodeSystem/carer-proof"

ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
ROLE_CODE = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
DATA_ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
COMMUNICATION_CATEGORY = "http://terminology.hl7.org/CodeSystem/communication-category"
LANGUAGE = "urn:ietf:bcp:47"
UK_CORE = "https://fhir.hl7.org.uk/"
UK_CORE_CARER = f"{UK_CORE}CodeSystem/UKCore-AdditionalPersonRelationshipRole"
DISCHARGE_METHOD = f"{UK_CORE}CodeSystem/UKCore-DischargeMethodEngland"
DISCHARGE_DESTINATION = f"{UK_CORE}CodeSystem/UKCore-DischargeDestinationEngland"
DISCHARGE_METHOD_EXTENSION = f"{UK_CORE}StructureDefinition/Extension-UKCore-DischargeMethod"

# UK Core STU2 2.0.1 leaves the profiles of draft status out of its published package.
_ACTIVE = ("Patient", "RelatedPerson", "Encounter")
_DRAFT = ("Task", "Communication")

_RECIPIENTS = {
    RecipientKind.WARD: WARD,
    RecipientKind.COORDINATOR: f"{BASE}Id/hospital",
    RecipientKind.CENTRE: f"{BASE}Id/centre",
}


@dataclass(frozen=True, slots=True)
class Claims:
    """What the site file settles about what we send."""

    draft: bool = False
    """Claim UK Core profiles of draft status too."""
    chi_system: str = CHI


def profiles(kind: str, claims: Claims) -> tuple[str, ...]:
    """The profiles that a resource of this kind claims in ``meta.profile``."""
    claimed = _ACTIVE + _DRAFT if claims.draft else _ACTIVE
    return (f"{UK_CORE}StructureDefinition/UKCore-{kind}",) if kind in claimed else ()


def system_of_recipient(recipient: Recipient) -> str:
    """The identifier system of a ward, a hospital's coordinator or a centre."""
    return _RECIPIENTS[recipient.kind]


def system_of_number(number: Identifier, claims: Claims) -> str:
    """The identifier system of a patient's number; a local one is kept apart by its authority."""
    match number.kind:
        case IdentifierKind.NHS:
            return NHS_NUMBER
        case IdentifierKind.CHI:
            return claims.chi_system
        case IdentifierKind.LOCAL:
            return (
                f"{LOCAL_NUMBER}/{_in_uri(number.authority)}" if number.authority else LOCAL_NUMBER
            )


def _in_uri(text: str) -> str:
    """Percent-encoded, RFC 3986 §2.3."""
    return "".join(c if _is_plain(c) else "".join(f"%{b:02X}" for b in c.encode()) for c in text)


def _is_plain(character: str) -> bool:
    return character.isascii() and (character.isalnum() or character in "-._~")
