"""Lanes: shared fairly, taken from the dead, and never written to by who lost them."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import text

from ingest.header import LANES
from service.batches import process_batch
from service.database import Database, connect
from service.lanes import LEASE, Lanes, held_by_anybody
from service.pipeline import Progress, set_aside
from tests.support.adt import Adt
from tests.support.line import TestLine

pytestmark = pytest.mark.postgresql
HUGH = Adt()


@pytest.fixture
def shared(postgresql_url: str) -> Iterator[Database]:
    with connect(postgresql_url) as database:
        yield database


def _beat(*workers: Lanes, times: int = 3) -> None:
    for _ in range(times):
        for worker in workers:
            worker.beat()


def _held(database: Database, worker: Lanes) -> set[int]:
    with database.write() as tx:
        return set(worker.hold(tx))


def test_one_worker_alone_has_every_lane(shared: Database):
    alone = Lanes(shared)
    alone.beat()
    assert _held(shared, alone) == set(range(LANES))
    with shared.read() as tx:
        assert held_by_anybody(tx) == LANES


def test_workers_that_join_get_their_share_and_no_lane_has_two_owners(shared: Database):
    workers = [Lanes(shared) for _ in range(3)]
    workers[0].beat()
    _beat(*workers, times=4)
    held = [_held(shared, worker) for worker in workers]
    assert sorted(n for lanes in held for n in lanes) == list(range(LANES))
    assert all(len(lanes) >= LANES // 3 - 1 for lanes in held)


def test_surplus_is_left_out_for_a_beat_before_it_is_given_back(shared: Database):
    first, second = Lanes(shared), Lanes(shared)
    first.beat()
    second.beat()
    first.beat()
    assert len(_held(shared, first)) == LANES // 2
    assert _held(shared, second) == set()
    first.beat()
    second.beat()
    assert len(_held(shared, second)) == LANES // 2


def test_a_worker_that_ends_in_order_gives_its_lanes_back_at_once(shared: Database):
    first, second = Lanes(shared), Lanes(shared)
    _beat(first, second, times=4)
    first.stop()
    second.beat()
    assert len(_held(shared, second)) == LANES


def test_a_dead_worker_loses_its_lanes_within_ten_seconds(shared: Database):
    dead, living = Lanes(shared), Lanes(shared)
    _beat(dead, living, times=4)
    died_at = time.monotonic()
    living.start()
    try:
        while living.held() < LANES:
            assert time.monotonic() - died_at < 10
            time.sleep(0.1)
    finally:
        living.stop()
    assert time.monotonic() - died_at > LEASE - 1
    assert _held(shared, dead) == set()


def test_who_lost_a_lane_writes_nothing_there(shared: Database):
    line = TestLine(shared)
    late, now = Lanes(shared), Lanes(shared)
    late.beat()
    with shared.write() as tx:
        tx.execute(text("update worker set seen_at = seen_at - interval '1 minute'"))
    now.beat()
    line.take_in(HUGH)
    assert process_batch(line.line, Progress(), hold=late.hold) == 0
    assert process_batch(line.line, Progress(), hold=now.hold) == 1


def test_nobody_takes_a_lane_from_a_batch_that_holds_it(shared: Database):
    slow, other = Lanes(shared), Lanes(shared)
    slow.beat()
    with shared.write() as tx:
        assert len(slow.hold(tx)) == LANES
        with shared.write() as meanwhile:
            meanwhile.execute(text("update worker set seen_at = seen_at - interval '1 minute'"))
        other.beat()
        assert other.held() == 0
    other.beat()
    assert other.held() == LANES


def test_an_entry_that_somebody_else_has_by_now_is_not_parked_late(shared: Database):
    line = TestLine(shared)
    late, now = Lanes(shared), Lanes(shared)
    late.beat()
    line.take_in(HUGH)
    [entry] = line.entries()
    with shared.write() as tx:
        tx.execute(text("update worker set seen_at = seen_at - interval '1 minute'"))
    now.beat()
    set_aside(line.line, Progress(entry=entry.id, failure=KeyError("x")), late.hold)
    assert line.entries()[0].state == "waiting"
    set_aside(line.line, Progress(entry=entry.id, failure=KeyError("x")), now.hold)
    assert line.entries()[0].state == "parked"


def test_an_entry_that_is_finished_is_not_parked_late(shared: Database):
    line = TestLine(shared)
    line.take(HUGH)
    [entry] = line.entries()
    set_aside(line.line, Progress(entry=entry.id, failure=KeyError("x")))
    assert line.entries()[0].state == entry.state == "settled"


def test_each_worker_takes_the_entries_of_its_lanes_in_order(shared: Database):
    line = TestLine(shared)
    workers = [Lanes(shared), Lanes(shared)]
    _beat(*workers, times=4)
    numbers = [f"99900000{n:02d}" for n in range(40)]
    for hour in range(3):
        for n, number in enumerate(numbers):
            line.take_in(
                HUGH.later("A01" if hour == 0 else "A08", hour, number=number, visit=f"V{n}")
            )
    steps = [
        threading.Thread(target=_work_off, args=(line, worker), daemon=True) for worker in workers
    ]
    for step in steps:
        step.start()
    for step in steps:
        step.join(60)
    assert {entry.state for entry in line.entries()} == {"settled"}
    with shared.read() as tx:
        taken = tx.execute(text("select stay, entry from stay_event order by id")).all()
    assert len(taken) == len({entry for _, entry in taken}) == 120
    for stay in {stay for stay, _ in taken}:
        mine = [entry for key, entry in taken if key == stay]
        assert mine == sorted(mine)


def _work_off(line: TestLine, worker: Lanes) -> None:
    silent = 0
    while silent < 3:
        done = process_batch(replace(line.line), Progress(), limit=7, hold=worker.hold)
        silent = 0 if done else silent + 1
