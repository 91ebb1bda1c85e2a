"""A Task says to each recipient what contract and R4 ask for, and to a centre nothing more."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from alerts.model.alert import TaskCode, TaskState, TaskStatus
from alerts.model.disclosed import DisclosedTask
from alerts.model.events import FactKind
from alerts.model.identity import Identifier, IdentifierKind
from mapping.fhir.systems import Claims
from mapping.fhir.task import render
from tests.support.disclosed import (
    AUTHORED_AT,
    CHI,
    COORDINATOR,
    LOCAL,
    NHS,
    NOTICE,
    a_centre_task,
    a_fact,
    a_ward_task,
)

ID = "https://thinkcarer.example/Id"
CODES = "https://thinkcarer.example/CodeSystem"


def rendered(task: DisclosedTask, claims: Claims | None = None) -> dict:
    return json.loads(render(task, claims or Claims()))


def test_a_ward_reads_the_whole_task() -> None:
    body = rendered(a_ward_task(facts=(a_fact(),)))
    text = body.pop("text")
    stay = {"type": "Encounter", "identifier": {"system": f"{ID}/visit", "value": "V100"}}
    ward = {"system": f"{ID}/ward", "value": "L302H/M7A"}
    assert body == {
        "resourceType": "Task",
        "id": "07c1891c-5693-5d84-93f6-29fadabffd23",
        "status": "requested",
        "businessStatus": {
            "coding": [{"system": f"{CODES}/carer-task-state", "code": "not-informed"}],
            "text": "Carer not yet informed",
        },
        "intent": "order",
        "priority": "routine",
        "code": {
            "coding": [{"system": f"{CODES}/carer-task", "code": "involve-carer"}],
            "text": "Involve the carer in discharge planning",
        },
        "description": "Involve Ann Smith before the patient leaves.",
        "focus": stay,
        "for": {
            "type": "Patient",
            "identifier": {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9990000018"},
        },
        "encounter": stay,
        "authoredOn": "2026-11-20T09:01:00Z",
        "lastModified": "2026-11-20T09:01:00Z",
        "requester": {
            "type": "Device",
            "identifier": {"system": f"{ID}/software", "value": "thinkcarer"},
            "display": "ThinkCarer",
        },
        "owner": {"type": "Organization", "identifier": ward, "display": "Ward 7A"},
        "location": {"type": "Location", "identifier": ward},
        "restriction": {"period": {"end": "2026-11-21T09:00:00Z"}},
        "input": [
            {
                "type": {"text": "carer"},
                "valueReference": {
                    "type": "RelatedPerson",
                    "identifier": {"system": f"{ID}/registration", "value": "LANCARERS-1"},
                    "display": "Ann Smith, daughter",
                },
            },
            {"type": {"text": "planned date of discharge"}, "valueDate": "2026-11-22"},
        ],
        "output": [
            {
                "type": {
                    "coding": [{"system": f"{CODES}/carer-proof", "code": "informed"}],
                    "text": "Told of the planned discharge",
                },
                "valueAnnotation": {
                    "authorString": "Ward 7A, staff nurse",
                    "time": "2026-11-20T11:00:00Z",
                    "text": "By phone; told that Saturday is planned",
                },
            }
        ],
    }
    assert text["status"] == "generated"
    assert "Ann Smith, daughter" in text["div"]


def test_a_centre_reads_its_registration_and_the_notice_and_no_patient() -> None:
    body = rendered(a_centre_task())
    del body["text"], body["requester"], body["restriction"], body["description"]
    assert body == {
        "resourceType": "Task",
        "id": "5d0f6f2c-54f1-5c31-9f3d-6dc2d4d4d0bd",
        "status": "requested",
        "intent": "order",
        "priority": "routine",
        "code": {
            "coding": [{"system": f"{CODES}/carer-task", "code": "contact-carer"}],
            "text": "Contact the carer after the discharge",
        },
        "focus": {"reference": f"Communication/{NOTICE}"},
        "for": {
            "type": "Patient",
            "identifier": {"system": f"{ID}/registration", "value": "LANCARERS-1"},
        },
        "authoredOn": "2026-11-20T09:01:00Z",
        "lastModified": "2026-11-20T09:01:00Z",
        "owner": {
            "type": "Organization",
            "identifier": {"system": f"{ID}/centre", "value": "LANCARERS"},
            "display": "Lanarkshire Carers (synthetic)",
        },
    }


def test_a_centre_never_reads_a_patient_number_that_slipped_in() -> None:
    assert NHS.value not in render(a_centre_task(patient=NHS), Claims())


def test_a_coordinator_owns_by_hospital() -> None:
    owner = rendered(a_ward_task(owner=COORDINATOR))["owner"]
    assert owner["identifier"] == {"system": f"{ID}/hospital", "value": "L302H"}


# number, system, value
NUMBERS = [
    (NHS, "https://fhir.nhs.uk/Id/nhs-number", "9990000018"),
    (CHI, "urn:oid:2.16.840.1.113883.2.1.3.2.4.16.53", "0113500017"),
    (LOCAL, f"{ID}/local-number/LAN%20PAS", "H 123/4"),
    (Identifier(IdentifierKind.LOCAL, "12345"), f"{ID}/local-number", "12345"),
    (Identifier(IdentifierKind.LOCAL, "1", "é&1"), f"{ID}/local-number/%C3%A9%261", "1"),
]


@pytest.mark.parametrize(("number", "system", "value"), NUMBERS)
def test_the_patient_is_named_by_number(number: Identifier, system: str, value: str) -> None:
    subject = rendered(a_ward_task(patient=number))["for"]
    assert subject == {"type": "Patient", "identifier": {"system": system, "value": value}}


def test_the_site_file_names_the_chi_system() -> None:
    claims = Claims(chi_system="https://fhir.nhs.uk/Id/chi-number")
    subject = rendered(a_ward_task(patient=CHI), claims)["for"]
    assert subject["identifier"]["system"] == "https://fhir.nhs.uk/Id/chi-number"


@pytest.mark.parametrize("code", TaskCode)
def test_the_project_coding_comes_first_and_only_what_is_not_sure_is_a_proposal(
    code: TaskCode,
) -> None:
    body = rendered(a_ward_task(code=code))
    assert body["code"]["coding"][0] == {"system": f"{CODES}/carer-task", "code": code.value}
    assert body["code"]["text"]
    is_unsure = code in (TaskCode.CONFIRM_MATCH, TaskCode.CONFIRM_DEATH)
    assert body["intent"] == ("proposal" if is_unsure else "order")


@pytest.mark.parametrize("status", TaskStatus)
def test_a_status_is_r4s(status: TaskStatus) -> None:
    assert rendered(a_ward_task(status=status))["status"] == status.value


@pytest.mark.parametrize("state", TaskState)
def test_a_state_is_the_business_status(state: TaskState) -> None:
    coding = rendered(a_ward_task(state=state))["businessStatus"]["coding"]
    assert coding == [{"system": f"{CODES}/carer-task-state", "code": state.value}]


@pytest.mark.parametrize(("urgent", "priority"), [(True, "urgent"), (False, "routine")])
def test_urgency_is_the_priority(urgent: bool, priority: str) -> None:
    assert rendered(a_ward_task(urgent=urgent))["priority"] == priority


def test_a_reason_stands_with_the_status() -> None:
    body = rendered(a_ward_task(status=TaskStatus.CANCELLED, reason="The stay was cancelled"))
    assert body["statusReason"] == {"text": "The stay was cancelled"}


def test_drafts_are_claimed_only_where_the_site_says_so() -> None:
    assert "meta" not in rendered(a_ward_task())
    claimed = rendered(a_ward_task(), Claims(draft=True))["meta"]["profile"]
    assert claimed == ["https://fhir.hl7.org.uk/StructureDefinition/UKCore-Task"]


@pytest.mark.parametrize(
    ("due_at", "shown"),
    [
        (AUTHORED_AT - timedelta(seconds=1), None),
        (AUTHORED_AT, {"period": {"end": "2026-11-20T09:01:00Z"}}),
        (None, None),
    ],
)
def test_a_deadline_before_the_task_is_not_sent(
    due_at: datetime | None, shown: dict | None
) -> None:
    assert rendered(a_ward_task(due_at=due_at)).get("restriction") == shown


def test_times_are_utc_and_a_change_is_never_before_the_task() -> None:
    summer = datetime(2026, 7, 1, 12, 30, 59, 999999, tzinfo=timezone(timedelta(hours=1)))
    body = rendered(a_ward_task(authored_at=summer, modified_at=summer - timedelta(days=1)))
    assert body["authoredOn"] == "2026-07-01T11:30:59Z"
    assert body["lastModified"] == "2026-07-01T11:30:59Z"
    later = rendered(a_ward_task(modified_at=datetime(2026, 11, 25, tzinfo=UTC)))
    assert later["lastModified"] == "2026-11-25T00:00:00Z"


def test_what_is_not_known_is_left_out() -> None:
    bare = a_ward_task(
        registration_id=None,
        patient=None,
        visit=None,
        place=None,
        carer=None,
        planned_on=None,
        note=None,
        state=None,
        due_at=None,
    )
    left = {"for", "encounter", "focus", "location", "input", "output", "restriction"}
    assert left.isdisjoint(rendered(bare))
    assert "null" not in render(bare, Claims())


def test_a_carer_whose_name_is_withheld_is_named_by_registration() -> None:
    carer = rendered(a_ward_task(carer=None))["input"][0]["valueReference"]
    assert "display" not in carer


def test_a_carer_without_registration_id_is_named_in_words() -> None:
    carer = rendered(a_ward_task(registration_id=None))["input"][0]["valueReference"]
    assert carer == {"type": "RelatedPerson", "display": "Ann Smith, daughter"}


def test_a_fact_taken_back_is_not_shown() -> None:
    facts = (replace(a_fact(), undone=True), a_fact(FactKind.VIEWS))
    shown = rendered(a_ward_task(facts=facts))["output"]
    assert [output["type"]["coding"][0]["code"] for output in shown] == ["views"]


def test_a_fact_always_says_something() -> None:
    silent = replace(a_fact(FactKind.ABLE), words="", how="", by="")
    said = rendered(a_ward_task(facts=(silent,)))["output"][0]["valueAnnotation"]
    assert said == {"time": "2026-11-20T11:00:00Z", "text": "Able to give care"}


def test_names_cannot_break_out_of_the_narrative() -> None:
    body = rendered(a_ward_task(carer="<script>Ann</script> & 'co'", note="a\x00b\x1f "))
    assert "<script>" not in body["text"]["div"]
    assert "&lt;script&gt;Ann" in body["text"]["div"]
    assert body["description"] == "a b"
