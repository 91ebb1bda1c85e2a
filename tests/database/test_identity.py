"""Which stay and which patient a message is about, whatever the feeds are called."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import text

from alerts.model.alert import TaskCode
from alerts.store import visit_questions
from ingest.requeue import requeue
from service.database import Database
from service.match_answers import NotTheirs
from service.visit_answers import answer_visit
from tests.support.adt import Adt
from tests.support.line import TestLine
from tests.support.people import JEAN, a_registration

HUGH = Adt(planned=date(2026, 11, 25))
MORAG = Adt(
    number="9990000026",
    family="Other",
    given="Morag",
    born="19500101",
    ward="M4",
    planned=date(2026, 11, 26),
)
OF_MORAG = a_registration(
    registration_id="R-2",
    patient=replace(
        JEAN.patient,
        identifier=replace(JEAN.patient.identifier, value="9990000026"),
        given="Morag",
        family="Other",
        birth_date=date(1950, 1, 1),
    ),
)
BOTH = [
    "involve-carer ward:L302H/M4 requested",
    "involve-carer ward:L302H/M7A requested",
    "planned centre:LANCARERS completed",
    "planned centre:LANCARERS completed",
]


@pytest.fixture
def line(database: Database) -> TestLine:
    made = TestLine(database)
    made.registered(JEAN, OF_MORAG)
    return made


def given_by(message: Adt, authority: str) -> bytes:
    visit = message.visit.encode()
    return message.raw().replace(b"|" + visit, b"|" + visit + b"^^^" + authority.encode(), 1)


def from_another_system(message: Adt) -> bytes:
    return message.raw().replace(b"|TRAK|L302H|", b"|EDSYS|OTHER|", 1)


def test_one_number_given_by_two_hospitals_is_two_stays(line: TestLine):
    line.take(given_by(HUGH, "HOSPA"), given_by(MORAG, "HOSPB"))
    assert line.told() == BOTH
    assert stays(line) == 2


def test_one_number_sent_by_two_systems_is_two_stays(line: TestLine):
    one = line.site.feeds[0]
    site = replace(line.site, feeds=(replace(one, sending_application="*"),))
    both = TestLine(line.database, site=site)
    both.take(HUGH.raw(), from_another_system(MORAG))
    assert both.told() == BOTH


def test_one_visit_told_by_two_systems_is_one_stay_of_the_same_patient(line: TestLine):
    one = line.site.feeds[0]
    both = TestLine(
        line.database, site=replace(line.site, feeds=(replace(one, sending_application="*"),))
    )
    both.take(HUGH.raw(), from_another_system(HUGH.later("A08")))
    assert stays(both) == 1
    assert len(both.told()) == 2


def test_a_feed_with_another_name_goes_on_with_the_same_stays(line: TestLine):
    line.take(HUGH)
    renamed = replace(line.site.feeds[0], name="trak")
    after = TestLine(line.database, site=replace(line.site, feeds=(renamed,)))
    after.clock.at = line.clock.at
    after.take(HUGH.later("A08"), HUGH.later("A03", 2))
    assert stays(after) == 1
    assert "involve-carer ward:L302H/M7A failed" in after.told()


def test_an_entry_that_waits_while_its_feed_is_renamed_finds_the_feed_anew(line: TestLine):
    line.take_in(HUGH)
    renamed = replace(line.site.feeds[0], name="trak")
    after = TestLine(line.database, site=replace(line.site, feeds=(renamed,)))
    after.work()
    [entry] = after.entries()
    assert (entry.state, "no longer names the feed" in entry.reason) == ("parked", True)
    with line.database.write() as tx:
        assert requeue(tx, [entry.id], lambda _raw: "trak") == {}
    after.work()
    [entry] = after.entries()
    assert (entry.state, entry.feed) == ("settled", "trak")


def test_a_second_person_under_one_visit_is_parked_and_changes_nothing(line: TestLine):
    line.take(HUGH)
    before = line.told()
    line.take(MORAG.later("A08", visit=HUGH.visit))
    assert line.told() == before
    entry = line.entries()[-1]
    assert entry.state == "parked"
    assert "another patient holds this visit number" in entry.reason
    assert "Morag" not in entry.reason


def answered(line: TestLine, is_same: bool, hospital: str = "L302H") -> None:
    with line.database.read() as tx:
        [question] = visit_questions.open_of(tx, hospital)
    answer_visit(line.line, visit_questions.Answer(question.id, hospital, is_same, "C. Reid"))
    line.work()


SECOND = MORAG.but(visit=HUGH.visit)


def test_another_patient_under_a_visit_gets_a_stay_of_their_own_once_a_person_said_so(
    line: TestLine,
):
    line.take(HUGH, SECOND.later("A01", 1), SECOND.later("A08", 2))
    with line.database.read() as tx:
        [question] = visit_questions.open_of(tx, "L302H")
    assert (question.sent.family, question.waiting) == ("Other", 2)
    answered(line, is_same=False)
    assert [entry.state for entry in line.entries()] == ["settled"] * 3
    assert line.told() == BOTH
    assert stays(line) == 2
    line.take(SECOND.later("A02", 3, ward="M12"), HUGH.later("A02", 4, ward="M4"))
    assert line.entries()[0].state == "settled"
    assert stays(line) == 2


def test_the_same_patient_under_a_visit_is_corrected_once_a_person_said_so(line: TestLine):
    line.take(HUGH, SECOND.later("A08", 1, ward="M7A"))
    answered(line, is_same=True)
    assert stays(line) == 1
    assert [entry.state for entry in line.entries()] == ["settled"] * 2
    told = line.told()
    assert "planned centre:LANCARERS entered-in-error" in told  # of Jean, who helps Hugh
    assert "involve-carer ward:L302H/M7A requested" in told  # for whoever helps Morag
    line.take(SECOND.later("A08", 5, ward="M7A"))
    assert line.entries()[0].state == "settled"


def test_what_comes_after_the_answer_is_not_asked_again(line: TestLine):
    line.take(HUGH, SECOND.later("A08", 1))
    answered(line, is_same=False)
    line.take(HUGH.later("A08", 2), SECOND.later("A03", 3))
    assert [entry.state for entry in line.entries()] == ["settled"] * 4
    with line.database.read() as tx:
        assert visit_questions.open_of(tx, "L302H") == ()


def test_an_answer_is_given_once_and_by_the_hospital_whose_stay_it_is(line: TestLine):
    line.take(HUGH, SECOND.later("A08", 1))
    with line.database.read() as tx:
        [question] = visit_questions.open_of(tx, "L302H")
    elsewhere = visit_questions.Answer(question.id, "OTHER", is_same=True, by="C. Reid")
    with pytest.raises(NotTheirs):
        answer_visit(line.line, elsewhere)
    answered(line, is_same=False)
    with pytest.raises(NotTheirs):
        answer_visit(line.line, elsewhere._replace(hospital="L302H"))
    assert stays(line) == 2


def test_a_corrected_birth_date_of_the_same_number_is_no_second_person(line: TestLine):
    line.take(HUGH, HUGH.later("A08", born="19480212"))
    assert line.entries()[-1].state == "settled"
    assert stays(line) == 1


def test_who_was_unknown_so_far_may_get_a_name(line: TestLine):
    unknown = HUGH.but(number="LOCAL77", family="UNKNOWN", given="MALE", born="19000101")
    line.take(unknown.raw().replace(b"^^^NHS^NH", b"^^^LAN^MR"))
    line.take(HUGH.later("A08"))
    assert line.entries()[-1].state == "settled"
    assert "involve-carer ward:L302H/M7A requested" in line.told()


@pytest.mark.parametrize("visit", ["0", "1", "999"])
def test_a_number_that_fills_the_field_names_no_stay(line: TestLine, visit: str):
    line.take(HUGH.but(visit=visit), MORAG.but(visit=visit))
    assert line.told() == BOTH
    assert stays(line) == 2


@pytest.mark.parametrize("trigger", ["A02", "A03", "A08", "A16"])
def test_without_visit_number_and_admission_it_is_of_the_stay_that_was_open(
    line: TestLine, trigger: str
):
    line.take(HUGH, HUGH.later(trigger, 2, visit=""))
    assert [entry.state for entry in line.entries()] == ["settled"] * 2
    assert stays(line) == 1


@pytest.mark.parametrize("trigger", ["A02", "A03", "A16"])
def test_without_both_and_with_no_stay_that_was_open_it_waits_for_a_person(
    line: TestLine, trigger: str
):
    line.take(HUGH.but(trigger=trigger, visit=""))
    [entry] = line.entries()
    assert (entry.state, entry.reason) == (
        "parked",
        "neither a visit number nor a stay that was open then",
    )


def test_without_a_visit_number_a_corrected_admission_is_the_same_stay(line: TestLine):
    admitted = HUGH.but(visit="")
    corrected = admitted.later("A08").raw().split(b"\r")
    line.take(admitted)
    stamp = b"20261123083000"
    pv1 = next(n for n, s in enumerate(corrected) if s.startswith(b"PV1"))
    fields = corrected[pv1].split(b"|") + [b""] * 45
    fields[44] = stamp
    corrected[pv1] = b"|".join(fields[:46])
    line.take(b"\r".join(corrected))
    assert stays(line) == 1


def person(message: Adt) -> bytes:
    """The same message without a visit."""
    kept = [s for s in message.raw().split(b"\r") if s[:3] not in (b"PV1", b"PV2", b"ZU8")]
    return b"\r".join(kept)


@pytest.mark.parametrize("trigger", ["A31", "A28", "A08"])
def test_a_death_told_without_a_visit_closes_the_gates_of_the_stay(line: TestLine, trigger: str):
    line.take(HUGH, person(HUGH.later(trigger, died="Y")), HUGH.later("A03", 2))
    told = line.told()
    assert "bereavement-support coordinator:L302H requested" in told
    assert "involve-carer ward:L302H/M7A cancelled" in told
    assert not [each for each in told if each.startswith(("discharged", "contact-carer"))]
    assert "planned centre:LANCARERS entered-in-error" in told


def test_a_death_that_came_before_the_admission_holds_for_the_stay(line: TestLine):
    line.take(person(HUGH.later("A31", -2, died="Y")), HUGH)
    assert not [each for each in line.told() if each.startswith(("planned", "involve-carer"))]


def test_a_death_of_another_birth_date_is_a_mistyped_number_and_closes_nothing(line: TestLine):
    line.take(HUGH, person(HUGH.later("A31", died="Y", born="19500101")))
    assert line.told() == [
        "involve-carer ward:L302H/M7A requested",
        "planned centre:LANCARERS completed",
    ]
    entry = line.entries()[-1]
    assert (entry.state, "date of birth" in entry.reason) == ("parked", True)


def test_a_person_of_whom_no_stay_is_known_opens_none(line: TestLine):
    line.take(person(HUGH.but(trigger="A28")))
    assert stays(line) == 0
    assert line.entries()[-1].state == "settled"
    with line.database.read() as tx:
        assert tx.execute(text("select count(*) from patient")).scalar_one() == 0


def test_a_death_long_after_the_stay_changes_nothing_of_it(line: TestLine):
    line.take(HUGH, HUGH.later("A03", 2))
    line.clock.at += timedelta(days=31)
    line.work()
    before = line.told()
    late = HUGH.but(trigger="A31", died="Y", at=line.clock.at)
    line.take(person(late))
    assert line.told() == before


def test_an_old_stay_is_found_again_by_its_number(line: TestLine):
    line.take(HUGH)
    [task] = [a for a in line.alerts() if getattr(a, "code", None) is TaskCode.INVOLVE_CARER]
    with line.database.write() as tx:
        tx.execute(text("delete from patient_alias"))
        tx.execute(text("delete from patient"))
        tx.execute(text("update visit_alias set authority = 'feed:pas'"))
    line.take(HUGH.later("A03", 2))
    ended = [a for a in line.alerts() if getattr(a, "code", None) is TaskCode.INVOLVE_CARER]
    assert [a.id for a in ended] == [task.id]


def stays(line: TestLine) -> int:
    with line.database.read() as tx:
        return int(tx.execute(text("select count(*) from stay")).scalar_one())
