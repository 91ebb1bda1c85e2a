"""The simulator makes the traffic it promises, and its meanings agree with our reading."""

from datetime import UTC, date, datetime
from itertools import pairwise

import nhs_number
import pytest

from alerts.model.events import AdtEvent, Place, PlannedDate
from alerts.model.identity import IdentifierKind, Patient
from bench.simulate import MOST_PEOPLE, Traffic, messages, person, register_csv
from mapping.hl7.events import TRIGGERS, Dialect, read_event
from mapping.register_csv import RegisterTerms, read

TRAFFIC = Traffic(seed=7, stays=150, registered=50)
SENT = list(messages(TRAFFIC))
ARRIVED_AT = datetime(2027, 6, 1, tzinfo=UTC)


def test_the_same_seed_gives_the_same_bytes():
    assert [raw for raw, _ in messages(TRAFFIC)] == [raw for raw, _ in SENT]


def test_another_seed_gives_other_bytes():
    assert next(messages(Traffic(seed=8)))[0] != SENT[0][0]


def test_messages_come_in_time_order_over_all_stays():
    assert all(one.at <= other.at for (_, one), (_, other) in pairwise(SENT))
    visits = [meaning.visit for _, meaning in SENT]
    assert any(one != other for one, other in pairwise(visits))
    assert len(set(visits)) == TRAFFIC.stays


def test_every_stay_begins_with_its_admission_and_ends_with_its_end():
    stays: dict[str, list[str]] = {}
    for _, meaning in SENT:
        stays.setdefault(meaning.visit, []).append(meaning.trigger)
    assert all(triggers[0] == "A01" for triggers in stays.values())
    assert all(triggers[-1] in ("A03", "A11") for triggers in stays.values())


def test_every_message_has_a_control_id_of_its_own():
    assert len({meaning.control_id for _, meaning in SENT}) == len(SENT)


def test_the_share_of_registered_patients_is_about_what_was_asked():
    stays = {m.visit: m.is_registered for _, m in messages(Traffic(stays=1_500, share=0.04))}
    assert 0.025 < sum(stays.values()) / len(stays) < 0.055


def test_without_a_register_nobody_is_registered():
    traffic = Traffic(stays=50, registered=0, share=1.0)
    assert not any(meaning.is_registered for _, meaning in messages(traffic))


def test_each_meaning_is_what_we_read():
    dialects = {name: Dialect(name) for name in ("pas", "itk")}
    for raw, meaning in SENT:
        event = read_event(raw, dialects[meaning.feed], ARRIVED_AT)
        assert isinstance(event, AdtEvent)
        assert not event.doubts
        assert event.kind is TRIGGERS[meaning.trigger]
        assert (event.occurred_at, event.visit) == (meaning.at, meaning.visit)
        assert event.control_id == meaning.control_id
        assert isinstance(event.place, Place)
        assert event.place.ward == meaning.ward
        patient = Patient(event.patient.identifiers or ())
        number = patient.number(IdentifierKind.NHS)
        assert number is not None
        assert number.value == meaning.nhs
        planned = event.planned.on if isinstance(event.planned, PlannedDate) else None
        assert planned == meaning.planned_on
        assert bool(event.died) == meaning.died


@pytest.mark.parametrize("number", [0, 1, 49, 123_456, MOST_PEOPLE - 1])
def test_people_have_numbers_of_the_test_range(number):
    assert person(number).nhs.startswith("999")
    assert nhs_number.is_valid(person(number).nhs)


def test_no_two_people_share_a_number():
    assert len({person(number).nhs for number in range(2_000)}) == 2_000


def test_there_is_an_end_of_people():
    with pytest.raises(ValueError, match="at most"):
        person(MOST_PEOPLE)


def test_the_register_file_is_taken_and_names_every_registered_patient():
    terms = RegisterTerms(("LANCARERS",), today=date(2026, 11, 2))
    file = read(register_csv(TRAFFIC).encode(), terms)
    assert not file.faults
    numbers = {row.patient.identifier.value for row in file.rows}
    assert len(numbers) == TRAFFIC.registered
    assert all((meaning.nhs in numbers) == meaning.is_registered for _, meaning in SENT)
