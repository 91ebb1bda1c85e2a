"""The centre's inbox: whom to contact, what is new, and nothing of the ward or the illness."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest

from alerts.model.alert import Notice, Task
from alerts.model.register import Carer
from service.database import Database
from tests.support.adt import Adt
from tests.support.pages import Visitor, Website, a_website, text_of
from tests.support.people import JEAN, a_registration

INBOX = "/centre/LANCARERS"
TOMORROW = date(2026, 11, 24)
ADMITTED = Adt(planned=TOMORROW)


@pytest.fixture
def website(database: Database) -> Iterator[Website]:
    with a_website(database) as made:
        made.line.registered(JEAN)
        yield made


@pytest.fixture
def worker(website: Website) -> Visitor:
    return website.visitor().enter("centre:LANCARERS")


def open_tasks(website: Website) -> list[str]:
    return [
        f"{t.code.value} {t.status.value}"
        for t in website.line.alerts()
        if isinstance(t, Task) and t.recipient.code == "LANCARERS"
    ]


def unseen(website: Website) -> int:
    return sum(isinstance(a, Notice) and a.seen_at is None for a in website.line.alerts())


def test_an_empty_inbox_says_so(worker: Visitor):
    assert "Nothing is waiting" in worker.open(INBOX).text


def test_a_planned_date_is_news_from_the_centres_own_register(website: Website, worker: Visitor):
    website.line.take(ADMITTED)
    words = text_of(worker.open(INBOX))
    assert "Jean Carswell: the person they help is planned to leave hospital on Tue 24 Nov" in words
    assert "Phone 07700 900123" in words
    assert "Monklands (synthetic) discharge hub, 01698 000020" in words


def test_no_ward_no_number_and_nobodys_patient_is_named(website: Website, worker: Visitor):
    website.line.take(ADMITTED, ADMITTED.later("A03", 3))
    answer = worker.open(INBOX)
    for word in ("Ward", "M7A", "999", "Hugh", "11 Feb 1948", "V1001", "B1"):
        assert word not in answer.text


def test_seen_news_moves_to_what_was_dealt_with(website: Website, worker: Visitor):
    website.line.take(ADMITTED)
    worker.open(INBOX)
    worker.press("/centre/answer", answer="seen")
    assert unseen(website) == 0
    words = text_of(worker.open(INBOX))
    assert "Nothing is waiting" in words
    assert "Dealt with in the last 7 days" in words


def test_a_discharge_is_one_item_to_contact_by_the_second_working_day(
    website: Website, worker: Visitor
):
    website.line.take(ADMITTED, ADMITTED.later("A03", 3))
    words = text_of(worker.open(INBOX))
    assert "1 person to contact. 0 notices not seen yet." in words
    assert "Jean Carswell: the person they help left hospital on Mon 23 Nov, afternoon" in words
    assert "By 17:00 on Wed 25 Nov" in words
    assert words.count("left hospital") == 1


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ("contacted", "contact-carer completed"),
        ("declined", "contact-carer completed"),
        ("no-reply", "contact-carer in-progress"),
        ("seen", "contact-carer received"),
    ],
)
def test_each_button_does_what_it_says(website: Website, worker: Visitor, answer: str, state: str):
    website.line.take(Adt(), Adt().later("A03", 3))
    worker.open(INBOX)
    worker.press("/centre/answer", answer=answer)
    assert open_tasks(website) == [state]
    assert unseen(website) == 0


def test_no_reply_pressed_twice_is_one_try(website: Website, worker: Visitor):
    website.line.take(Adt(), Adt().later("A03", 3))
    worker.open(INBOX)
    form = worker.form("/centre/answer", answer="no-reply")
    for _ in range(2):
        worker.client.post("/centre/answer", data=form)
    assert open_tasks(website) == ["contact-carer in-progress"]
    assert "First try 12:01, no reply" in worker.open(INBOX).text


def test_what_is_overdue_is_urgent(website: Website, worker: Visitor):
    website.line.take(Adt(), Adt().later("A03", 3))
    website.line.clock.at += timedelta(days=3)
    words = text_of(worker.enter("centre:LANCARERS").open(INBOX))
    assert "1 urgent" in words
    assert "Contact was due 17:00 Wed" in words


def test_a_cancelled_discharge_is_grey_and_asks_for_nothing(website: Website, worker: Visitor):
    website.line.take(Adt(), Adt().later("A03", 3), Adt().later("A13", 4))
    answer = worker.open(INBOX)
    words = text_of(answer)
    assert "Cancelled: Jean Carswell. The discharge did not happen" in words
    assert "Replaces the notice of 12:01. Nothing to do" in words
    assert "Spoke to them" not in answer.text
    assert answer.text.count("tc-note--gone") == 1


WITHDRAWN = (
    "Do not act on our earlier notice. Ring the discharge hub before you contact this carer."
)


@pytest.mark.parametrize(
    "changes", [{"hiding": "1"}, {"hiding": "2"}, {"died": "Y"}, {"family": "Carswel"}]
)
def test_a_withdrawal_says_one_thing_whatever_its_reason(
    website: Website, worker: Visitor, changes: dict[str, str]
):
    website.line.take(ADMITTED, ADMITTED.later("A08", 1, **changes))
    answer = worker.open(INBOX)
    words = text_of(answer)
    assert words.count(WITHDRAWN) == 1
    assert "1 notice not seen yet. " in words
    assert "Do not act Jean Carswell" in words
    assert "Monklands (synthetic) discharge hub, 01698 000020" in words
    for told in ("24 Nov", "planned", "07700 900123", "Nothing to do", "disregard", "Spoke"):
        assert told not in words
    worker.press("/centre/answer", answer="seen")
    words = text_of(worker.open(INBOX))
    assert "Nothing is waiting" in words
    assert "24 Nov" not in words


def test_a_carer_is_one_item_with_the_newest_date(website: Website, worker: Visitor):
    moved = ADMITTED.later("A16", 1, planned=date(2026, 11, 26))
    website.line.take(ADMITTED, moved)
    answer = worker.open(INBOX)
    assert "is now planned to leave hospital on Thu 26 Nov" in answer.text
    assert "Tue 24 Nov" not in answer.text
    assert answer.text.count("<article") == 1
    worker.press("/centre/answer", answer="seen")
    assert unseen(website) == 0
    words = text_of(worker.open(INBOX))
    assert "Nothing is waiting" in words
    assert "24 Nov" not in words


def test_leaving_overtakes_the_planned_date(website: Website, worker: Visitor):
    friday = date(2026, 11, 27)
    website.line.take(ADMITTED.but(planned=friday), ADMITTED.later("A03", 3, planned=friday))
    words = text_of(worker.open(INBOX))
    assert "left hospital on Mon 23 Nov" in words
    assert "27 Nov" not in words
    assert "planned" not in words


def test_a_planned_date_that_has_passed_is_not_stated(website: Website, worker: Visitor):
    website.line.take(ADMITTED)
    website.line.clock.at += timedelta(days=2)
    words = text_of(worker.enter("centre:LANCARERS").open(INBOX))
    assert "Jean Carswell: the planned date has passed" in words
    assert "24 Nov" not in words


def test_a_young_carer_is_reached_through_somebody_else(website: Website, worker: Visitor):
    kyle = Carer(given="Kyle", family="Baird", phone="07700 900777", is_young=True)
    website.line.registered(a_registration(carer=kyle, preferred_service="Action for Children"))
    website.line.take(ADMITTED)
    answer = worker.open(INBOX)
    assert "Kyle Baird, young carer: the person they help is planned to leave" in answer.text
    assert "Action for Children, for Kyle" in answer.text
    assert "Do not contact Kyle directly" in answer.text
    assert "07700 900777" not in answer.text


def test_a_carer_who_signs_is_not_rung(website: Website, worker: Visitor):
    website.line.registered(a_registration(carer=replace(JEAN.carer, format="bsl")))
    website.line.take(ADMITTED)
    words = text_of(worker.open(INBOX))
    assert "BSL user. Do not ring. Text 07700 900123 or book an interpreter" in words


def test_another_centres_inbox_is_not_there(website: Website, worker: Visitor):
    website.line.take(ADMITTED)
    worker.open(INBOX)
    form = worker.form("/centre/answer", answer="seen")
    missing = worker.open("/centre/NOWHERE")
    assert worker.open("/centre/YOUNGNL").content == missing.content
    other = website.visitor().enter("centre:YOUNGNL")
    form |= {"csrf": other.form("/sign-out")["csrf"]}
    assert other.client.post("/centre/answer", data=form).status_code == 404
    form |= {"centre": "YOUNGNL"}
    assert other.client.post("/centre/answer", data=form).status_code == 404
    assert unseen(website) == 1
