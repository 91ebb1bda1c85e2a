"""The ward's list: what it shows, what it hides, and that two presses record."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest

from alerts.model.identity import Identifier, IdentifierKind
from alerts.model.register import Sharing
from alerts.model.stay import Stay
from alerts.store import register
from alerts.store import stays as stay_store
from service.database import Database
from tests.support.adt import Adt
from tests.support.pages import Visitor, Website, a_website, text_of
from tests.support.people import JEAN, a_registration

TOMORROW = date(2026, 11, 24)
WARD = "/ward/L302H/M7A"
ADMITTED = Adt(planned=TOMORROW)


@pytest.fixture
def website(database: Database) -> Iterator[Website]:
    with a_website(database) as made:
        yield made


@pytest.fixture
def nurse(website: Website) -> Visitor:
    """On Ward 7A, where Hugh is and Jean helps him."""
    website.line.registered(JEAN)
    website.line.take(ADMITTED)
    return website.visitor().enter("ward:L302H/M7A")


def the_stay(website: Website) -> Stay:
    stay_id = website.line.alerts()[0].stay
    with website.line.database.read() as tx:
        found = stay_store.load(tx, stay_id)
    assert found is not None
    return found.stay


def facts(website: Website) -> list[tuple[str, str]]:
    return [(f.fact.value, f.how) for f in the_stay(website).facts]


def test_the_list_says_who_helps_what_is_next_and_by_when(nurse: Visitor):
    words = text_of(nurse.open(WARD))
    assert "Leaving tomorrow, Tue 24 November" in words
    assert "Hugh Carswell" in words
    assert "999 000 0018" in words
    assert "Registered carer Jean Carswell, wife Phone 07700 900123" in words
    assert "Tell Jean the date, ask for their views" in words
    assert "Synthetic data. No real person is shown." in words


def test_one_press_opens_the_panel_and_the_second_records(website: Website, nurse: Visitor):
    answer = nurse.press("/ward/record", proof="informed", how="phone", also="yes")
    assert facts(website) == [("informed", "phone"), ("invited", "phone")]
    assert answer.history[0].status_code == 303
    assert answer.history[0].headers["location"] == f"{WARD}#bed-B1"
    words = text_of(answer)
    assert "Saved: told and asked, by phone" in words
    assert "Record what Jean says" in words


def test_the_record_keeps_who_said_it_and_of_which_date(website: Website, nurse: Visitor):
    nurse.press("/ward/record", proof="informed", how="in-person")
    (fact,) = the_stay(website).facts
    assert fact.by == "Ward nurse, Ward 7A"
    assert fact.planned_on == TOMORROW
    assert fact.words == "Told of the planned date, Tue 24 Nov. Face to face"


def test_pressing_twice_records_once(website: Website, nurse: Visitor):
    form = nurse.form("/ward/record", proof="informed", how="phone")
    for _ in range(2):
        assert nurse.client.post("/ward/record", data=form).status_code == 200
    assert facts(website) == [("informed", "phone")]


def test_a_page_older_than_what_was_recorded_since_adds_nothing(website: Website, nurse: Visitor):
    old = nurse.form("/ward/record", proof="informed", how="letter")
    other = website.visitor().enter("ward:L302H/M7A")
    other.press("/ward/record", proof="informed", how="phone")
    website.line.clock.at += timedelta(hours=1)
    nurse.client.post("/ward/record", data=old)
    assert facts(website) == [("informed", "phone")]


def test_a_moved_date_asks_to_tell_the_carer_again(website: Website, nurse: Visitor):
    nurse.press("/ward/record", proof="informed", how="phone")
    website.line.take(ADMITTED.later("A08", 2, planned=date(2026, 11, 23)))
    words = text_of(nurse.open(WARD))
    assert "Informed : do again date moved" in words
    assert "Tell Jean the new date, ask for their views" in words
    assert "Told Tue 24. Now today, Mon 23 November." in words
    nurse.press("/ward/record", proof="informed", how="phone")
    assert facts(website) == [("informed", "phone")] * 2


@pytest.mark.parametrize(
    ("proof", "how", "sentence"),
    [
        ("views", "given", "Bed B1, Hugh Carswell: write what Jean said"),
        (
            "account-taken",
            "not-possible",
            "Bed B1, Hugh Carswell: write why the plan could not follow Jean’s views",
        ),
    ],
)
def test_what_needs_words_is_asked_for_with_its_panel_open(
    website: Website, nurse: Visitor, proof: str, how: str, sentence: str
):
    answer = nurse.press("/ward/record", proof=proof, how=how, text="  ")
    assert answer.status_code == 422
    assert sentence in text_of(answer)
    assert '<details name="panel" open>' in answer.text
    assert 'id="wrong"' in answer.text
    assert facts(website) == []


def test_the_plan_may_follow_the_views_without_a_word(website: Website, nurse: Visitor):
    nurse.press("/ward/record", proof="account-taken", how="follows")
    assert facts(website) == [("account-taken", "follows")]


def test_all_four_boxes_make_it_complete(website: Website, nurse: Visitor):
    steps = (
        {"proof": "informed", "how": "phone", "also": "yes"},
        {"proof": "views", "how": "given", "text": "I can be there mornings, not nights."},
        {"proof": "account-taken", "how": "follows"},
    )
    for step in steps:
        nurse.press("/ward/record", **step)
        nurse.open(WARD)
    words = text_of(nurse.open(WARD))
    assert "Nothing to do unless the date moves" in words
    assert "Complete, 09:01" in words
    assert "I can be there mornings, not nights" in words


def test_what_was_just_saved_can_be_taken_back_by_who_saved_it(website: Website, nurse: Visitor):
    nurse.last = nurse.press("/ward/record", proof="informed", how="phone", also="yes")
    undo = nurse.form("/ward/undo")
    nurse.client.post("/ward/undo", data=undo)
    nurse.client.post("/ward/undo", data=undo)
    assert facts(website) == []


def test_after_a_quarter_of_an_hour_nothing_is_taken_back(website: Website, nurse: Visitor):
    nurse.last = nurse.press("/ward/record", proof="informed", how="phone")
    undo = nurse.form("/ward/undo")
    website.line.clock.at += timedelta(minutes=16)
    nurse.client.post("/ward/undo", data=undo)
    assert facts(website) == [("informed", "phone")]
    assert "Undo" not in nurse.open(WARD).text


def test_another_wards_list_is_not_there(website: Website, nurse: Visitor):
    foreign = nurse.open("/ward/L302H/M4")
    missing = nurse.open("/ward/L302H/NOWHERE")
    assert foreign.status_code == missing.status_code == 404
    assert foreign.content == missing.content
    assert nurse.open("/coordinator/L302H").content == missing.content
    assert nurse.open("/centre/LANCARERS").content == missing.content
    assert nurse.open("/journal").content == missing.content


def test_another_wards_nurse_can_record_nothing_here(website: Website, nurse: Visitor):
    form = nurse.form("/ward/record", proof="informed", how="phone")
    other = website.visitor().enter("ward:L302H/M4")
    mine = other.client.post("/ward/record", data=form | {"csrf": _csrf(other)})
    as_if = form | {"csrf": _csrf(other), "ward": "L302H/M4"}
    theirs = other.client.post("/ward/record", data=as_if)
    assert (mine.status_code, theirs.status_code) == (404, 404)
    assert facts(website) == []


def test_a_transfer_takes_the_patient_to_the_other_list(website: Website, nurse: Visitor):
    website.line.take(ADMITTED.later("A02", 1, ward="M4"))
    assert "Hugh Carswell" not in nurse.open(WARD).text
    other = website.visitor().enter("ward:L302H/M4")
    assert "Jean Carswell, wife" in other.open("/ward/L302H/M4").text


def test_a_restricted_patient_is_spoken_to_alone(website: Website, nurse: Visitor):
    form = nurse.form("/ward/record", proof="informed", how="phone")
    website.line.take(ADMITTED.later("A08", 1, hiding="1"))
    answer = nurse.open(WARD)
    assert "Speak to the patient alone" in answer.text
    assert "Jean" not in answer.text
    assert "07700" not in answer.text
    assert nurse.client.post("/ward/record", data=form).status_code == 404


def test_where_the_patient_refuses_sharing_the_carer_is_heard_and_told_nothing(website: Website):
    website.line.registered(a_registration(sharing=Sharing.REFUSED))
    website.line.take(ADMITTED)
    nurse = website.visitor().enter("ward:L302H/M7A")
    words = text_of(nurse.open(WARD))
    assert "Listen, share nothing" in words
    assert "Informed : not possible patient’s choice" in words
    assert "Ask Jean for their views. Tell them nothing" in words
    with pytest.raises(AssertionError):
        nurse.form("/ward/record", proof="informed")


def test_a_patient_who_left_too_early_leaves_a_call_to_make(website: Website, nurse: Visitor):
    website.line.take(ADMITTED.later("A03", 3))
    words = text_of(nurse.open(WARD))
    assert "Left, ring the carer" in words
    assert "Ring Jean" in words
    assert "By 23:59 on Tue 24 Nov" in words
    nurse.press("/ward/call", answer="no-reply")
    assert "Tried 12:01" in nurse.open(WARD).text
    nurse.press("/ward/call", answer="called")
    assert "Left, ring the carer" not in nurse.open(WARD).text
    assert "repair-missed ward:L302H/M7A completed" in website.line.told()


def test_a_call_pressed_twice_counts_once(website: Website, nurse: Visitor):
    website.line.take(ADMITTED.later("A03", 3))
    nurse.open(WARD)
    form = nurse.form("/ward/call", answer="no-reply")
    for _ in range(2):
        nurse.client.post("/ward/call", data=form)
    assert len(the_stay(website).answers) == 1


def test_names_are_shown_as_text_whatever_is_in_them(website: Website):
    hostile = "<script>alert(1)</script>"
    website.line.registered(
        a_registration(carer=replace(JEAN.carer, given="<img src=x onerror=alert(2)>"))
    )
    website.line.take(Adt(given=hostile, planned=TOMORROW), Adt(given="Hugh", planned=TOMORROW))
    website.line.take(Adt(visit="V2", number="9990000026", given=hostile, family="\u202eevil"))
    answer = website.visitor().enter("ward:L302H/M7A").open(WARD)
    assert "<script" not in answer.text
    assert "<img" not in answer.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in answer.text
    assert "&lt;img src=x onerror=alert(2)&gt;" in answer.text
    assert "<bdi>" in answer.text


def test_a_doubtful_match_shows_the_ward_nobody(website: Website):
    website.line.registered(JEAN)
    website.line.take(replace(ADMITTED, family="Carswel"))
    answer = website.visitor().enter("ward:L302H/M7A").open(WARD)
    assert "No one on the register" not in answer.text
    assert "Being checked" in answer.text
    assert "Jean" not in answer.text


STRANGER = Adt(visit="V2002", number="9990000069", family="Orr", given="Janet", born="19550505")


def test_no_one_on_the_register_is_said_only_where_that_is_sure(website: Website, nurse: Visitor):
    website.line.take(STRANGER)
    assert "No one on the register" in nurse.open(WARD).text
    website.line.clock.at += timedelta(hours=3)  # and the hospital sends nothing any more
    words = text_of(nurse.open(WARD))
    assert "No one on the register" not in words
    assert "Not known yet" in words


def test_a_carer_who_is_there_and_not_told_of_yet_is_not_denied(website: Website, nurse: Visitor):
    """An import whose stays are not decided yet; a ward that went live a moment ago."""
    person = replace(
        JEAN.patient,
        identifier=Identifier(IdentifierKind.NHS, STRANGER.number),
        family=STRANGER.family,
        given=STRANGER.given,
        birth_date=date(1955, 5, 5),
    )
    website.line.take(STRANGER)
    with website.line.database.write() as tx:
        row = a_registration(registration_id="R-9", patient=person)
        register.upsert(tx, [row], website.line.clock.at)
    words = text_of(nurse.open(WARD))
    assert "No one on the register" not in words
    assert "Not known yet" in words


def test_a_carer_who_does_not_want_the_hospital_to_know_is_not_betrayed(website: Website):
    website.line.registered(a_registration(agrees_hospital=False))
    website.line.take(ADMITTED)
    words = text_of(website.visitor().enter("ward:L302H/M7A").open(WARD))
    assert "No one on the register" in words
    assert "Not known yet" not in words


def test_who_has_died_leaves_the_groups_of_those_who_leave(website: Website, nurse: Visitor):
    website.line.take(ADMITTED.later("A08", 1, died="Y"))
    words = text_of(nurse.open(WARD))
    assert "Leaving tomorrow" not in words
    assert "Has died" in words
    assert "Jean" not in words


@pytest.mark.parametrize("hiding", ["1", "2"])
def test_a_restricted_patient_who_left_is_a_group_of_its_own(
    website: Website, nurse: Visitor, hiding: str
):
    website.line.take(ADMITTED.later("A03", 3), ADMITTED.later("A08", 4, hiding=hiding))
    words = text_of(nurse.open(WARD))
    assert "Left. Contact no one" in words
    for told in ("ring the carer", "Speak to the patient alone", "Jean", "24 Nov"):
        assert told not in words
    nurse.press("/ward/shut")
    assert "Left. Contact no one" not in text_of(nurse.open(WARD))


def test_a_ward_that_is_not_live_shows_nothing(website: Website):
    website.line.registered(JEAN)
    website.line.take(replace(ADMITTED, ward="M9"))
    website.token("ward", "L302H/M9")
    visitor = website.visitor()
    visitor.open("/")
    answer = visitor.press("/sign-in", token="ward L302H/M9")  # noqa: S106 - a test's own
    assert "Ward 9 is not live yet" in answer.text
    assert "Hugh" not in answer.text


def test_old_news_is_said_at_the_top(website: Website, nurse: Visitor):
    website.line.clock.at += timedelta(hours=2, minutes=1)
    words = text_of(nurse.open(WARD))
    assert "No news from the hospital system since 09:01" in words
    assert "What you record is safe." in words


def test_an_auditor_reads_and_each_reading_is_kept(website: Website, nurse: Visitor):
    website.token("auditor")
    auditor = website.visitor()
    auditor.open("/")
    auditor.press("/sign-in", token="auditor")  # noqa: S106 - a test's own
    answer = auditor.open(WARD)
    assert "Jean Carswell, wife" in answer.text
    assert 'action="/ward/record"' not in answer.text
    form = nurse.form("/ward/record", proof="informed", how="phone") | {"csrf": _csrf(auditor)}
    assert auditor.client.post("/ward/record", data=form).status_code == 404
    assert ("read", WARD) in website.audited()


def _csrf(visitor: Visitor) -> str:
    return visitor.form("/sign-out")["csrf"]
