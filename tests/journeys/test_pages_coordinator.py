"""The coordinator's desk: who leaves soon, is it the same person, who left without being asked."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest

from service.database import Database
from tests.support.adt import Adt
from tests.support.pages import Visitor, Website, a_website, text_of
from tests.support.people import JEAN

DESK = "/coordinator/L302H"
ADMITTED = Adt(planned=date(2026, 11, 24))
DOUBTFUL = replace(ADMITTED, family="Carswel")


@pytest.fixture
def website(database: Database) -> Iterator[Website]:
    with a_website(database) as made:
        made.line.registered(JEAN)
        yield made


@pytest.fixture
def coordinator(website: Website) -> Visitor:
    return website.visitor().enter("coordinator:L302H")


def test_whoever_leaves_within_48_hours_is_listed_with_what_is_missing(
    website: Website, coordinator: Visitor
):
    website.line.take(ADMITTED)
    words = text_of(coordinator.open(DESK))
    assert "1 person with someone to involve" in words
    assert "Ward 7A, B1" in words
    assert "Informed missing" in words


def test_whoever_leaves_later_is_not(website: Website, coordinator: Visitor):
    website.line.take(replace(ADMITTED, planned=date(2026, 11, 26)))
    assert "Hugh" not in coordinator.open(DESK).text


def test_a_doubtful_match_stands_side_by_side_with_three_equal_buttons(
    website: Website, coordinator: Visitor
):
    website.line.take(DOUBTFUL)
    answer = coordinator.open(DESK)
    words = text_of(answer)
    assert "Nothing has left the hospital about this. No one is told until you decide." in words
    assert "Family name Carswel Carswell Different" in words
    assert "Birth date 11 Feb 1948 11 Feb 1948 Same" in words
    assert answer.text.count('class="nhsuk-button nhsuk-button--secondary" type="submit"') == 3
    assert "Jean" not in answer.text


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("same", ["confirm-match completed", "involve-carer requested", "planned completed"]),
        ("different", ["confirm-match completed"]),
        ("unsure", ["confirm-match in-progress"]),
    ],
)
def test_each_answer_does_what_is_written_under_it(
    website: Website, coordinator: Visitor, answer: str, told: list[str]
):
    website.line.take(DOUBTFUL)
    coordinator.open(DESK)
    coordinator.press("/coordinator/match", answer=answer)
    stands = [line.split() for line in website.line.told()]
    assert [f"{what} {status}" for what, _, status in stands] == told


def test_an_answer_to_a_question_that_has_changed_is_not_taken(
    website: Website, coordinator: Visitor
):
    website.line.take(DOUBTFUL)
    coordinator.open(DESK)
    form = coordinator.form("/coordinator/match", answer="same")
    website.line.take(DOUBTFUL.later("A08", 1, family="Carsewell"))
    answer = coordinator.client.post("/coordinator/match", data=form)
    assert answer.status_code == 409
    assert "Open the list again" in answer.text
    assert not [line for line in website.line.told() if "involve-carer" in line]


def test_a_death_is_for_staff_only_and_is_seen_to_once(website: Website, coordinator: Visitor):
    website.line.take(ADMITTED, ADMITTED.later("A08", 2, died="Y"))
    words = text_of(coordinator.open(DESK))
    assert "No one outside the hospital was told of the death." in words
    assert "Registered carer: Jean Carswell, wife" in words
    coordinator.press("/coordinator/bereaved")
    assert "Bereaved carers" not in coordinator.open(DESK).text


def test_whoever_left_without_being_asked_is_listed_for_a_day(
    website: Website, coordinator: Visitor
):
    website.line.take(ADMITTED, ADMITTED.later("A03", 3))
    words = text_of(coordinator.open(DESK))
    assert "informed, views invited, views heard, account taken" in words
    assert "By 23:59 on Tue 24 Nov" in words
    website.line.clock.at += timedelta(days=1, minutes=1)
    assert "Hugh" not in coordinator.open(DESK).text


def test_two_patients_under_one_visit_are_asked_about_and_the_message_goes_on(
    website: Website, coordinator: Visitor
):
    other = ADMITTED.later("A08", 1, number="9990000026", family="Other", born="19500101")
    website.line.take(ADMITTED, other, other.later("A08", 1))
    words = text_of(coordinator.open(DESK))
    assert "Visit V1001 , Ward 7A, B1, is that of Hugh Carswell , born 11 Feb 1948, NHS" in words
    assert "2 messages name Hugh Other , born 1 Jan 1950, NHS 999 000 0026" in words
    answer = coordinator.press("/coordinator/visit", answer="another")
    assert answer.status_code == 200
    website.line.work()
    assert "Is this the same patient?" not in coordinator.open(DESK).text
    assert [entry.state for entry in website.line.entries()] == ["settled"] * 3
    assert website.audited()[0][0] == "visit answered"


def test_a_nurse_and_an_unknown_answer_decide_nothing_about_a_visit(
    website: Website, coordinator: Visitor
):
    other = ADMITTED.later("A08", 1, number="9990000026", family="Other", born="19500101")
    website.line.take(ADMITTED, other)
    coordinator.open(DESK)
    form = coordinator.form("/coordinator/visit")
    assert coordinator.client.post("/coordinator/visit", data=form).status_code == 400
    nurse = website.visitor().enter("ward:L302H/M7A")
    form |= {"csrf": nurse.form("/sign-out")["csrf"], "answer": "same"}
    assert nurse.client.post("/coordinator/visit", data=form).status_code == 404
    assert "Is this the same patient?" in coordinator.open(DESK).text


def test_a_restricted_patient_has_no_carer_here_either(website: Website, coordinator: Visitor):
    website.line.take(ADMITTED, ADMITTED.later("A08", 1, hiding="2"))
    answer = coordinator.open(DESK)
    assert "Speak to the patient alone" in answer.text
    assert "Jean" not in answer.text


def test_a_patient_on_a_ward_that_nobody_named_is_the_coordinators(
    website: Website, coordinator: Visitor
):
    website.line.take(replace(ADMITTED, ward="ZZ"))
    words = text_of(coordinator.open(DESK))
    assert "Ward ZZ, not in the site file, B1" in words
    assert "Jean Carswell, wife" in words


def test_an_answer_can_be_taken_back_and_the_question_comes_back(
    website: Website, coordinator: Visitor
):
    website.line.take(DOUBTFUL)
    coordinator.open(DESK)
    coordinator.press("/coordinator/match", answer="same")
    words = text_of(coordinator.open(DESK))
    assert "Decided in the last 30 days" in words
    assert "Hugh Carswel , Ward 7A, B1, and the register of Lanarkshire Carers" in words
    form = coordinator.form("/coordinator/match/take-back")
    coordinator.press("/coordinator/match/take-back")
    told = website.line.told()
    assert "confirm-match coordinator:L302H requested" in told
    assert "involve-carer ward:L302H/M7A cancelled" in told
    words = text_of(coordinator.open(DESK))
    assert "Is this the same person?" in words
    assert "Decided in the last 30 days" not in words
    coordinator.client.post("/coordinator/match/take-back", data=form)  # a second press
    assert website.line.told() == told


def test_an_answer_is_not_another_hospitals_to_take_back(website: Website, coordinator: Visitor):
    website.line.take(DOUBTFUL)
    coordinator.open(DESK)
    coordinator.press("/coordinator/match", answer="same")
    told = website.line.told()
    coordinator.open(DESK)
    form = coordinator.form("/coordinator/match/take-back") | {"hospital": "L106H"}
    assert coordinator.client.post("/coordinator/match/take-back", data=form).status_code == 404
    nurse = website.visitor().enter("ward:L302H/M7A")
    assert nurse.client.post("/coordinator/match/take-back", data=form).status_code in (403, 404)
    assert website.line.told() == told


@pytest.mark.parametrize(
    ("pressed", "said"), [("as-recorded", "is right"), ("not-as-recorded", "is wrong")]
)
def test_who_is_not_sure_asks_the_ward_and_reads_its_answer(
    website: Website, coordinator: Visitor, pressed: str, said: str
):
    website.line.take(DOUBTFUL)
    coordinator.open(DESK)
    nurse = website.visitor().enter("ward:L302H/M7A")
    assert "/ward/check" not in nurse.open("/ward/L302H/M7A").text
    coordinator.press("/coordinator/match", answer="unsure")
    assert "The ward’s list asks for name" in text_of(coordinator.open(DESK))
    answer = nurse.open("/ward/L302H/M7A")
    words = text_of(answer)
    assert "Ask Hugh for name, birth date and postcode" in words
    assert "Recorded: Hugh Carswel, born 11 Feb 1948, postcode not recorded" in words
    assert "Carswell" not in words  # nothing of the register
    assert "Jean" not in words
    nurse.press("/ward/check", answer=pressed)
    assert "/ward/check" not in nurse.open("/ward/L302H/M7A").text
    assert f"The ward says that the hospital’s record {said}" in text_of(coordinator.open(DESK))
    coordinator.press("/coordinator/match", answer="same")
    assert "involve-carer ward:L302H/M7A requested" in website.line.told()


def test_who_is_not_sure_is_told_where_no_ward_was_asked(website: Website, coordinator: Visitor):
    website.line.take(replace(DOUBTFUL, ward="NOWHERE"))
    coordinator.open(DESK)
    coordinator.press("/coordinator/match", answer="unsure")
    words = text_of(coordinator.open(DESK))
    assert "Nobody else was asked: ring the ward to check" in words


@pytest.mark.parametrize("hiding", ["1", "2"])
def test_no_carer_is_named_beside_a_death_under_restriction(
    website: Website, coordinator: Visitor, hiding: str
):
    website.line.take(ADMITTED, ADMITTED.later("A08", 1, hiding=hiding, died="Y"))
    words = text_of(coordinator.open(DESK))
    assert "Hugh Carswell , Ward 7A, B1, has died" in words
    assert "Contact no one before you have asked the nurse in charge" in words
    assert "Jean" not in words


def test_who_has_died_is_not_among_those_who_leave(website: Website, coordinator: Visitor):
    website.line.take(ADMITTED, ADMITTED.later("A08", 1, hiding="1", died="Y"))
    words = text_of(coordinator.open(DESK))
    assert "Speak to the patient alone" not in words
    assert "Tue 24 Nov" not in words


def test_another_hospital_is_not_there_and_a_nurse_decides_no_match(
    website: Website, coordinator: Visitor
):
    website.line.take(DOUBTFUL)
    coordinator.open(DESK)
    form = coordinator.form("/coordinator/match", answer="same")
    assert coordinator.open("/coordinator/OTHER").status_code == 404
    nurse = website.visitor().enter("ward:L302H/M7A")
    form |= {"csrf": nurse.form("/sign-out")["csrf"]}
    assert nurse.client.post("/coordinator/match", data=form).status_code == 404
    assert not [line for line in website.line.told() if "involve-carer" in line]
