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
from alerts.model.events import FactRecorded
from alerts.model.identity import Identifier
from alerts.model.site import NoticeEvent


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
