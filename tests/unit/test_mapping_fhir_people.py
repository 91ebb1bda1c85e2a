"""The façade's patient, stay and carer: what is sure, under the codes that UK Core holds."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from alerts.model.events import PatientClass
from alerts.model.identity import Identifier, IdentifierKind, Patient, Sex
from alerts.model.register import Carer
from alerts.model.site import Nation
from alerts.model.stay import Stay, StayStatus
from mapping.fhir.people import encounter, patient, patient_id, related_person, related_person_id
from mapping.fhir.systems import Claims
from tests.support.disclosed import CHI, LOCAL, NHS, the_carer, the_patient, the_stay
from tests.support.records import a_registration, a_stay

ADMITTED_AT = datetime(2026, 11, 20, 9, tzinfo=UTC)
LEFT_AT = datetime(2026, 11, 22, 15, tzinfo=UTC)
UK = "https://fhir.hl7.org.uk"


def a_discharged_stay(**changes: object) -> Stay:
    left = {"status": StayStatus.DISCHARGED, "admitted_at": ADMITTED_AT, "discharged_at": LEFT_AT}
    return a_stay(**(left | changes))


def a_rendered_stay(stay: Stay, nation: Nation = Nation.SCOTLAND) -> dict:
    return json.loads(encounter(the_stay(stay), nation, Claims()))


def a_rendered_patient(**changes: object) -> dict:
    return json.loads(patient(the_patient(a_stay(**changes)), Claims()))


def a_rendered_carer(**changes: object) -> dict:
    return json.loads(related_person(the_carer(a_registration(**changes)), Claims()))


def test_a_patient_is_told_as_the_messages_say() -> None:
    person = Patient(
        identifiers=(LOCAL, CHI, NHS),
        family="O'Neill",
        given="Máire Ann",
        birth_date=date(1941, 5, 5),
        sex=Sex.FEMALE,
        postcode="ML1 1AA",
        phone="07700 900002",
    )
    body = a_rendered_patient(patient=person)
    del body["text"]
    assert body == {
        "resourceType": "Patient",
        "id": patient_id("stay-1"),
        "meta": {"profile": [f"{UK}/StructureDefinition/UKCore-Patient"]},
        "identifier": [
            {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9990000018"},
            {"system": "urn:oid:2.16.840.1.113883.2.1.3.2.4.16.53", "value": "0113500017"},
            {
                "system": "https://thinkcarer.example/Id/local-number/LAN%20PAS",
                "value": "H 123/4",
            },
        ],
        "name": [{"family": "O'Neill", "given": ["Máire", "Ann"]}],
        "telecom": [{"system": "phone", "value": "07700 900002"}],
        "gender": "female",
        "birthDate": "1941-05-05",
        "address": [{"postalCode": "ML1 1AA"}],
    }


def test_a_patient_of_whom_nothing_is_known_is_still_a_patient() -> None:
    body = a_rendered_patient(patient=Patient())
    assert set(body) == {"resourceType", "id", "meta", "text"}


def test_of_two_nhs_numbers_neither_is_told() -> None:
    other = Identifier(IdentifierKind.NHS, "9990000026")
    body = a_rendered_patient(patient=Patient((NHS, other, CHI)))
    assert [number["value"] for number in body["identifier"]] == [CHI.value]


def test_a_death_is_told() -> None:
    assert a_rendered_patient(died=True)["deceasedBoolean"] is True


def test_a_stay_is_told_with_its_own_id() -> None:
    body = a_rendered_stay(a_discharged_stay())
    del body["text"]
    assert body == {
        "resourceType": "Encounter",
        "id": "stay-1",
        "meta": {"profile": [f"{UK}/StructureDefinition/UKCore-Encounter"]},
        "identifier": [{"system": "https://thinkcarer.example/Id/visit", "value": "V1001"}],
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
        "subject": {
            "type": "Patient",
            "identifier": {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9990000018"},
        },
        "period": {"start": "2026-11-20T09:00:00Z", "end": "2026-11-22T15:00:00Z"},
        "location": [
            {
                "location": {
                    "type": "Location",
                    "identifier": {
                        "system": "https://thinkcarer.example/Id/ward",
                        "value": "L302H/M7A",
                    },
                }
            }
        ],
    }


def test_a_visit_number_comes_with_who_gave_it() -> None:
    [number] = a_rendered_stay(a_stay(visit_authority="LANPAS"))["identifier"]
    assert number["assigner"] == {"type": "Organization", "identifier": {"value": "LANPAS"}}


# stay status, patient class, FHIR status
STATUSES = [
    (StayStatus.OPEN, None, "in-progress"),
    (StayStatus.OPEN, PatientClass.PREADMIT, "planned"),
    (StayStatus.DISCHARGED, PatientClass.PREADMIT, "finished"),
    (StayStatus.CANCELLED, None, "cancelled"),
]


@pytest.mark.parametrize(("status", "patient_class", "shown"), STATUSES)
def test_a_stay_has_a_status(
    status: StayStatus, patient_class: PatientClass | None, shown: str
) -> None:
    body = a_rendered_stay(a_stay(status=status, patient_class=patient_class))
    assert body["status"] == shown


CLASSES = [
    (None, "IMP"),
    (PatientClass.INPATIENT, "IMP"),
    (PatientClass.UNKNOWN, "IMP"),
    (PatientClass.EMERGENCY, "EMER"),
    (PatientClass.OUTPATIENT, "AMB"),
    (PatientClass.PREADMIT, "PRENC"),
    (PatientClass.DAY_CASE, "SS"),
]


@pytest.mark.parametrize(("patient_class", "code"), CLASSES)
def test_a_stay_has_a_class(patient_class: PatientClass | None, code: str) -> None:
    assert a_rendered_stay(a_stay(patient_class=patient_class))["class"]["code"] == code


def test_a_period_never_runs_backwards() -> None:
    body = a_rendered_stay(a_discharged_stay(admitted_at=LEFT_AT, discharged_at=ADMITTED_AT))
    assert body["period"] == {"start": "2026-11-22T15:00:00Z"}


def test_a_discharge_that_was_undone_ends_nothing() -> None:
    body = a_rendered_stay(a_discharged_stay(status=StayStatus.OPEN))
    assert body["period"] == {"start": "2026-11-20T09:00:00Z"}


# nation, method, destination, method shown, destination shown, comment
DISCHARGES = [
    (Nation.ENGLAND, "1", "19", "1", "19", "codes that UK Core holds"),
    (Nation.ENGLAND, "2", "40", None, None, "codes that it does not hold"),
    (Nation.ENGLAND, None, None, None, None, "nothing sent"),
    (Nation.SCOTLAND, "1", "19", None, None, "Scottish codes have no system there"),
]


@pytest.mark.parametrize(
    ("nation", "method", "destination", "shown_method", "shown_destination", "comment"), DISCHARGES
)
def test_discharge_codes_are_told_only_under_systems_that_hold_them(
    nation: Nation,
    method: str | None,
    destination: str | None,
    shown_method: str | None,
    shown_destination: str | None,
    comment: str,
) -> None:
    body = a_rendered_stay(a_discharged_stay(method=method, destination=destination), nation)
    extensions = body.get("extension", [])
    methods = [e["valueCodeableConcept"]["coding"][0]["code"] for e in extensions]
    assert methods == ([shown_method] if shown_method else []), comment
    disposition = body.get("hospitalization", {}).get("dischargeDisposition")
    destinations = [coding["code"] for coding in disposition["coding"]] if disposition else []
    assert destinations == ([shown_destination] if shown_destination else []), comment


def test_a_carer_is_told_without_number_birth_date_or_address() -> None:
    carer = Carer(
        given="Ailsa",
        family="Carswell",
        birth_date=date(1970, 1, 1),
        identifier=Identifier(IdentifierKind.NHS, "9990000026"),
        phone="07700 900001",
        email="ailsa@example.com",
        postcode="ML6 9ZZ",
        language="gd",
    )
    body = a_rendered_carer(carer=carer)
    del body["text"]
    assert body == {
        "resourceType": "RelatedPerson",
        "id": related_person_id("LANCARERS/R1"),
        "meta": {"profile": [f"{UK}/StructureDefinition/UKCore-RelatedPerson"]},
        "identifier": [{"system": "https://thinkcarer.example/Id/registration", "value": "R1"}],
        "active": True,
        "patient": {
            "type": "Patient",
            "identifier": {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9990000018"},
        },
        "relationship": [
            {
                "coding": [
                    {
                        "system": f"{UK}/CodeSystem/UKCore-AdditionalPersonRelationshipRole",
                        "code": "Carer",
                    }
                ]
            },
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/v3-RoleCode",
                        "code": "CHILD",
                    }
                ]
            },
        ],
        "name": [{"family": "Carswell", "given": ["Ailsa"]}],
        "telecom": [
            {"system": "phone", "value": "07700 900001"},
            {"system": "email", "value": "ailsa@example.com"},
        ],
        "period": {"start": "2025-01-06"},
        "communication": [
            {
                "language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "gd"}]},
                "preferred": True,
            }
        ],
    }


# ended on, active
ENDS = [(None, True), (date(2026, 11, 24), True), (date(2026, 11, 23), False)]


@pytest.mark.parametrize(("ended_on", "active"), ENDS)
def test_a_carer_is_active_until_the_registration_ends(ended_on: date | None, active: bool) -> None:
    assert a_rendered_carer(ended_on=ended_on)["active"] is active


def test_ids_differ_by_stay_and_by_registration() -> None:
    assert patient_id("one") != patient_id("two")
    other = replace(a_registration(), centre="YOUNGNL")
    assert related_person_id(other.key) != related_person_id(a_registration().key)
