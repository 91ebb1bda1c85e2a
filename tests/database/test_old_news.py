"""Old news on both databases: told once it has settled, while it is useful, else kept why."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from alerts.model.alert import Notice, Task
from ingest.receive import Origin, receive
from service.database import Database
from service.pipeline import ask_again
from tests.support.adt import Adt
from tests.support.line import TestLine
from tests.support.people import JEAN, a_registration

HUGH = Adt()
WARD, CENTRE = "ward:L302H/M7A", "centre:LANCARERS"
WAITS = "waits until old news has settled"
LATE = 30 * 60
"""Minutes after which an admission is old news."""


@pytest.fixture
def line(database: Database) -> TestLine:
    made = TestLine(database)
    made.registered(JEAN)
    return made


def unsaid(line: TestLine) -> dict[str, str]:
    with line.database.read() as tx:
        rows = tx.execute(text("select code, why from suppression order by code")).all()
    return {row.code: row.why for row in rows}


def suppressed(line: TestLine, code: str, why: str) -> float:
    return line.line.metrics.suppressed.labels(code, why)._value.get()


def pass_by(line: TestLine, minutes: float) -> None:
    line.clock.at += timedelta(minutes=minutes)
    line.work()


def another(line: TestLine, hours: float = 0) -> Adt:
    """A message about somebody else on the same feed, that old."""
    at = line.clock.at - timedelta(hours=hours)
    return Adt(at=at, visit=f"V{at:%d%H%M}", number="9990000026", family="Other")


def send(line: TestLine, message: Adt) -> None:
    """It arrives now, whenever it happened."""
    receive(message.raw(), Origin("test"), line.door)
    line.work()


def test_an_admission_that_was_sent_30_hours_late_is_told_once_it_has_settled(line: TestLine):
    line.take(HUGH, minutes=LATE)
    assert (line.told(), unsaid(line)) == ([], {"involve-carer": WAITS})
    assert f"involve-carer: {WAITS}" in str(line.entries()[0].outcome)
    pass_by(line, 14)
    assert line.told() == []
    pass_by(line, 2)
    assert line.told() == [f"involve-carer {WARD} requested"]
    [task] = line.alerts()
    assert isinstance(task, Task)
    assert task.urgent  # it is due four hours after the admission
    assert unsaid(line) == {}
    assert suppressed(line, "involve-carer", "waits") == 1


def test_a_fresh_message_of_the_feed_says_that_it_has_caught_up(line: TestLine):
    line.take(HUGH, minutes=LATE)
    send(line, another(line, hours=30))
    pass_by(line, 16)
    assert line.told() == [f"involve-carer {WARD} requested"]


def test_a_backlog_that_goes_on_keeps_the_ward_waiting(line: TestLine):
    line.take(HUGH, minutes=LATE)
    for _ in range(4):
        line.clock.at += timedelta(minutes=10)
        send(line, another(line, hours=30))
    assert line.told() == []
    pass_by(line, 16)
    assert line.told() == [f"involve-carer {WARD} requested"]


def test_a_fresh_message_about_the_stay_ends_the_wait(line: TestLine):
    line.take(HUGH, minutes=LATE)
    send(line, HUGH.later("A08", hours=(LATE + 1) / 60))
    assert line.told() == [f"involve-carer {WARD} requested"]


def test_neither_an_import_nor_a_person_ends_the_wait(line: TestLine):
    line.take(HUGH, minutes=LATE)
    line.registered(a_registration(relationship="SISTER"))
    [stay] = stays(line)
    ask_again(line.line, stay)
    assert (line.told(), unsaid(line)) == ([], {"involve-carer": WAITS})


def test_a_stay_that_ended_within_the_same_backlog_asks_the_ward_nothing(line: TestLine):
    line.take(HUGH, minutes=LATE)
    send(line, HUGH.later("A03", 3))
    assert line.told() == []
    pass_by(line, 16)
    assert f"involve-carer {WARD} requested" not in line.told()
    assert {a.event for a in line.alerts() if isinstance(a, Notice)} == {"discharged"}


@pytest.mark.parametrize(("hours", "is_told"), [(48, True), (71, True), (80, False)])
def test_a_discharge_is_told_late_for_three_days(line: TestLine, hours: int, is_told: bool):
    line.take(HUGH)
    left = HUGH.later("A03", 5)
    line.clock.at = left.at + timedelta(hours=hours)
    send(line, left)
    pass_by(line, 16)
    found = [a for a in line.alerts() if isinstance(a, Notice)]
    assert [a.event for a in found] == ["discharged"] * is_told
    assert all(a.late for a in found)
    assert ("discharged" in unsaid(line)) is not is_told
    if not is_told:
        assert unsaid(line)["discharged"] == "too old to tell: 80 h"


def test_what_is_too_old_is_counted_once_however_often_it_is_asked(line: TestLine):
    line.take(HUGH)
    left = HUGH.later("A03", 5)
    line.clock.at = left.at + timedelta(hours=80)
    send(line, left)
    pass_by(line, 16)
    [stay] = stays(line)
    for _ in range(3):
        line.clock.at += timedelta(hours=1)
        ask_again(line.line, stay)
    assert suppressed(line, "discharged", "too-old") == 1
    assert unsaid(line)["discharged"].startswith("too old to tell: ")


def test_old_news_corrects_what_stands_at_once(line: TestLine):
    line.take(HUGH)
    assert line.told() == [f"involve-carer {WARD} requested"]
    line.clock.at = HUGH.at + timedelta(hours=40)
    send(line, HUGH.later("A11", 1))
    assert line.told() == [f"involve-carer {WARD} cancelled"]


def test_a_worker_that_is_behind_has_not_caught_up(line: TestLine):
    line.take(HUGH, minutes=LATE)
    line.take_in(another(line))
    line.clock.at += timedelta(minutes=20)
    [stay] = stays(line)
    ask_again(line.line, stay)
    assert line.told() == []
    line.work()
    pass_by(line, 16)
    assert line.told() == [f"involve-carer {WARD} requested"]


def stays(line: TestLine) -> list[str]:
    with line.database.read() as tx:
        return list(tx.execute(text("select id from stay order by id")).scalars())
