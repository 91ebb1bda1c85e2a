"""A strict R4 server with UK Core takes every kind of resource that we render, and keeps it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from alerts.model.alert import NoticeStatus, TaskCode, TaskState, TaskStatus
from alerts.model.events import FactKind, PatientClass
from alerts.model.identity import Identifier, IdentifierKind, Patient, Sex
from alerts.model.register import Carer
from alerts.model.site import Nation, NoticeEvent
from alerts.model.stay import StayStatus
from mapping.fhir import communication, people, task
from mapping.fhir.systems import Claims
from mapping.relationships import CODES
from tests.support.disclosed import (
    AUTHORED_AT,
    CHI,
    COORDINATOR,
    EARLIER,
    LOCAL,
    NHS,
    a_centre_task,
    a_fact,
    a_notice,
    a_ward_task,
    the_carer,
    the_patient,
    the_stay,
)
from tests.support.fhir_server import FhirServer, Refused, essence
from tests.support.records import a_registration, a_stay
from tests.support.services import fhir_url

DRAFT = Claims(draft=True)

A_STAY = a_stay(
    id="0d677679-1703-53d0-9cda-10276d3ba54c",
    patient=Patient(
        identifiers=(NHS, CHI, LOCAL),
        family="O'Neill-Smith",
        given="Máire Ann",
        birth_date=date(1941, 5, 5),
        sex=Sex.FEMALE,
        postcode="ML1 1AA",
        phone="07700 900002",
    ),
    admitted_at=AUTHORED_AT,
)
DISCHARGED = replace(
    A_STAY,
    status=StayStatus.DISCHARGED,
    discharged_at=AUTHORED_AT + timedelta(days=2),
    method="1",
    destination="19",
)
A_REGISTRATION = a_registration(
    carer=Carer("Ann", "Smith", phone="07700 900001", email="ann@example.com", language="gd")
)

TASKS = [
    *(a_ward_task(code=code) for code in TaskCode),
    *(a_ward_task(status=status, reason="Left already") for status in TaskStatus),
    *(a_ward_task(state=state) for state in TaskState),
    *(a_ward_task(patient=patient) for patient in (NHS, CHI, LOCAL, None)),
    a_ward_task(patient=Identifier(IdentifierKind.LOCAL, "12345")),
    a_ward_task(code=TaskCode.CONFIRM_MATCH, owner=COORDINATOR, registration_id=None, carer=None),
    a_ward_task(facts=tuple(a_fact(kind) for kind in FactKind), urgent=True),
    a_ward_task(facts=(replace(a_fact(), words="", by="", how=""),)),
    a_ward_task(carer=None),
    a_ward_task(visit_authority="TRAK|L302H"),
    a_ward_task(registration_id=None),
    a_ward_task(note='5 < 6 & \x07 "so" ünï \U0001f469', carer="<b>Ann</b>, daughter"),
    a_ward_task(due_at=AUTHORED_AT - timedelta(days=1)),
    a_ward_task(modified_at=AUTHORED_AT - timedelta(hours=1)),
    a_ward_task(
        state=None,
        due_at=None,
        registration_id=None,
        patient=None,
        visit=None,
        place=None,
        carer=None,
        planned_on=None,
        note=None,
    ),
    *(a_centre_task(status=status) for status in TaskStatus),
    a_centre_task(focus_notice=None, due_at=None, note=None, urgent=True),
]
NOTICES = [
    *(a_notice(event=event) for event in NoticeEvent),
    *(a_notice(status=status) for status in NoticeStatus),
    a_notice(in_response_to=(EARLIER,)),
    a_notice(in_response_to=(EARLIER, "0d677679-1703-53d0-9cda-10276d3ba54c")),
    a_notice(sentences=()),
    a_notice(sent_at=datetime(2026, 11, 22, 15, 5, tzinfo=UTC)),
]
STAYS = [
    A_STAY,
    replace(A_STAY, visit_authority="LANPAS"),
    DISCHARGED,
    replace(A_STAY, status=StayStatus.CANCELLED),
    *(replace(A_STAY, patient_class=found) for found in (None, *PatientClass)),
    *(replace(DISCHARGED, method=code) for code in (*"13456789", "2", "", None)),
    *(replace(DISCHARGED, destination=code) for code in ("79", "87", "40", "", None)),
    replace(DISCHARGED, discharged_at=AUTHORED_AT - timedelta(hours=1)),
    replace(A_STAY, place=None, admitted_at=None, patient=Patient()),
    replace(A_STAY, patient=Patient(identifiers=(NHS, replace(NHS, value="9990000026")))),
    replace(A_STAY, patient=Patient(identifiers=(CHI,), given="Mary"), died=True),
]
REGISTRATIONS = [
    A_REGISTRATION,
    replace(A_REGISTRATION, ended_on=date(2026, 6, 1)),
    replace(A_REGISTRATION, carer=Carer("Ann", "Smith", language="pt-BR")),
    replace(A_REGISTRATION, patient=replace(A_REGISTRATION.patient, identifier=CHI)),
    *(replace(A_REGISTRATION, relationship=code) for code in CODES),
]


@pytest.fixture(scope="module")
def server() -> Iterator[FhirServer]:
    with FhirServer(fhir_url()) as opened:
        yield opened


def test_the_judge_is_strict(server: FhirServer) -> None:
    wrong = json.loads(task.render(a_ward_task(), DRAFT)) | {"status": "banana"}
    with pytest.raises(Refused):
        server.put(json.dumps(wrong))


def test_every_task_is_taken_and_kept(server: FhirServer) -> None:
    keeps(server, [task.render(disclosed, DRAFT) for disclosed in TASKS])


def test_every_notice_is_taken_and_kept(server: FhirServer) -> None:
    keeps(server, [communication.render(disclosed, DRAFT) for disclosed in NOTICES])


def test_every_patient_is_taken_and_kept(server: FhirServer) -> None:
    keeps(server, [people.patient(the_patient(stay), DRAFT) for stay in STAYS])


@pytest.mark.parametrize("nation", Nation)
def test_every_stay_is_taken_and_kept(server: FhirServer, nation: Nation) -> None:
    keeps(server, [people.encounter(the_stay(stay), nation, DRAFT) for stay in STAYS])


def test_every_carer_is_taken_and_kept(server: FhirServer) -> None:
    keeps(server, [people.related_person(the_carer(r), DRAFT) for r in REGISTRATIONS])


def keeps(server: FhirServer, rendered: list[str]) -> None:
    """Each is taken without an error and reads back as it was sent."""
    faults = []
    for sent in dict.fromkeys(rendered):
        try:
            held = server.put(sent)
        except Refused as refusal:
            faults.append(str(refusal))
            continue
        if held != essence(sent):
            faults.append(f"{essence(sent)} came back as {held}")
    assert not faults, "\n".join(faults)
