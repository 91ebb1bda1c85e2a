"""The people and the stay behind a Task, for those who read the façade: patient, stay, carer."""

from datetime import date
from uuid import NAMESPACE_URL, uuid5

from alerts.model.events import PatientClass
from alerts.model.identity import Identifier, IdentifierKind, Patient
from alerts.model.register import Carer, Registration
from alerts.model.site import Nation
from alerts.model.stay import Stay, StayStatus
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
    VISIT,
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
_NUMBERS = (IdentifierKind.NHS, IdentifierKind.CHI)


def patient_id(stay_id: str) -> str:
    """The id of the patient of one stay; not of the number, which could be guessed from it."""
    return str(uuid5(NAMESPACE_URL, f"{BASE}Patient/{stay_id}"))


def related_person_id(registration_key: str) -> str:
    """The id of the carer of one registration."""
    return str(uuid5(NAMESPACE_URL, f"{BASE}RelatedPerson/{registration_key}"))


def number_of(patient: Patient) -> Identifier | None:
    """The number to name a patient by: NHS, else CHI, else the first local one."""
    found = [number for kind in _NUMBERS if (number := patient.number(kind)) is not None]
    local = [i for i in patient.identifiers if i.kind is IdentifierKind.LOCAL]
    return next(iter((*found, *local)), None)


def patient(stay: Stay, claims: Claims, with_contact: bool = True) -> str:
    """The patient as JSON, as the newest messages of this stay describe them.

    ``with_contact`` False: no phone and no address, as in lists and under a restriction.
    """
    person = stay.patient
    name = element({"family": words(person.family), "given": _given(person.given)})
    body = head("Patient", patient_id(stay.id), claims) | element(
        {
            "text": narrative("Patient", (_full_name(person.given, person.family),)),
            "identifier": [_identifier(number, claims) for number in _numbers(person)],
            "name": [name] if name else None,
            "telecom": _telecom("phone", person.phone) if with_contact else [],
            "gender": person.sex.value if person.sex else None,
            "birthDate": person.birth_date.isoformat() if person.birth_date else None,
            "deceasedBoolean": True if stay.died else None,
            "address": _address(person.postcode) if with_contact else [],
        }
    )
    return checked("Patient", body)


def encounter(stay: Stay, nation: Nation, claims: Claims) -> str:
    """The stay as JSON."""
    number = number_of(stay.patient)
    body = head("Encounter", stay.id, claims) | element(
        {
            "text": narrative("Hospital stay", (f"Status: {_STATUSES[stay.status]}",)),
            "extension": _discharge_method(stay, nation),
            "identifier": [{"system": VISIT, "value": words(stay.visit)}],
            "status": _status(stay),
            "class": _class(stay.patient_class),
            "subject": to_patient(number, claims) if number else None,
            "period": _period(stay),
            "hospitalization": _hospitalization(stay, nation),
            "location": _location(stay),
        }
    )
    return checked("Encounter", body)


def related_person(
    registration: Registration, today: date, claims: Claims, names_patient: bool = True
) -> str:
    """The carer as JSON: how to reach them, never their own number, birth date or address.

    ``names_patient`` False, to a centre: the registration stands for the patient (contract §7).
    """
    carer = registration.carer
    ended_on = registration.ended_on
    body = head("RelatedPerson", related_person_id(registration.key), claims) | element(
        {
            "text": _carer_in_words(registration),
            "identifier": [{"system": REGISTRATION, "value": registration.registration_id}],
            "active": ended_on is None or ended_on > today,
            "patient": to_patient(registration.patient.identifier, claims)
            if names_patient
            else reference("Patient", REGISTRATION, registration.registration_id),
            "relationship": [
                concept(UK_CORE_CARER, "Carer"),
                concept(ROLE_CODE, registration.relationship),
            ],
            "name": [element({"family": words(carer.family), "given": _given(carer.given)})],
            "telecom": [*_telecom("phone", carer.phone), *_telecom("email", carer.email)],
            "period": _registered(registration),
            "communication": _languages(carer),
        }
    )
    return checked("RelatedPerson", body)


def _numbers(person: Patient) -> list[Identifier]:
    """Every local number, and of NHS and CHI the one: of two that differ neither is sure."""
    sure = [number for kind in _NUMBERS if (number := person.number(kind)) is not None]
    return [*sure, *(i for i in person.identifiers if i.kind is IdentifierKind.LOCAL)]


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


def _status(stay: Stay) -> str:
    is_to_come = stay.is_open and stay.patient_class is PatientClass.PREADMIT
    return "planned" if is_to_come else _STATUSES[stay.status]


def _class(patient_class: PatientClass | None) -> Element:
    return {"system": ACT_CODE, "code": _CLASSES[patient_class or PatientClass.UNKNOWN]}


def _period(stay: Stay) -> Element:
    start = stay.admitted_at
    end = stay.discharged_at if stay.status is StayStatus.DISCHARGED else None
    if start and end and end < start:
        end = None
    return element(
        {"start": instant(start) if start else None, "end": instant(end) if end else None}
    )


def _discharge_method(stay: Stay, nation: Nation) -> list[Element]:
    """On the Encounter itself, where UK Core puts it; Scottish codes have no system there."""
    if not _is_english_discharge(stay, nation) or stay.method not in _METHODS:
        return []
    value = concept(DISCHARGE_METHOD, stay.method)
    return [{"url": DISCHARGE_METHOD_EXTENSION, "valueCodeableConcept": value}]


def _hospitalization(stay: Stay, nation: Nation) -> Element | None:
    if not _is_english_discharge(stay, nation) or stay.destination not in _DESTINATIONS:
        return None
    return {"dischargeDisposition": concept(DISCHARGE_DESTINATION, stay.destination)}


def _is_english_discharge(stay: Stay, nation: Nation) -> bool:
    return nation is Nation.ENGLAND and stay.status is StayStatus.DISCHARGED


def _location(stay: Stay) -> list[Element]:
    if stay.place is None:
        return []
    ward = f"{stay.place.hospital}/{stay.place.ward}"
    return [{"location": reference("Location", WARD, ward)}]


def _registered(registration: Registration) -> Element:
    start, end = registration.registered_on, registration.ended_on
    if end is not None and end < start:
        end = None
    return element({"start": start.isoformat(), "end": end.isoformat() if end else None})


def _languages(carer: Carer) -> list[Element]:
    if carer.language is None:
        return []
    return [{"language": concept(LANGUAGE, carer.language), "preferred": True}]


def _carer_in_words(registration: Registration) -> Element:
    carer = registration.carer
    lines = [
        _full_name(carer.given, carer.family),
        f"Phone: {carer.phone}" if carer.phone else None,
        f"Registered on {plain_date(registration.registered_on)}",
    ]
    return narrative("Carer", lines)
