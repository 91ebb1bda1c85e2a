"""The loop of a worker: what a bug and what a database that goes away leave behind."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from service.database import Database, DatabaseUnavailable
from service.pipeline import Progress, set_aside, wake_next
from service.workers import Bell, work
from tests.support.adt import Adt
from tests.support.line import TestLine
from tests.support.people import JEAN

HUGH = Adt()


@pytest.fixture
def line(database: Database) -> TestLine:
    return TestLine(database)


def test_an_entry_that_a_bug_meets_is_parked_alone_and_the_others_go_on(line: TestLine):
    line.take_in(HUGH.but(visit="V1"))
    line.take_in(HUGH.but(visit="V2", number="9990000026"))

    class Buggy(dict):  # type: ignore[type-arg]
        asked = 0

        def __getitem__(self, feed):
            self.asked += 1
            if self.asked == 1:
                raise KeyError(feed)
            return super().__getitem__(feed)

    _work(replace(line.line, dialects=Buggy(line.line.dialects)), line)
    assert sorted(entry.state for entry in line.entries()) == ["parked", "settled"]
    [parked] = [entry for entry in line.entries() if entry.state == "parked"]
    assert parked.reason == "fault in the service: KeyError"


def test_a_database_that_goes_away_in_the_middle_parks_nothing(line: TestLine):
    line.take_in(HUGH)

    class Cut(dict):  # type: ignore[type-arg]
        asked = 0

        def __getitem__(self, feed):
            self.asked += 1
            if self.asked == 1:
                raise DatabaseUnavailable
            return super().__getitem__(feed)

    _work(replace(line.line, dialects=Cut(line.line.dialects)), line)
    assert [entry.state for entry in line.entries()] == ["settled"]


def test_a_stay_whose_rules_meet_a_bug_is_asked_about_later_and_holds_up_no_other(
    line: TestLine,
):
    line.registered(JEAN)
    line.take(HUGH)
    with line.database.write() as tx:
        tx.execute(text("update stay set wake_at = :at"), {"at": line.clock.at})
        stay = str(tx.execute(text("select id from stay")).scalar_one())
    set_aside(line.line, Progress(stay=stay, failure=KeyError("x")))
    assert wake_next(line.line, Progress()) == 0
    line.clock.at += timedelta(minutes=15)
    assert wake_next(line.line, Progress()) == 1


def _work(slow, line: TestLine) -> None:
    """The real loop, until nothing waits."""
    bell = Bell()

    def look() -> None:
        if not [entry for entry in line.entries() if entry.state == "waiting"]:
            bell.stop()

    work(slow, bell, look)
