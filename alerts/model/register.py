"""The register of unpaid carers: one record per carer and person they look after."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from alerts.model.identity import Identifier


class Sharing(StrEnum):
    """What the patient agreed that a carer may be told."""

    FULL = "full"
    TOPICS = "topics"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Carer:
    """The carer as their centre knows them."""

    given: str
    family: str
    birth_date: date | None = None
    identifier: Identifier | None = None
    phone: str | None = None
    email: str | None = None
    postcode: str | None = None
    contact_by: str | None = None
    contact_times: str | None = None
    format: str | None = None
    language: str | None = None
    is_young: bool | None = None
    at_school: bool | None = None


@dataclass(frozen=True, slots=True)
class CaredFor:
    """The person looked after, as the register names them."""

    identifier: Identifier
    given: str
    family: str
    birth_date: date
    postcode: str | None = None


@dataclass(frozen=True, slots=True)
class Registration:
    """One carer of one person at one centre."""

    registration_id: str
    centre: str
    carer: Carer
    patient: CaredFor
    relationship: str
    """v3-RoleCode of the carer to the patient: CHILD means the carer is the patient's child."""
    agrees_hospital: bool
    agrees_events: bool
    sharing: Sharing
    registered_on: date
    topics: tuple[str, ...] = ()
    """What a passport lets the carer be told: medication, diagnosis, prognosis, discharge."""
    is_main: bool | None = None
    has_emergency_plan: bool | None = None
    has_support_plan: bool | None = None
    passport_scheme: str | None = None
    passport_number: str | None = None
    passport_expires_on: date | None = None
    preferred_service: str | None = None
    wants_feedback: bool | None = None
    review_on: date | None = None
    ended_on: date | None = None

    @property
    def key(self) -> str:
        """Unique over centres, since two centres may use the same registration id."""
        return f"{self.centre}/{self.registration_id}"
