"""The steps of the line on both databases: what a message, a clock and a person bring about."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import text

from alerts.model.alert import Task, TaskCode, TaskState
from alerts.model.events import PROOFS, FactRecorded
from alerts.model.identity import Identifier, IdentifierKind
from alerts.model.register import CaredFor
from alerts.store import claims, register
from ingest.receive import Origin, receive
from service.batches import process_batch
from service.database import Database
from service.match_answers import NotTheirs, decide_match, take_back
from service.pipeline import (
    EvidenceChanged,
    NotThere,
    Progress,
    record_entry,
)
from tests.support.adt import Adt
from tests.support.line import TestLine
from tests.support.people import JEAN, a_registration

HUGH = Adt()
WARD = "ward:L302H/M7A"
CENTRE = "centre:LANCARERS"


@pytest.fixture
def line(database: Database) -> TestLine:
    return TestLine(database)


def involve(line: TestLine) -> Task:
    return next(a for a in line.alerts() if isinstance(a, Task) and a.code == "involve-carer")


def test_an_admission_of_somebody_with_a_registered_carer_asks_the_ward(line: TestLine):
    line.registered(JEAN)
    line.take(HUGH)
    assert line.told() == [f"involve-carer {WARD} requested"]


def test_an_admission_of_somebody_unknown_tells_nobody(line: TestLine):
    line.take(HUGH)
    assert line.told() == []
    assert [e.state for e in line.entries()] == ["settled"]


def test_an_import_reconsiders_open_stays_at_once(line: TestLine):
    line.take(HUGH)
    line.registered(JEAN)
    assert line.told() == [f"involve-carer {WARD} requested"]


def test_a_planned_date_tells_the_centre_once_however_often_it_is_repeated(line: TestLine):
    line.registered(JEAN)
    planned = HUGH.later("A08", planned=date(2026, 11, 25))
    line.take(HUGH, planned, planned.later("A08", 0.1), planned.later("A16", 0.2))
    assert line.told() == [f"involve-carer {WARD} requested", f"planned {CENTRE} completed"]


def test_a_discharge_with_the_record_incomplete_is_missed_and_repaired(line: TestLine):
    line.registered(JEAN)
    line.take(HUGH, HUGH.later("A03", 5))
    assert line.told() == [
        f"contact-carer {CENTRE} requested",
        f"discharged {CENTRE} completed",
        f"involve-carer {WARD} failed",
        f"repair-missed {WARD} requested",
    ]


def test_a_discharge_with_the_record_complete_is_complete(line: TestLine):
    line.registered(JEAN)
    line.take(HUGH)
    for proof in PROOFS:
        line.clock.at += timedelta(minutes=5)
        record_entry(line.line, "S. Mackie", involve(line).stay, a_fact(line, proof))
    assert involve(line).status == "in-progress"
    line.take(HUGH.later("A03", 5))
    assert involve(line).state is TaskState.COMPLETE
    assert not [a for a in line.told() if "repair" in a]


def a_fact(line: TestLine, proof: object) -> FactRecorded:
    return FactRecorded(
        fact=proof,
        registration=JEAN.key,
        at=line.clock.at,
        by="S. Mackie",
        how="phone",
        words="By phone",
    )


def test_a_cancelled_discharge_reopens_the_same_task_and_tells_the_centre(line: TestLine):
    line.registered(JEAN)
    line.take(HUGH, HUGH.later("A03", 5), HUGH.later("A13", 6))
    assert line.told() == [
        f"cancelled {CENTRE} completed",
        f"contact-carer {CENTRE} cancelled",
        f"discharged {CENTRE} completed",
        f"involve-carer {WARD} requested",
        f"repair-missed {WARD} cancelled",
    ]


def test_a_late_admission_after_the_discharge_raises_nothing_to_the_ward(line: TestLine):
    line.registered(JEAN)
    line.take(HUGH.later("A03", 5))
    before = line.told()
    line.take(HUGH)
    assert line.told() == before
    assert not [a for a in before if a.endswith("requested") and "involve" in a]


def test_the_same_news_under_a_new_control_id_changes_nothing(line: TestLine):
    line.registered(JEAN)
    day = [HUGH, HUGH.later("A08", planned=date(2026, 11, 25)), HUGH.later("A03", 5)]
    line.take(*day)
    before = line.told()
    line.take(*day)
    assert line.told() == before


def test_a_death_withdraws_the_tasks_and_tells_no_centre(line: TestLine):
    line.registered(JEAN)
    line.take(HUGH, HUGH.later("A03", 5, method="4"))
    assert line.told() == [
        "bereavement-support coordinator:L302H requested",
        f"involve-carer {WARD} cancelled",
    ]


@pytest.mark.parametrize("hiding", ["1", "2"])
def test_a_hidden_location_lets_nothing_leave(line: TestLine, hiding: str):
    line.registered(JEAN)
    hidden = HUGH.but(hiding=hiding, planned=date(2026, 11, 25))
    line.take(hidden, hidden.later("A03", 5))
    assert not [a for a in line.told() if "centre" in a]


def test_a_doubtful_match_asks_the_coordinator_alone(line: TestLine):
    line.registered(JEAN)
    line.take(HUGH.but(family="Carsewell", planned=date(2026, 11, 25)))
    assert line.told() == ["confirm-match coordinator:L302H requested"]


def test_a_coordinators_yes_makes_the_match_certain(line: TestLine):
    line.registered(JEAN)
    line.take(HUGH.but(family="Carsewell", planned=date(2026, 11, 25)))
    decide_match(line.line, "R. Baxter", line.alerts()[0].id, is_same=True)
    assert line.told() == [
        "confirm-match coordinator:L302H completed",
        f"involve-carer {WARD} requested",
        f"planned {CENTRE} completed",
    ]


def test_a_coordinators_no_is_not_asked_again(line: TestLine):
    line.registered(JEAN)
    doubtful = HUGH.but(family="Carsewell")
    line.take(doubtful)
    decide_match(line.line, "R. Baxter", line.alerts()[0].id, is_same=False)
    line.take(doubtful.later("A08"))
    assert line.told() == ["confirm-match coordinator:L302H completed"]


JOHN = Adt(family="Namesake", given="John", born="19500505", planned=date(2026, 11, 25))
NAMESAKE = a_registration(
    registration_id="R26",
    patient=CaredFor(
        Identifier(IdentifierKind.NHS, "9990000026"),
        "John",
        "Namesake",
        date(1950, 5, 5),
        postcode="ML6 0XX",
    ),
)
CONFIRM, INVOLVE = "confirm-match coordinator:L302H", f"involve-carer {WARD}"


def _numbered(message: Adt, own: str) -> bytes:
    """With a number of the hospital's own and no other."""
    return message.raw().replace(b"9990000018^^^NHS^NH", f"{own}^^^LAN^MR".encode())


def _answered(line: TestLine, is_same: bool) -> int:
    """John's admission with a coordinator's answer about it; the answer's id."""
    line.registered(NAMESAKE)
    line.take(_numbered(JOHN, "111"))
    decide_match(line.line, "R. Baxter", line.alerts()[0].id, is_same)
    with line.database.read() as tx:
        (answer,) = register.decided_since(tx, JOHN.at)
    return answer.id


@pytest.mark.parametrize("is_same", [True, False])
def test_an_answer_about_one_person_is_not_used_for_a_namesake(line: TestLine, is_same: bool):
    _answered(line, is_same)
    before = line.told()
    line.take(_numbered(JOHN.but(visit="V2002", ward="M4"), "222"))
    assert line.told() == sorted([*before, f"{CONFIRM} requested"])


def test_an_answer_that_is_taken_back_corrects_what_was_told(line: TestLine):
    answer = _answered(line, is_same=True)
    planned = f"planned {CENTRE}"
    assert line.told() == [f"{CONFIRM} completed", f"{INVOLVE} requested", f"{planned} completed"]
    take_back(line.line, "R. Baxter", answer, "L302H")
    assert line.told() == [
        f"{CONFIRM} requested",
        f"{INVOLVE} cancelled",
        f"{planned} entered-in-error",
        f"withdrawn {CENTRE} completed",
    ]
    asked = next(a.id for a in line.alerts() if isinstance(a, Task) and a.code == "confirm-match")
    decide_match(line.line, "R. Baxter", asked, is_same=False)
    assert f"{CONFIRM} completed" in line.told()


def test_an_answer_that_is_taken_back_after_the_discharge_corrects_it_too(line: TestLine):
    answer = _answered(line, is_same=True)
    line.take(_numbered(JOHN.later("A03", 5), "111"))
    assert f"discharged {CENTRE} completed" in line.told()
    take_back(line.line, "R. Baxter", answer, "L302H")
    told = line.told()
    assert f"discharged {CENTRE} entered-in-error" in told
    assert f"contact-carer {CENTRE} cancelled" in told


def test_not_the_same_person_can_be_taken_back_too(line: TestLine):
    take_back(line.line, "R. Baxter", _answered(line, is_same=False), "L302H")
    assert line.told() == [f"{CONFIRM} requested"]


def test_an_answer_is_taken_back_once_and_by_its_own_hospital(line: TestLine):
    answer = _answered(line, is_same=True)
    for number, hospital in ((answer, "G405H"), (answer + 1, "L302H")):
        with pytest.raises(NotTheirs):
            take_back(line.line, "R. Baxter", number, hospital)
    take_back(line.line, "R. Baxter", answer, "L302H")
    with pytest.raises(NotTheirs):
        take_back(line.line, "R. Baxter", answer, "L302H")


def test_an_answer_to_evidence_that_changed_is_refused(line: TestLine):
    line.registered(JEAN)
    line.take(HUGH.but(family="Carsewell"))
    asked = line.alerts()[0].id
    line.take(HUGH.later("A08", family="Carsewel"))
    with pytest.raises(EvidenceChanged):
        decide_match(line.line, "R. Baxter", asked, is_same=True)


def test_an_answer_to_nothing_is_refused(line: TestLine):
    with pytest.raises(NotThere):
        decide_match(line.line, "R. Baxter", "no-such-task", is_same=True)


def test_a_contact_that_is_overdue_becomes_urgent_by_the_clock_alone(line: TestLine):
    line.registered(JEAN)
    line.take(HUGH, HUGH.later("A03", 5))
    # Monday's discharge is due on Wednesday at 17:00.
    line.clock.at = HUGH.at.replace(day=25, hour=16, minute=59)
    line.work()
    assert not contact(line).urgent
    line.clock.at += timedelta(minutes=2)
    line.work()
    assert contact(line).urgent


def contact(line: TestLine) -> Task:
    return next(
        a for a in line.alerts() if isinstance(a, Task) and a.code is TaskCode.CONTACT_CARER
    )


def test_news_older_than_a_day_updates_the_stay_and_tells_nobody(line: TestLine):
    line.registered(JEAN)
    line.clock.at = HUGH.at + timedelta(hours=25)
    line.take(HUGH.raw())
    assert line.told() == []
    line.clock.at = HUGH.at + timedelta(hours=26)
    line.take(HUGH.later("A08", 26))
    assert line.told() == [f"involve-carer {WARD} requested"]


def test_a_transfer_moves_the_task_and_an_unknown_ward_asks_the_coordinator(line: TestLine):
    line.registered(JEAN)
    line.take(HUGH, HUGH.later("A02", 1, ward="M4"))
    assert line.told() == ["involve-carer ward:L302H/M4 requested"]
    line.take(HUGH.later("A02", 2, ward="NOWHERE"))
    assert line.told() == ["involve-carer coordinator:L302H requested"]


def test_a_ward_that_is_not_live_is_matched_in_silence(line: TestLine):
    line.registered(JEAN)
    line.take(HUGH.but(ward="M9", planned=date(2026, 11, 25)))
    assert line.told() == []


def test_two_carers_of_one_patient_each_have_a_task(line: TestLine):
    other = a_registration(registration_id="R-2", carer=replace(JEAN.carer, given="Fiona"))
    line.registered(JEAN, other)
    line.take(HUGH)
    assert line.told() == [f"involve-carer {WARD} requested"] * 2


def test_a_message_that_cannot_be_read_is_parked_and_the_next_goes_on(line: TestLine):
    line.registered(JEAN)
    line.take(HUGH.but(number="").raw(), HUGH)
    assert [e.state for e in line.entries()] == ["parked", "settled"]
    assert "PID-3" in line.entries()[0].reason


def test_a_batch_that_fails_says_which_entry_it_was(line: TestLine):
    line.take(HUGH.raw())
    receive(HUGH.later("A08").raw(), Origin("test"), line.door)
    progress = Progress()
    with line.database.write() as tx:
        tx.execute(text("update stay set body = '{'"))
    with pytest.raises(ValueError, match="JSON"):
        process_batch(line.line, progress)
    assert progress.entry == line.entries()[-1].id


def test_a_message_whose_feed_the_site_file_no_longer_names_is_parked_in_words(line: TestLine):
    line.take_in(HUGH)
    process_batch(replace(line.line, dialects={}), Progress())
    [entry] = line.entries()
    assert entry.state == "parked"
    assert "no longer names the feed" in entry.reason


def test_a_parcel_in_hand_at_a_kill_goes_again_at_once_where_nobody_else_carries(line: TestLine):
    line.registered(JEAN)
    receive(HUGH.raw(), Origin("test"), line.door)
    process_batch(line.line, Progress())
    with line.database.write() as tx:
        assert (
            len(
                claims.claim_due(
                    tx,
                    claims.Claim("inbox", timedelta(seconds=30), 10, line.line.under),
                    line.clock.at,
                )
            )
            == 1
        )
        assert (
            claims.claim_due(
                tx, claims.Claim("inbox", timedelta(seconds=30), 10, line.line.under), line.clock.at
            )
            == []
        )
        assert claims.release(tx, line.clock.at) == 1
        assert (
            len(
                claims.claim_due(
                    tx,
                    claims.Claim("inbox", timedelta(seconds=30), 10, line.line.under),
                    line.clock.at,
                )
            )
            == 1
        )
