"""A stay and a registration with a canary in every field, and what is disclosed of them."""

from dataclasses import replace
from datetime import UTC, date, datetime

from alerts.disclosure.alerts import Telling
from alerts.model.alert import (
    Notice,
    NoticeStatus,
    Recipient,
    RecipientKind,
    Task,
    TaskCode,
    TaskState,
    TaskStatus,
)
from alerts.model.events import (
    Answer,
    Answered,
    FactKind,
    FactRecorded,
    PatientClass,
    Place,
    PlannedDate,
)
from alerts.model.identity import Identifier, IdentifierKind, NextOfKin, Patient, Sex
from alerts.model.register import CaredFor, Carer, Registration, Sharing
from alerts.model.site import NoticeEvent
from alerts.model.stay import Stay, StayStatus
from tests.support.desk import a_site, london

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
KEY = "LANCARERS/R-EXTERNAL-7"
NHS = Identifier(IdentifierKind.NHS, "9990000018")
LOCAL = Identifier(IdentifierKind.LOCAL, "CANARY-LOCAL", "CANARY-AUTHORITY")

STAY = Stay(
    id="CANARY-STAY",
    feed="CANARY-FEED",
    visit="CANARY-VISIT",
    patient=Patient(
        (NHS, LOCAL),
        "CANARY-FAMILY",
        "CANARY-GIVEN",
        date(1901, 2, 3),
        Sex.FEMALE,
        "CANARY-POSTCODE",
        "CANARY-PHONE",
    ),
    status=StayStatus.DISCHARGED,
    patient_class=PatientClass.INPATIENT,
    place=Place("L302H", "M7A", "CANARY-ROOM", "CANARY-BED"),
    admitted_at=datetime(1903, 1, 1, tzinfo=UTC),
    discharged_at=london(2026, 11, 20, 14, 37),
    discharges=1,
    planned=PlannedDate(date(2026, 11, 24)),
    method="CANARY-METHOD",
    destination="CANARY-DESTINATION",
    next_of_kin=(NextOfKin("CANARY-KIN", "CANARY-KIN-GIVEN", "CANARY-KIN-AS"),),
    facts=(
        FactRecorded(FactKind.VIEWS, KEY, NOW, "CANARY-NURSE", "phone", "CANARY-VIEWS"),
        FactRecorded(FactKind.VIEWS, "OTHER/R2", NOW, "CANARY-N2", "phone", "CANARY-OTHER"),
    ),
    answers=(Answered("x", Answer.SEEN, NOW, "CANARY-BY", "CANARY-WORDS"),),
)
REGISTRATION = Registration(
    registration_id="R-EXTERNAL-7",
    centre="LANCARERS",
    carer=Carer(
        "CARER-GIVEN",
        "CARER-FAMILY",
        date(1902, 3, 4),
        Identifier(IdentifierKind.NHS, "9990000026"),
        "CANARY-CARER-PHONE",
        "CANARY-CARER-EMAIL",
        "CANARY-CARER-POSTCODE",
        "phone",
        "CANARY-TIMES",
        "CANARY-FORMAT",
        "CANARY-LANGUAGE",
    ),
    patient=CaredFor(NHS, "CANARY-GIVEN", "CANARY-FAMILY", date(1901, 2, 3), "CANARY-POSTCODE"),
    relationship="DAU",
    agrees_hospital=True,
    agrees_events=True,
    sharing=Sharing.FULL,
    registered_on=date(1904, 1, 1),
    topics=("CANARY-TOPIC",),
    passport_scheme="CANARY-SCHEME",
    passport_number="CANARY-PASSPORT",
    preferred_service="CANARY-SERVICE",
)
TELLING = Telling(STAY, REGISTRATION, a_site(), NOW)
WARD = Recipient(RecipientKind.WARD, "L302H/M7A")
COORDINATOR = Recipient(RecipientKind.COORDINATOR, "L302H")
CENTRE = Recipient(RecipientKind.CENTRE, "LANCARERS")


def a_task(code: TaskCode, recipient: Recipient, **changes) -> Task:
    task = Task(
        id="00000000-0000-5000-8000-000000000001",
        code=code,
        stay=STAY.id,
        registration=KEY,
        recipient=recipient,
        status=TaskStatus.REQUESTED,
        state=TaskState.INFORMED,
        authored_at=NOW,
        due_at=london(2026, 11, 24, 17),
        reason="CANARY-REASON",
    )
    return replace(task, **changes)


def a_notice(event: NoticeEvent, **changes) -> Notice:
    notice = Notice(
        id="00000000-0000-5000-8000-000000000002",
        event=event,
        stay=STAY.id,
        registration=KEY,
        recipient=CENTRE,
        status=NoticeStatus.COMPLETED,
        decided_at=london(2026, 11, 20, 15),
        planned_on=date(2026, 11, 24),
        happened_at=STAY.discharged_at,
    )
    return replace(notice, **changes)
