"""A hospital stay as we believe it, folded from its events by event time."""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import TypeAlias

from alerts.model.doubts import Doubt, DoubtKind
from alerts.model.events import (
    Answered,
    FactRecorded,
    Hiding,
    PatientClass,
    Place,
    PlannedDate,
)
from alerts.model.identity import NextOfKin, Patient

PlansSaid: TypeAlias = tuple[tuple[str, PlannedDate | None], ...]
"""The planned date that each feed last gave; None where it cleared it."""


class StayStatus(StrEnum):
    """Where the stay stands."""

    OPEN = "open"
    DISCHARGED = "discharged"
    CANCELLED = "cancelled"


class DeathSaid(StrEnum):
    """What a sender last said of a death."""

    DIED = "died"
    LIVES = "lives"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Stay:
    """One stay of one patient; every field is what the newest event by event time said."""

    id: str
    """Never changes, whatever becomes of its numbers."""
    feed: str
    visit: str
    """PV1-19, or where there was none the stay's own id."""
    patient: Patient = field(default_factory=Patient)
    status: StayStatus = StayStatus.OPEN
    patient_class: PatientClass | None = None
    place: Place | None = None
    admitted_at: datetime | None = None
    discharged_at: datetime | None = None
    discharges: int = 0
    """How often this stay was discharged: the occasion of discharge notices, kept through A13."""
    planned: PlannedDate | None = None
    planned_known_at: datetime | None = None
    """When the planned date that stands became known (event time)."""
    plans: int = 0
    """How many times a planned date became known after there was none: the occasion of a plan."""
    planned_before: date | None = None
    """The planned date that stood before the one that stands, within one plan."""
    hiding: Hiding | None = None
    sensitive: bool = False
    died: bool = False
    died_after_leaving: bool = False
    """The death became known after the discharge (event time): the discharge stays what it was."""
    method: str | None = None
    destination: str | None = None
    next_of_kin: tuple[NextOfKin, ...] = ()
    facts: tuple[FactRecorded, ...] = ()
    """The facts that stand, oldest first; one taken back is not among them."""
    answers: tuple[Answered, ...] = ()
    opened_at: datetime | None = None
    """Event time of the first event."""
    last_event_at: datetime | None = None
    doubts: tuple[Doubt, ...] = ()
    """What is doubtful about it, of the newest message and of the stay's own dates."""
    patient_id: str = ""
    """Id of the patient whose stay it is; empty for stays of releases before there were any."""
    visit_authority: str = ""
    """Who gave the visit number."""
    consent_refused: bool = False
    """ZU8-2: the patient does not consent to share."""
    death_unclear: bool = False
    """Something was said of a death that no table knows, or it was denied; a person is asked."""
    deaths_said: tuple[tuple[str, DeathSaid], ...] = ()
    """What each feed last said of a death."""
    plans_said: PlansSaid = ()
    left_undone: datetime | None = None
    """The time of leaving that was taken back: repeated, it ends nothing."""
    awaits_cancelled: bool = False
    """A cancel names an event that has not come; one that comes later may never have stood."""

    @property
    def is_inpatient(self) -> bool:
        """PV1-2 is I, empty or unknown (contract §7.1)."""
        return self.patient_class in (None, PatientClass.INPATIENT, PatientClass.UNKNOWN)

    def is_doubtful(self, kind: DoubtKind) -> bool:
        """Whether there is a doubt of that kind about it."""
        return any(doubt.kind is kind for doubt in self.doubts)

    @property
    def is_open(self) -> bool:
        """The patient is still in hospital."""
        return self.status is StayStatus.OPEN
