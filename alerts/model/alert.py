"""What we tell whom: Tasks for wards, coordinators and centres, notices for centres."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TypeAlias

from alerts.model.register import Registration
from alerts.model.site import NoticeEvent


class TaskCode(StrEnum):
    """What a Task asks for; the code system is ``carer-task``."""

    INVOLVE_CARER = "involve-carer"
    CONFIRM_MATCH = "confirm-match"
    CONTACT_CARER = "contact-carer"
    REPAIR_MISSED = "repair-missed"
    BEREAVEMENT_SUPPORT = "bereavement-support"
    CONFIRM_DEATH = "confirm-death"


class TaskStatus(StrEnum):
    """FHIR R4 task-status, the part we use."""

    REQUESTED = "requested"
    RECEIVED = "received"
    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"


OPEN_STATUSES = (TaskStatus.REQUESTED, TaskStatus.RECEIVED, TaskStatus.IN_PROGRESS)


class TaskState(StrEnum):
    """Where involvement stands; the code system is ``carer-task-state``."""

    NOT_INFORMED = "not-informed"
    INFORMED = "informed"
    VIEWS_INVITED = "views-invited"
    VIEWS_RECORDED = "views-recorded"
    ACCOUNT_TAKEN = "account-taken"
    COMPLETE = "complete"
    MISSED = "missed"
    NOT_APPLICABLE = "not-applicable"
    SHARE_NOTHING = "engage-share-nothing"


class RecipientKind(StrEnum):
    """Who can be told."""

    WARD = "ward"
    COORDINATOR = "coordinator"
    CENTRE = "centre"


@dataclass(frozen=True, slots=True)
class Recipient:
    """A desk: ward ``L302H/M7A``, coordinator ``L302H``, centre ``LANCARERS``."""

    kind: RecipientKind
    code: str


@dataclass(frozen=True, slots=True)
class Task:
    """Something that a desk is asked to do. ``id`` is the obligation's uuid5."""

    id: str
    code: TaskCode
    stay: str
    registration: str | None
    """Registration key; None for what concerns the stay alone."""
    recipient: Recipient
    status: TaskStatus
    state: TaskState | None
    authored_at: datetime
    due_at: datetime | None
    urgent: bool = False
    occasion: str = ""
    """What makes it a new obligation on the same stay: the n-th discharge."""
    focus: str | None = None
    """Id of the notice it follows from."""
    reason: str | None = None
    """Why it ended, in words without a person in them."""
    late: bool = False
    """It follows from news that was old when it was told."""


class NoticeStatus(StrEnum):
    """FHIR R4 event-status, the part we use."""

    COMPLETED = "completed"
    NOT_DONE = "not-done"
    ENTERED_IN_ERROR = "entered-in-error"


@dataclass(frozen=True, slots=True)
class Notice:
    """News for a centre. ``id`` is the obligation's uuid5."""

    id: str
    event: NoticeEvent
    stay: str
    registration: str
    recipient: Recipient
    status: NoticeStatus
    decided_at: datetime
    occasion: str = ""
    planned_on: date | None = None
    happened_at: datetime | None = None
    in_response_to: tuple[str, ...] = ()
    """Ids of the earlier notices that this one corrects."""
    seen_at: datetime | None = None
    late: bool = False
    """What it tells of was old news by then."""


Alert: TypeAlias = Task | Notice


class Agreement(StrEnum):
    """How one piece of evidence compares."""

    SAME = "same"
    DIFFERENT = "different"
    NOT_KNOWN = "not-known"


class MatchGrade(StrEnum):
    """How sure we are that the patient is the person on the register."""

    CERTAIN = "certain"
    DOUBTFUL = "doubtful"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One line of the comparison that a coordinator sees."""

    what: str
    """``identifier``, ``status``, ``family``, ``given``, ``birth-date``, ``postcode``."""
    agreement: Agreement


@dataclass(frozen=True, slots=True)
class Match:
    """A patient beside one registration."""

    registration: Registration
    grade: MatchGrade
    evidence: tuple[Evidence, ...]
    fingerprint: str
    """Digest of what was compared: a person's answer holds only while it stays the same."""
    confirmed: bool = False
    """True where a person said that they are the same."""
    ended: bool = False
    """True where the registration has ended: nothing new follows from it."""


@dataclass(frozen=True, slots=True)
class MatchDecision:
    """A coordinator's answer about one patient and one registration; it binds nobody else."""

    registration: str
    fingerprint: str
    """The evidence that was shown: where it changes, the question is a new one."""
    is_same: bool
    by: str
    at: datetime
    subject: str = ""
    """Id of the patient, or of the stay where the patient has no number of the hospital's own;
    empty: an answer of an earlier release that binds nobody."""
    id: int = 0
    stay: str = ""
    """Of which stay the question was."""
    taken_back_at: datetime | None = None
    taken_back_by: str = ""
