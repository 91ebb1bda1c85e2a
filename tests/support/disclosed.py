"""Disclosed Tasks and notices for tests: fixed defaults, a test states only what matters."""

from dataclasses import replace
from datetime import UTC, date, datetime

from alerts.disclosure import people
from alerts.disclosure.people import Reader
from alerts.model.alert import (
    NoticeStatus,
    Recipient,
    RecipientKind,
    TaskCode,
    TaskState,
    TaskStatus,
)
from alerts.model.disclosed import (
    DisclosedCarer,
    DisclosedNotice,
    DisclosedPatient,
    DisclosedStay,
    DisclosedTask,
    Named,
)
from alerts.model.events import FactKind, FactRecorded
from alerts.model.identity import Identifier, IdentifierKind
from alerts.model.register import Registration
from alerts.model.site import NoticeEvent
from alerts.model.stay import Stay

WARD = Named(Recipient(RecipientKind.WARD, "L302H/M7A"), "Ward 7A")
COORDINATOR = Named(Recipient(RecipientKind.COORDINATOR, "L302H"), "Discharge coordinator")
CENTRE = Named(Recipient(RecipientKind.CENTRE, "LANCARERS"), "Lanarkshire Carers (synthetic)")
NHS = Identifier(IdentifierKind.NHS, "9990000018")
CHI = Identifier(IdentifierKind.CHI, "0113500017")
LOCAL = Identifier(IdentifierKind.LOCAL, "H 123/4", "LAN PAS")
AUTHORED_AT = datetime(2026, 11, 20, 9, 1, tzinfo=UTC)
NOTICE = "91ef6194-82cb-5846-b84c-5a1302c9d95c"
EARLIER = "66710d5c-dc1e-53c9-a775-ee63786fc710"


def a_fact(kind: FactKind = FactKind.INFORMED) -> FactRecorded:
    return FactRecorded(
        fact=kind,
        registration="LANCARERS/LANCARERS-1",
        at=datetime(2026, 11, 20, 11, tzinfo=UTC),
        by="Ward 7A, staff nurse",
        how="phone",
        words="By phone; told that Saturday is planned",
    )


def a_ward_task(**changes: object) -> DisclosedTask:
    task = DisclosedTask(
        id="07c1891c-5693-5d84-93f6-29fadabffd23",
        code=TaskCode.INVOLVE_CARER,
        status=TaskStatus.REQUESTED,
        state=TaskState.NOT_INFORMED,
        owner=WARD,
        authored_at=AUTHORED_AT,
        modified_at=AUTHORED_AT,
        due_at=datetime(2026, 11, 21, 9, tzinfo=UTC),
        urgent=False,
        registration_id="LANCARERS-1",
        patient=NHS,
        visit="V100",
        visit_authority="",
        place="L302H/M7A",
        carer="Ann Smith, daughter",
        planned_on=date(2026, 11, 22),
        facts=(),
        focus_notice=None,
        reason=None,
        left=None,
        note="Involve Ann Smith before the patient leaves.",
    )
    return replace(task, **changes)


def a_centre_task(**changes: object) -> DisclosedTask:
    task = a_ward_task(
        id="5d0f6f2c-54f1-5c31-9f3d-6dc2d4d4d0bd",
        code=TaskCode.CONTACT_CARER,
        state=None,
        owner=CENTRE,
        patient=None,
        visit=None,
        place=None,
        carer=None,
        planned_on=None,
        focus_notice=NOTICE,
        left=None,
        note="Left Monklands (synthetic) on 22 November 2026. Discharge hub 01698 000020.",
    )
    return replace(task, **changes)


def a_notice(**changes: object) -> DisclosedNotice:
    notice = DisclosedNotice(
        id=NOTICE,
        event=NoticeEvent.DISCHARGED,
        status=NoticeStatus.COMPLETED,
        to=CENTRE,
        registration_id="LANCARERS-1",
        sent_at=datetime(2026, 11, 22, 15, 5, 0, 123456, tzinfo=UTC),
        sentences=("Left hospital on 22 November 2026.", "Discharge hub 01698 000020."),
        planned_on=None,
        in_response_to=(),
    )
    return replace(notice, **changes)


def the_patient(stay: Stay) -> DisclosedPatient:
    """As a ward sees one who is read alone."""
    disclosed = people.patient(stay, Reader.WARD, is_alone=True)
    assert disclosed is not None
    return disclosed


def the_stay(stay: Stay) -> DisclosedStay:
    """As a ward sees it."""
    disclosed = people.stay_of(stay, Reader.WARD)
    assert disclosed is not None
    return disclosed


def the_carer(registration: Registration) -> DisclosedCarer:
    """As a ward sees them on 23 November 2026."""
    return people.carer(registration, Reader.WARD, date(2026, 11, 23))
