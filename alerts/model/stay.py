"""A hospital stay as we believe it, folded from its events by event time."""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from alerts.model.doubts import Doubt
from alerts.model.events import (
    Answered,
    FactRecorded,
    Hiding,
    PatientClass,
    Place,
    PlannedDate,
)
from alerts.model.identity import NextOfKin, Patient


class StayStatus(StrEnum):
    """Where the stay stands."""

    OPEN = "open"
    DISCHARGED = "discharged"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Stay:
    """One stay of one patient; every field is what the newest event by event time said."""

    id: str
    """uuid5 of feed and visit number."""
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
    warnings: tuple[str, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    """What is doubtful about it, of the newest message and of the stay's own dates."""
    patient_id: str = ""
    """Id of the patient whose stay it is; empty for stays of releases before there were any."""
    visit_authority: str = ""
    """Who gave the visit number."""
    consent_refused: bool = False
    """ZU8-2: the patient does not consent to share."""
    death_unclear: bool = False
    """Something was said of a death that no table knows; a person is asked."""

    @property
    def is_inpatient(self) -> bool:
        """PV1-2 is I, empty or unknown (contract §7.1)."""
        return self.patient_class in (None, PatientClass.INPATIENT, PatientClass.UNKNOWN)

    @property
    def is_open(self) -> bool:
        """The patient is still in hospital."""
        return self.status is StayStatus.OPEN
