"""What happened: one hospital message or one person's entry, in our words."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TypeAlias, TypeVar

from alerts.model.doubts import Doubt
from alerts.model.identity import Identifier, NextOfKin, Sex

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Cleared:
    """The sender said "delete what you hold" (HL7 v2.4 ch.2.7: the two-character value ``""``)."""

    cleared: bool = True


CLEARED = Cleared()

Change: TypeAlias = T | Cleared | None
"""A field of a message: a new value, Cleared, or None for "no change"."""


class EventKind(StrEnum):
    """What an event does to a stay."""

    ADMITTED = "admitted"
    TRANSFERRED = "transferred"
    DISCHARGED = "discharged"
    UPDATED = "updated"
    ADMISSION_CANCELLED = "admission-cancelled"
    DISCHARGE_CANCELLED = "discharge-cancelled"
    DISCHARGE_PLANNED = "discharge-planned"
    PLAN_CANCELLED = "plan-cancelled"
    PERSON_UPDATED = "person-updated"
    """About the person and no visit (A28, A31, A08 without a visit; A40: who stays)."""


class PatientClass(StrEnum):
    """PV1-2; whatever else is sent is ``unknown``, which counts as an inpatient."""

    INPATIENT = "inpatient"
    EMERGENCY = "emergency"
    OUTPATIENT = "outpatient"
    PREADMIT = "preadmit"
    DAY_CASE = "day-case"
    OTHER = "other"
    UNKNOWN = "unknown"


class Hiding(StrEnum):
    """ZU8-4 location hiding: 0 none, 1 local, 2 national (HL7 UK A.3)."""

    NONE = "none"
    LOCAL = "local"
    NATIONAL = "national"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the patient is: PV1-3 as sent."""

    hospital: str
    ward: str
    room: str = ""
    bed: str = ""


@dataclass(frozen=True, slots=True)
class PlannedDate:
    """Planned or expected date of discharge; ``at`` only where the sender gave an hour."""

    on: date
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PatientChange:
    """What a message says of the patient. ``identifiers`` None: the segment was absent."""

    identifiers: tuple[Identifier, ...] | None = None
    family: Change[str] = None
    given: Change[str] = None
    birth_date: Change[date] = None
    sex: Change[Sex] = None
    postcode: Change[str] = None
    phone: Change[str] = None


@dataclass(frozen=True, slots=True)
class AdtEvent:
    """One ADT message as one event of one stay."""

    kind: EventKind
    occurred_at: datetime
    """The event's own time (UTC): EVN-6, else EVN-2, else MSH-7; of a cancel never EVN-6."""
    recorded_at: datetime
    """EVN-2, else MSH-7 (UTC): settles ties."""
    sent_at: datetime
    """MSH-7 (UTC)."""
    control_id: str
    feed: str
    visit: str | None
    """PV1-19.1; None where the sender gave none, the stay is then patient plus admission time."""
    patient: PatientChange = PatientChange()
    place: Change[Place] = None
    patient_class: Change[PatientClass] = None
    admitted_at: Change[datetime] = None
    discharged_at: Change[datetime] = None
    planned: Change[PlannedDate] = None
    hiding: Change[Hiding] = None
    sensitive: Change[bool] = None
    """PV1-16 or ZU8-2 ask for discretion."""
    died: Change[bool] = None
    """PID-29/30, discharge method 4 or 5, destination 79, or free text that says died."""
    method: Change[str] = None
    destination: Change[str] = None
    next_of_kin: tuple[NextOfKin, ...] | None = None
    """None: the message cannot or does not say; an empty tuple: it says nobody."""
    doubts: tuple[Doubt, ...] = ()
    """What was doubtful in the message."""
    cancels_at: datetime | None = None
    """Of an event that cancels another: EVN-6, the time of what is cancelled (HL7 v2 ch. 3)."""
    movement: str | None = None
    """ZBE-1, the movement's own key, where it was sent (IHE ITI-31)."""
    visit_authority: str = ""
    """Who gave it: PV1-19.4, else the feed's ``visit_authority``, else ``MSH-3|MSH-4``."""
    visit_authority_sent: bool = False
    """True where PV1-19.4 said so; else it is a fall-back."""
    consent_refused: Change[bool] = None
    """ZU8-2: the patient does not consent to share; a fact apart from PV1-16."""
    stay: str = ""
    """Id of the stay that it is of; empty in messages of releases before there were any."""
    patient_id: str = ""
    """Id of the patient that it is about."""
    death_unclear: bool = False
    """The message says something of a death that no table knows: a person is asked."""

    def __hash__(self) -> int:
        """Of what tells events apart; equal ones are equal in all the rest too."""
        return hash((self.control_id, self.kind, self.occurred_at, self.stay))


@dataclass(frozen=True, slots=True)
class NotForUs:
    """The message is sound and none of our business; the reason is kept in the journal."""

    reason: str


class FactKind(StrEnum):
    """What a ward records about involving a carer; the code system is ``carer-proof``."""

    LIKELY = "likely-to-need-care"
    INFORMED = "informed"
    INVITED = "invited"
    VIEWS = "views"
    ABLE = "able"
    WILLING = "willing"
    ACCOUNT_TAKEN = "account-taken"


PROOFS = (FactKind.INFORMED, FactKind.INVITED, FactKind.VIEWS, FactKind.ACCOUNT_TAKEN)
"""The four facts of the involvement record, in order (Carers (Scotland) Act 2016 s.28(2))."""


@dataclass(frozen=True, slots=True)
class FactRecorded:
    """A person on the ward recorded one fact about one carer; ``undone`` takes it back."""

    fact: FactKind
    registration: str
    """Registration key, see ``Registration.key``."""
    at: datetime
    by: str
    how: str
    """A short code of the button pressed: ``phone``, ``in-person``, ``given``, ``no-reply`` …"""
    words: str
    """What the record says, in words."""
    planned_on: date | None = None
    """The planned date that stood when it was recorded."""
    undone: bool = False


class Answer(StrEnum):
    """What a person pressed on a Task or notice."""

    SEEN = "seen"
    CONTACTED = "contacted"
    NO_REPLY = "no-reply"
    DECLINED = "declined"
    CALLED = "called"
    SAME_PERSON = "same-person"
    DIFFERENT_PERSON = "different-person"
    NOT_SURE = "not-sure"
    AS_RECORDED = "as-recorded"
    NOT_AS_RECORDED = "not-as-recorded"
    ALIVE = "alive"
    DIED = "died"


@dataclass(frozen=True, slots=True)
class Answered:
    """A person answered one Task or notice of this stay."""

    alert: str
    answer: Answer
    at: datetime
    by: str
    words: str = ""


StayEvent: TypeAlias = AdtEvent | FactRecorded | Answered
