"""The loop of a worker: what a bug and what a database that goes away leave behind."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection, DateTime, bindparam, text

from alerts.store import register
from alerts.store import stays as stay_store
from alerts.store.stays import OpenedMeanwhile
from service.database import Database, DatabaseUnavailable, connect
from service.pipeline import ASK_AGAIN_AFTER, Progress, set_aside, wake_next
from service.running import Running
from service.settings import Settings
from service.workers import Bell, work
from tests.support.adt import Adt
from tests.support.line import TestLine
from tests.support.people import JEAN
from tests.support.taking import until

HUGH = Adt()


_WAKES = text("select visit from stay where wake_at = :at").bindparams(
    bindparam("at", type_=DateTime(timezone=True))
)


@pytest.fixture
def line(database: Database) -> TestLine:
    return TestLine(database)


def test_an_entry_that_a_bug_meets_is_parked_alone_and_the_others_go_on(line: TestLine):
    line.take_in(HUGH.but(visit="V1"))
    line.take_in(HUGH.but(visit="V2", number="9990000026"))

    class Buggy(dict):  # type: ignore[type-arg]
        asked = 0

        def get(self, feed, default=None):
            self.asked += 1
            if self.asked == 1:
                raise KeyError(feed)
            return super().get(feed, default)

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


def test_a_stay_that_cannot_be_read_is_put_off_alone_and_the_others_are_woken(line: TestLine):
    line.registered(JEAN)
    line.take(HUGH, HUGH.but(visit="V2"), HUGH.but(visit="V3"))
    with line.database.write() as tx:
        tx.execute(text("update stay set wake_at = :at"), {"at": line.clock.at})
        tx.execute(text("update stay set body = '{}' where visit = 'V2'"))
    _work(line.line, line, lambda: not _due(line))
    with line.database.read() as tx:
        at = {"at": line.clock.at + ASK_AGAIN_AFTER}
        put_off = tx.execute(_WAKES, at).scalars().all()
    assert put_off == ["V2"]


def test_a_stay_that_another_worker_opens_meanwhile_is_tried_again_and_parks_nothing(
    line: TestLine,
):
    line.take_in(HUGH)

    class Late(dict):  # type: ignore[type-arg]
        asked = 0

        def __getitem__(self, feed):
            self.asked += 1
            if self.asked == 1:
                raise OpenedMeanwhile
            return super().__getitem__(feed)

    _work(replace(line.line, dialects=Late(line.line.dialects)), line)
    assert [entry.state for entry in line.entries()] == ["settled"]


@pytest.mark.postgresql
def test_roles_that_start_at_the_same_moment_prepare_one_after_the_other(postgresql_url: str):
    settings = Settings.load({"THINKCARER_DATABASE_URL": postgresql_url}, False)
    with connect(postgresql_url) as database:
        starting = Running(settings, database, TestLine(database).line, frozenset())
        with database.write() as tx:
            register.have_alone(tx)
            waiting = threading.Thread(target=starting._prepare)
            waiting.start()
            waiting.join(0.5)
            assert waiting.is_alive()
        waiting.join(10)
        assert not waiting.is_alive()


def _open(tx: Connection, found: stay_store.Loaded) -> None:
    shelf = stay_store.Shelf(tx)
    shelf.save(found.stay, found.last_order, stay_store.Ahead())
    shelf.flush()


def test_a_bug_that_meets_a_batch_as_a_whole_is_traced_to_its_entry(line: TestLine):
    """What cannot be written shows only when the batch is kept: then they go one by one."""
    line.take_in(HUGH.but(visit="V1"))
    line.take_in(HUGH.but(visit="V2", number="9990000026"))
    line.take_in(HUGH.but(visit="V3", number="9990000034"))
    with line.database.write() as tx:
        unfit = "new.visit = 'V2'"
        if tx.dialect.name == "sqlite":
            tx.execute(text(f"create trigger unfit before insert on stay when {unfit} "
                            "begin select raise(abort, 'unfit'); end"))  # fmt: skip
        else:
            tx.execute(text(
                "create function unfit() returns trigger language plpgsql as "
                "'begin raise exception using errcode = ''23514''; end'"))  # fmt: skip
            tx.execute(text("create trigger unfit before insert on stay for each row "
                            f"when ({unfit}) execute function unfit()"))  # fmt: skip
    _work(line.line, line)
    assert [entry.state for entry in line.entries()] == ["settled", "parked", "settled"]


@pytest.mark.postgresql
def test_who_opens_a_stay_second_is_told_so(postgresql_url: str):
    told: list[OpenedMeanwhile] = []
    with connect(postgresql_url) as database:
        TestLine(database).take(HUGH)
        with database.write() as tx:
            stay_id = str(tx.execute(text("select id from stay")).scalar_one())
            found = stay_store.load(tx, stay_id)
            assert found
            tx.execute(text("delete from stay"))

        def open_too() -> None:
            try:
                with database.write() as second:
                    _open(second, found)
            except OpenedMeanwhile as failure:
                told.append(failure)

        waiting = threading.Thread(target=open_too)
        with database.write() as first:
            _open(first, found)
            waiting.start()
            waiting.join(0.3)
        waiting.join(10)
    assert len(told) == 1


@pytest.mark.postgresql
@pytest.mark.parametrize("is_import", [True, False])
def test_an_import_and_a_worker_wait_for_each_other(postgresql_url: str, is_import: bool):
    with connect(postgresql_url) as database:
        line = TestLine(database)
        line.take_in(HUGH)
        steps = (lambda: line.registered(JEAN), line.work)
        with database.write() as tx:
            (register.share if is_import else register.have_alone)(tx)
            waiting = threading.Thread(target=steps[0] if is_import else steps[1])
            waiting.start()
            waiting.join(0.5)
            assert waiting.is_alive()
        waiting.join(10)
        assert not waiting.is_alive()


def test_carriers_are_called_when_something_was_decided_and_not_for_each_message(line: TestLine):
    line.registered(JEAN)
    line.take_in(HUGH.but(visit="V2", number="9990000026", family="Somebody"))
    assert _work(line.line, line) == 0
    line.take_in(HUGH)
    assert _work(line.line, line) == 1


def _due(line: TestLine) -> list[str]:
    with line.database.write() as tx:
        return stay_store.due_to_wake(tx, line.clock.at, 9)


def _work(slow, line: TestLine, is_done: Callable[[], bool] | None = None) -> int:
    """The real loop, until nothing waits or it ``is_done``; how often it called for carriers."""
    bell, calls = Bell(), []
    working = threading.Thread(target=work, args=(slow, bell, lambda: calls.append(1)))
    working.start()
    try:
        until(is_done or (lambda: "waiting" not in [entry.state for entry in line.entries()]))
    finally:
        bell.stop()
        working.join(10)
    return len(calls)
