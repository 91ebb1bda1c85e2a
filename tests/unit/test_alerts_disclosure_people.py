"""What each reader must not see of patient, stay and carer, with a canary in every field."""

from dataclasses import replace
from datetime import date

import pytest

from alerts.disclosure import people
from alerts.disclosure.people import Reader
from alerts.model.events import Hiding
from alerts.model.stay import Stay, StayStatus
from tests.support.canaries import REGISTRATION, STAY

TODAY = date(2026, 11, 21)
HOSPITAL = (Reader.WARD, Reader.COORDINATOR, Reader.AUDITOR)
NEVER = (
    *("CANARY-BED", "CANARY-ROOM", "CANARY-KIN", "CANARY-FEED", "CANARY-WORDS", "CANARY-BY"),
    *("CANARY-TIMES", "CANARY-FORMAT", "CANARY-SCHEME", "CANARY-PASSPORT", "CANARY-SERVICE"),
    *("CANARY-CARER-POSTCODE", "9990000026", "datetime.date(1902, 3, 4)"),
)
"""In none of them, whoever reads."""
CONTACT = ("CANARY-PHONE", "CANARY-POSTCODE")
RESTRICTED = [
    replace(STAY, hiding=Hiding.LOCAL),
    replace(STAY, hiding=Hiding.NATIONAL),
    replace(STAY, sensitive=True),
    replace(STAY, consent_refused=True),
]


def seen(reader: Reader, stay: Stay = STAY, is_alone: bool = True) -> str:
    """Everything that the reader may have, as one text."""
    return repr(
        (
            people.patient(stay, reader, is_alone),
            people.stay_of(stay, reader),
            people.carer(REGISTRATION, reader, TODAY),
        )
    )


@pytest.mark.parametrize("reader", Reader)
def test_what_nobody_needs_is_told_to_nobody(reader: Reader):
    assert [word for word in NEVER if word in seen(reader)] == []


def test_a_centre_has_its_own_carer_and_nothing_of_the_patient():
    assert people.patient(STAY, Reader.CENTRE, is_alone=True) is None
    assert people.stay_of(STAY, Reader.CENTRE) is None
    words = seen(Reader.CENTRE)
    patients = ("CANARY-FAMILY", "CANARY-GIVEN", "1901", "9990000018", "M7A", "CANARY-VISIT")
    assert [word for word in patients if word in words] == []
    assert "R-EXTERNAL-7" in words


@pytest.mark.parametrize("reader", HOSPITAL)
def test_a_patient_who_is_read_alone_can_be_reached(reader: Reader):
    assert [word for word in CONTACT if word in seen(reader)] == list(CONTACT)


@pytest.mark.parametrize("reader", HOSPITAL)
def test_in_lists_nobody_has_a_phone_or_an_address(reader: Reader):
    assert [word for word in CONTACT if word in seen(reader, is_alone=False)] == []


@pytest.mark.parametrize("stay", RESTRICTED)
@pytest.mark.parametrize("reader", HOSPITAL)
def test_under_a_restriction_nobody_has_a_phone_or_an_address(reader: Reader, stay: Stay):
    assert [word for word in CONTACT if word in seen(reader, stay)] == []


def test_how_a_stay_ended_is_told_once_it_has():
    ended = people.stay_of(STAY, Reader.WARD)
    here = people.stay_of(replace(STAY, status=StayStatus.OPEN), Reader.WARD)
    assert ended is not None
    assert here is not None
    assert (ended.method, ended.destination) == ("CANARY-METHOD", "CANARY-DESTINATION")
    assert (here.method, here.destination, here.discharged_at) == (None, None, None)
