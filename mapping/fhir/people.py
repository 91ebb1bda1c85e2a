"""The people and the stay behind a Task, for those who read the façade: patient, stay, carer."""

from uuid import NAMESPACE_URL, uuid5

from alerts.model.disclosed import DisclosedCarer, DisclosedPatient, DisclosedStay
from alerts.model.events import PatientClass
from alerts.model.identity import Identifier
from alerts.model.site import Nation
from alerts.model.stay import StayStatus
from mapping.fhir.elements import (
    Element,
    concept,
    element,
    head,
    instant,
    narrative,
    plain_date,
    reference,
    to_patient,
    visit_number,
    words,
)
from mapping.fhir.resources import checked
from mapping.fhir.systems import (
    ACT_CODE,
    BASE,
    DISCHARGE_DESTINATION,
    DISCHARGE_METHOD,
    DISCHARGE_METHOD_EXTENSION,
    LANGUAGE,
    REGISTRATION,
    ROLE_CODE,
    UK_CORE_CARER,
    WARD,
    Claims,
    system_of_number,
)

# HL7's v2-to-FHIR map of table 0004. What counts as an inpatient with us is one here too.
_CLASSES = {
    PatientClass.INPATIENT: "IMP",
    PatientClass.EMERGENCY: "EMER",
    PatientClass.OUTPATIENT: "AMB",
    PatientClass.PREADMIT: "PRENC",
    PatientClass.DAY_CASE: "SS",
    PatientClass.OTHER: "AMB",
    PatientClass.UNKNOWN: "IMP",
}
_STATUSES = {
    StayStatus.OPEN: "in-progress",
    StayStatus.DISCHARGED: "finished",
    StayStatus.CANCELLED: "cancelled",
}
# UK Core's English code systems as published; a strict server refuses any other code under them.
_METHODS = frozenset("13456789")
# fmt: off
_DESTINATIONS = frozenset({
    "19", "29", "30", "37", "38", "48", "49", "50", "51", "52", "53", "54",
    "65", "66", "79", "84", "85", "87", "88", "98", "99",
})
# fmt: on


def patient_id(stay_id: str) -> str:
    """The id of the patient of one stay; not of the number, which could be guessed from it."""
    return str(uuid5(NAMESPACE_URL, f"{BASE}Patient/{stay_id}"))


def related_person_id(registration_key: str) -> str:
    """The id of the carer of one registration."""
    return str(uuid5(NAMESPACE_URL, f"{BASE}RelatedPerson/{registration_key}"))


def patient(person: DisclosedPatient, claims: Claims) -> str:
    """The patient as JSON."""
    name = element({"family": words(person.family), "given": _given(person.given)})
    body = head("Patient", patient_id(person.stay_id), claims) | element(
        {
            "text": narrative("Patient", (_full_name(person.given, person.family),)),
            "identifier": [_identifier(number, claims) for number in person.numbers],
            "name": [name] if name else None,
            "telecom": _telecom("phone", person.phone),
            "gender": person.sex.value if person.sex else None,
            "birthDate": person.birth_date.isoformat() if person.birth_date else None,
            "deceasedBoolean": True if person.died else None,
            "address": _address(person.postcode),
        }
    )
    return checked("Patient", body)


def encounter(stay: DisclosedStay, nation: Nation, claims: Claims) -> str:
    """The stay as JSON."""
    body = head("Encounter", stay.id, claims) | element(
        {
            "text": narrative("Hospital stay", (f"Status: {_STATUSES[stay.status]}",)),
            "extension": _discharge_method(stay, nation),
            "identifier": [visit_number(stay.visit, stay.visit_authority)],
            "status": _status(stay),
            "class": _class(stay.patient_class),
            "subject": to_patient(stay.patient, claims) if stay.patient else None,
            "period": _period(stay),
            "hospitalization": _hospitalization(stay, nation),
            "location": _location(stay),
        }
    )
    return checked("Encounter", body)


def related_person(carer: DisclosedCarer, claims: Claims) -> str:
    """The carer as JSON; where the reader has no number of the patient the registration stands."""
    body = head("RelatedPerson", related_person_id(carer.key), claims) | element(
        {
            "text": _carer_in_words(carer),
            "identifier": [{"system": REGISTRATION, "value": carer.registration_id}],
            "active": carer.is_registered,
            "patient": to_patient(carer.patient, claims)
            if carer.patient
            else reference("Patient", REGISTRATION, carer.registration_id),
            "relationship": [
                concept(UK_CORE_CARER, "Carer"),
                concept(ROLE_CODE, carer.relationship),
            ],
            "name": [element({"family": words(carer.family), "given": _given(carer.given)})],
            "telecom": [*_telecom("phone", carer.phone), *_telecom("email", carer.email)],
            "period": _registered(carer),
            "communication": _languages(carer),
        }
    )
    return checked("RelatedPerson", body)


def _identifier(number: Identifier, claims: Claims) -> Element:
    return {"system": system_of_number(number, claims), "value": words(number.value)}


def _given(given: str | None) -> list[str]:
    return (words(given) or "").split()


def _full_name(given: str | None, family: str | None) -> str | None:
    return words(f"{given or ''} {family or ''}")


def _telecom(system: str, value: str | None) -> list[Element]:
    said = words(value)
    return [{"system": system, "value": said}] if said else []


def _address(postcode: str | None) -> list[Element]:
    said = words(postcode)
    return [{"postalCode": said}] if said else []


def _status(stay: DisclosedStay) -> str:
    is_to_come = stay.status is StayStatus.OPEN and stay.patient_class is PatientClass.PREADMIT
    return "planned" if is_to_come else _STATUSES[stay.status]


def _class(patient_class: PatientClass | None) -> Element:
    return {"system": ACT_CODE, "code": _CLASSES[patient_class or PatientClass.UNKNOWN]}


def _period(stay: DisclosedStay) -> Element:
    start, end = stay.admitted_at, stay.discharged_at
    if start and end and end < start:
        end = None
    return element(
        {"start": instant(start) if start else None, "end": instant(end) if end else None}
    )


def _discharge_method(stay: DisclosedStay, nation: Nation) -> list[Element]:
    """On the Encounter itself, where UK Core puts it; Scottish codes have no system there."""
    if nation is not Nation.ENGLAND or stay.method not in _METHODS:
        return []
    value = concept(DISCHARGE_METHOD, stay.method)
    return [{"url": DISCHARGE_METHOD_EXTENSION, "valueCodeableConcept": value}]


def _hospitalization(stay: DisclosedStay, nation: Nation) -> Element | None:
    if nation is not Nation.ENGLAND or stay.destination not in _DESTINATIONS:
        return None
    return {"dischargeDisposition": concept(DISCHARGE_DESTINATION, stay.destination)}


def _location(stay: DisclosedStay) -> list[Element]:
    return [{"location": reference("Location", WARD, stay.place)}] if stay.place else []


def _registered(carer: DisclosedCarer) -> Element:
    start, end = carer.registered_on, carer.ended_on
    if end is not None and end < start:
        end = None
    return element({"start": start.isoformat(), "end": end.isoformat() if end else None})


def _languages(carer: DisclosedCarer) -> list[Element]:
    if carer.language is None:
        return []
    return [{"language": concept(LANGUAGE, carer.language), "preferred": True}]


def _carer_in_words(carer: DisclosedCarer) -> Element:
    lines = [
        _full_name(carer.given, carer.family),
        f"Phone: {carer.phone}" if carer.phone else None,
        f"Registered on {plain_date(carer.registered_on)}",
    ]
    return narrative("Carer", lines)
