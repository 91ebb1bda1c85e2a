"""The patient, the stay and the carer behind an alert: what each reader of the façade may see."""

from datetime import date
from enum import StrEnum
from typing import assert_never

from alerts.model.disclosed import DisclosedCarer, DisclosedPatient, DisclosedStay
from alerts.model.identity import Identifier, IdentifierKind, Patient
from alerts.model.register import Registration
from alerts.model.stay import Stay, StayStatus
from alerts.rules.situation import is_restricted

_NUMBERS = (IdentifierKind.NHS, IdentifierKind.CHI)


class Reader(StrEnum):
    """Who reads; each sees only what its own scope holds."""

    WARD = "ward"
    COORDINATOR = "coordinator"
    CENTRE = "centre"
    AUDITOR = "auditor"


def patient(stay: Stay, reader: Reader, is_alone: bool) -> DisclosedPatient | None:
    """The patient as the newest messages of this stay describe them; to a centre nothing.

    Phone and address only of one who is read alone, and never under a restriction.
    """
    match reader:
        case Reader.WARD | Reader.COORDINATOR | Reader.AUDITOR:
            pass
        case Reader.CENTRE:
            return None
        case _:
            assert_never(reader)
    person = stay.patient
    shows_contact = is_alone and not is_restricted(stay)
    return DisclosedPatient(
        stay_id=stay.id,
        numbers=_sure_numbers(person),
        given=person.given,
        family=person.family,
        birth_date=person.birth_date,
        sex=person.sex,
        phone=person.phone if shows_contact else None,
        postcode=person.postcode if shows_contact else None,
        died=stay.died,
    )


def stay_of(stay: Stay, reader: Reader) -> DisclosedStay | None:
    """The stay without bed and room; to a centre nothing."""
    match reader:
        case Reader.WARD | Reader.COORDINATOR | Reader.AUDITOR:
            pass
        case Reader.CENTRE:
            return None
        case _:
            assert_never(reader)
    is_over = stay.status is StayStatus.DISCHARGED
    return DisclosedStay(
        id=stay.id,
        visit=stay.visit,
        visit_authority=stay.visit_authority,
        patient=number_of(stay.patient),
        status=stay.status,
        patient_class=stay.patient_class,
        place=f"{stay.place.hospital}/{stay.place.ward}" if stay.place else None,
        admitted_at=stay.admitted_at,
        discharged_at=stay.discharged_at if is_over else None,
        method=stay.method if is_over else None,
        destination=stay.destination if is_over else None,
    )


def carer(registration: Registration, reader: Reader, today: date) -> DisclosedCarer:
    """How to reach the carer, never their own number, birth date or address.

    To a centre the registration stands for the patient (contract §7 Identifiers).
    """
    match reader:
        case Reader.WARD | Reader.COORDINATOR | Reader.AUDITOR:
            number: Identifier | None = registration.patient.identifier
        case Reader.CENTRE:
            number = None
        case _:
            assert_never(reader)
    person, ended_on = registration.carer, registration.ended_on
    return DisclosedCarer(
        key=registration.key,
        registration_id=registration.registration_id,
        is_registered=ended_on is None or ended_on > today,
        patient=number,
        relationship=registration.relationship,
        given=person.given,
        family=person.family,
        phone=person.phone,
        email=person.email,
        language=person.language,
        registered_on=registration.registered_on,
        ended_on=ended_on,
    )


def number_of(person: Patient) -> Identifier | None:
    """The number to name a patient by: NHS number or CHI where one is sure, else a local one."""
    return next(iter(_sure_numbers(person)), None)


def _sure_numbers(person: Patient) -> tuple[Identifier, ...]:
    """Every local number, and of NHS and CHI the one: of two that differ neither is sure."""
    sure = [number for kind in _NUMBERS if (number := person.number(kind)) is not None]
    return (*sure, *(i for i in person.identifiers if i.kind is IdentifierKind.LOCAL))
