"""Waits made by a clock that has been set back since: they end at once, and no others."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import text

from alerts.delivery import LONGEST, Receipt, Route, Unavailable
from alerts.store import outbox
from service.database import Database, connect
from service.dispatch import OTHERS_FOLLOW, Hand, Outlet, deliver_next
from service.lanes import LANES, Lanes
from tests.support.channels import Scripted
from tests.support.line import TestLine
from tests.support.outbox_rows import queue
from tests.support.records import WARD

DAY = timedelta(days=1)


@pytest.fixture
def line(database: Database) -> TestLine:
    return TestLine(database)


def test_what_was_decided_a_day_ahead_is_carried_once_the_clock_is_right(line: TestLine):
    hand = Hand()
    line.clock.at += DAY
    assert _carry(line, hand) == 0
    _put(line, "a")
    line.clock.at -= DAY
    assert _carry(line, hand) == 1


def test_a_destination_that_failed_a_day_ahead_is_tried_once_the_clock_is_right(line: TestLine):
    hand = Hand()
    _put(line, "a")
    line.clock.at += DAY
    assert _carry(line, hand, Unavailable("503")) == 1
    line.clock.at -= DAY
    assert _carry(line, hand) == 1


def test_a_carrier_that_died_a_day_ahead_keeps_nothing_from_who_starts_after_it(line: TestLine):
    _put(line, "a")
    line.clock.at += DAY
    with pytest.raises(ZeroDivisionError):
        deliver_next(line.line, Outlet("kafka", _Dying()), Hand())
    line.clock.at -= DAY
    assert _carry(line, Hand()) == 1


def test_what_another_process_put_off_meanwhile_goes_once_that_one_follows(line: TestLine):
    hand = Hand()
    assert _carry(line, hand) == 0
    line.clock.at += DAY
    _put(line, "a")
    line.clock.at -= DAY
    assert _carry(line, hand) == 0
    line.clock.at += OTHERS_FOLLOW
    assert _carry(line, hand) == 1


def test_what_waits_rightly_goes_on_waiting(line: TestLine):
    _put(line, "a")
    hand = Hand()
    assert _carry(line, hand, Unavailable("429", line.clock.at + LONGEST)) == 1
    for seconds in (0, 1, -30, 30):
        line.clock.at += timedelta(seconds=seconds)
        assert _carry(line, hand) == 0
    assert _carry(line, Hand()) == 0, "a start changes nothing"


@pytest.fixture
def shared(postgresql_url: str) -> Iterator[Database]:
    with connect(postgresql_url) as database:
        yield database


@pytest.mark.postgresql
def test_a_worker_that_died_a_day_ahead_keeps_no_lane(shared: Database):
    Lanes(shared).beat()
    with shared.write() as tx:
        tx.execute(text("update worker set seen_at = seen_at + interval '1 day'"))
    heir = Lanes(shared)
    heir.beat()
    with shared.write() as tx:
        assert len(heir.hold(tx)) == LANES


@pytest.mark.postgresql
def test_a_worker_that_lives_keeps_its_lanes_when_the_clock_is_set_back(shared: Database):
    alone = Lanes(shared)
    alone.beat()
    with shared.write() as tx:
        tx.execute(text("update worker set seen_at = seen_at + interval '1 day'"))
    alone.beat()
    with shared.write() as tx:
        assert len(alone.hold(tx)) == LANES


class _Dying(Scripted):
    """A process that ends with a parcel in hand."""

    def send(self, _parcel: object) -> Receipt:
        raise ZeroDivisionError


def _put(line: TestLine, alert: str) -> None:
    posting = outbox.Posting(alert, f"stay-{alert}", "Task", 1, WARD, Route("kafka", "kafka"))
    with line.database.write() as tx:
        queue(tx, posting, line.clock.at)


def _carry(line: TestLine, hand: Hand, *receipts: Receipt) -> int:
    return deliver_next(line.line, Outlet("kafka", Scripted(list(receipts))), hand)
