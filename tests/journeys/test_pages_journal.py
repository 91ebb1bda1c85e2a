"""The engineers' pages: every message found, nobody named until a reason is given."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest

from service import probe
from service.database import Database
from tests.support.adt import Adt
from tests.support.pages import Visitor, Website, a_website, text_of
from tests.support.people import JEAN

ADMITTED = Adt(planned=date(2026, 11, 24), control_id="MSG1")
PERSONAL = ("9990000018", "Carswell", "Hugh", "19480211", "V1001")


@pytest.fixture
def website(database: Database) -> Iterator[Website]:
    with a_website(database) as made:
        made.line.registered(JEAN)
        made.line.take(ADMITTED, b"rubbish", ADMITTED.later("A03", 3, control_id="MSG2"))
        yield made


@pytest.fixture
def engineer(website: Website) -> Visitor:
    return website.visitor().enter("engineer")


def shown(engineer: Visitor) -> list[str]:
    text = engineer.last.text if engineer.last else ""
    return [part.split("<")[0] for part in text.split('tc-keep" href="/journal/')[1:]]


def test_every_message_is_listed_newest_first_and_names_nobody(engineer: Visitor):
    answer = engineer.open("/journal")
    words = text_of(answer)
    assert words.index("MSG2") < words.index("none, row 2") < words.index("MSG1")
    assert "Task involve-carer requested, notice planned completed" in words
    assert not [word for word in PERSONAL if word in answer.text]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("control_id=MSG1", ["MSG1"]),
        ("trigger=a03", ["MSG2"]),
        ("state=refused", ["none, row 2"]),
        ("since=2026-11-23T11:00", ["MSG2"]),
        ("control_id=NOTHING", []),
    ],
)
def test_a_search_finds_what_it_says(engineer: Visitor, search: str, found: list[str]):
    engineer.open(f"/journal?{search}")
    assert [row.split(">")[1] for row in shown(engineer)] == found


def test_a_search_that_finds_nothing_says_where_to_look(engineer: Visitor):
    assert "No message fits this search" in engineer.open("/journal?control_id=X").text


def test_a_time_that_is_none_is_said_to_be_none(engineer: Visitor):
    answer = engineer.open("/journal?since=yesterday")
    assert answer.status_code == 400
    assert "Write the time like 2026-11-24T09:00" in answer.text


def test_older_messages_are_on_the_next_page_and_none_is_there_twice(
    website: Website, engineer: Visitor
):
    messages = [
        replace(ADMITTED, control_id=f"N{n}", visit=f"W{n}", at=ADMITTED.at + timedelta(hours=5))
        for n in range(60)
    ]
    website.line.take(*messages)
    answer = engineer.open("/journal")
    first = shown(engineer)
    older = answer.text.split('<p><a href="')[1].split('"')[0].replace("&amp;", "&")
    engineer.open(older)
    assert len(first) == 50
    assert len({*first, *shown(engineer)}) == 63


def test_a_probe_is_no_news_of_a_sender(website: Website, engineer: Visitor):
    assert "Last settled message in the last minute" in text_of(engineer.open("/journal"))
    website.line.clock.at += timedelta(hours=3)
    site, now = website.line.site, website.line.clock.at
    website.line.take(probe.admission(site, site.feeds[0], "PROBE20261123", now))
    assert "Last settled message in the last minute" not in text_of(engineer.open("/journal"))
    website.line.take(replace(ADMITTED, control_id="MSG3", visit="W2"))
    assert "Last settled message in the last minute" in text_of(engineer.open("/journal"))


def test_one_message_tells_what_was_decided_and_what_left(engineer: Visitor):
    words = text_of(engineer.open("/journal/1"))
    assert "Stored as row 1, then answered AA." in words
    assert "Same person as on the register?" in words
    assert "LANCARERS, inbox" in words
    assert "PV2-9" in words


def test_values_of_persons_are_hidden(engineer: Visitor):
    answer = engineer.open("/journal/1")
    assert "Hidden (13 characters)" in answer.text
    assert "M7A^^B1^L302H" in answer.text
    assert not [word for word in PERSONAL if word in answer.text]


def test_what_was_doubtful_is_shown_and_counted_by_its_field_and_never_by_its_value(
    website: Website, engineer: Visitor
):
    extra = ("PV2|||||||||04/12/2026",)
    odd = ADMITTED.later("A08", 1, control_id="MSG3", planned=None, extra=extra)
    website.line.take(odd)
    words = text_of(engineer.open("/journal/4"))
    assert "PV2-9 is no possible date in HL7" in words
    assert "04/12/2026" not in words.split("Doubtful")[1].split("Sent because of it")[0]
    assert "doubtful date-unreadable" not in words
    series = 'thinkcarer_doubts_total{feed="pas",kind="date-unreadable"} 1.0'
    assert series in website.line.line.metrics.text().decode()
    assert "Doubtful" not in text_of(engineer.open("/journal/1"))


def test_no_figure_betrays_that_something_was_said_of_a_death(website: Website):
    website.line.take(ADMITTED.later("A08", 1, died="perhaps"))
    figures = website.line.line.metrics.text().decode()
    assert 'thinkcarer_doubts_total{feed="pas",kind="other"} 1.0' in figures
    assert "death" not in figures


def test_a_reason_shows_them_for_a_quarter_of_an_hour_and_is_kept(
    website: Website, engineer: Visitor
):
    engineer.open("/journal/1")
    answer = engineer.press("/journal/1/show", reason="fault", reference="INC-4471")
    assert "CARSWELL^HUGH" in answer.text.upper()
    assert "As received" in answer.text
    assert ("message-shown", "journal/1") in website.audited()
    website.line.clock.at += timedelta(minutes=15)
    assert "Carswell" not in engineer.open("/journal/1").text


def test_what_is_shown_of_one_message_is_shown_of_no_other_and_to_nobody_else(
    website: Website, engineer: Visitor
):
    engineer.open("/journal/1")
    engineer.press("/journal/1/show", reason="fault", reference="INC-4471")
    assert "Carswell" not in engineer.open("/journal/3").text
    other = website.visitor().enter("engineer")
    for cookie in engineer.client.cookies.jar:
        if cookie.name == "thinkcarer_shown":
            other.client.cookies.set(cookie.name, cookie.value or "")
    assert "Carswell" not in other.open("/journal/1").text


def test_it_can_be_hidden_again(engineer: Visitor):
    engineer.open("/journal/1")
    engineer.last = engineer.press("/journal/1/show", reason="fault", reference="INC-4471")
    assert "Carswell" not in engineer.press("/journal/1/hide").text


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"reason": "", "reference": "INC-1"}, "Choose a reason"),
        ({"reason": "fault", "reference": " "}, "Write the incident or request number"),
    ],
)
def test_without_reason_and_number_nothing_is_shown(
    website: Website, engineer: Visitor, values: dict[str, str], sentence: str
):
    engineer.open("/journal/1")
    answer = engineer.press("/journal/1/show", **values)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert "Carswell" not in answer.text
    assert website.audited() == []


@pytest.mark.parametrize("path", ["/journal", "/journal/1"])
def test_only_engineers_and_auditors_read_the_journal(website: Website, path: str):
    for door in ("ward:L302H/M7A", "centre:LANCARERS", "coordinator:L302H"):
        assert website.visitor().enter(door).open(path).status_code == 404


@pytest.mark.parametrize("path", ["/journal/999", "/journal/99999999999999999999", "/journal/0"])
def test_a_message_that_is_not_there_is_not_found(engineer: Visitor, path: str):
    assert engineer.open(path).status_code == 404


def test_a_message_that_cannot_be_read_has_a_page_too(engineer: Visitor):
    words = text_of(engineer.open("/journal/2"))
    assert "without control ID, row 2" in words
    assert "None: it was not settled." in words
    assert "rubbish" not in words
