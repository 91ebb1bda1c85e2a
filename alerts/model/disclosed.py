"""What one recipient may be told, and nothing else: the only thing that gets rendered."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeAlias

from alerts.model.alert import (
    NoticeStatus,
    Recipient,
    TaskCode,
    TaskState,
    TaskStatus,
)
from alerts.model.events import FactRecorded, PatientClass
from alerts.model.identity import Identifier, Sex
from alerts.model.site import NoticeEvent
from alerts.model.stay import StayStatus


@dataclass(frozen=True, slots=True)
class Named:
    """A desk or person with the words to show for it."""

    recipient: Recipient
    display: str


@dataclass(frozen=True, slots=True)
class DisclosedTask:
    """A Task as one recipient may see it; a centre gets no patient, visit, place or facts."""

    id: str
    code: TaskCode
    status: TaskStatus
    state: TaskState | None
    owner: Named
    authored_at: datetime
    modified_at: datetime
    due_at: datetime | None
    urgent: bool
    registration_id: str | None
    patient: Identifier | None
    """For wards and coordinators; a centre gets the registration id as its subject."""
    visit: str | None
    visit_authority: str
    """Who gave the visit number; empty where nobody knows."""
    place: str | None
    """``hospital/ward`` for Task.location."""
    carer: str | None
    """Carer's name and relationship in words, for the ward."""
    planned_on: date | None
    facts: tuple[FactRecorded, ...]
    focus_notice: str | None
    reason: str | None
    left: str | None
    """To a centre: when the patient left, to the part of the day."""
    note: str | None
    """One sentence for the reader; to a centre only hospital, hub phone and date."""


@dataclass(frozen=True, slots=True)
class DisclosedNotice:
    """A notice as a centre may see it."""

    id: str
    event: NoticeEvent
    status: NoticeStatus
    to: Named
    registration_id: str
    sent_at: datetime
    sentences: tuple[str, ...]
    planned_on: date | None
    in_response_to: tuple[str, ...]


Disclosure: TypeAlias = DisclosedTask | DisclosedNotice


@dataclass(frozen=True, slots=True)
class DisclosedPatient:
    """A patient as hospital staff may see them."""

    stay_id: str
    """The stay whose messages say so."""
    numbers: tuple[Identifier, ...]
    """Those that are sure, the best first."""
    given: str | None
    family: str | None
    birth_date: date | None
    sex: Sex | None
    phone: str | None
    postcode: str | None
    died: bool


@dataclass(frozen=True, slots=True)
class DisclosedStay:
    """A stay as hospital staff may see it."""

    id: str
    visit: str
    visit_authority: str
    patient: Identifier | None
    status: StayStatus
    patient_class: PatientClass | None
    place: str | None
    """``hospital/ward``."""
    admitted_at: datetime | None
    discharged_at: datetime | None
    method: str | None
    destination: str | None


@dataclass(frozen=True, slots=True)
class DisclosedCarer:
    """A carer as one reader may see them."""

    key: str
    registration_id: str
    is_registered: bool
    """The registration has not ended."""
    patient: Identifier | None
    """None to a centre: the registration stands for the patient."""
    relationship: str
    given: str
    family: str
    phone: str | None
    email: str | None
    language: str | None
    registered_on: date
    ended_on: date | None
