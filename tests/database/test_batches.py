"""A backlog is worked off some at a time: it costs no memory, and nobody waits for it."""

import threading
import tracemalloc
from collections import Counter
from itertools import count

import pytest

from ingest import failpoints
from service.batches import TOGETHER
from service.database import Database, Rank
from service.pipeline import BATCH
from tests.support.adt import Adt
from tests.support.line import TestLine

ENTRIES = 2 * TOGETHER + 5


@pytest.fixture
def line(database: Database) -> TestLine:
    made = TestLine(database)
    for number in range(ENTRIES):
        made.take_in(Adt(visit=f"V{number}", control_id=f"C{number}"))
    return made


def test_a_backlog_is_claimed_some_at_a_time_and_kept_at_once(line: TestLine, passed: Counter[str]):
    line.work()
    assert (passed["batch-claimed"], passed["batch-committed"]) == (2, 1)
    assert [entry.state for entry in line.entries()] == ["settled"] * ENTRIES


def test_a_slow_worker_keeps_what_it_decided_before_it_goes_on(
    line: TestLine, passed: Counter[str], monkeypatch: pytest.MonkeyPatch
):
    """Killed again and again, it still comes to the end of a backlog."""
    monkeypatch.setattr("service.batches.KEPT_AFTER", 0.0)
    line.work()
    assert (passed["batch-claimed"], passed["batch-committed"]) == (3, 3)
    assert [entry.state for entry in line.entries()] == ["settled"] * ENTRIES


def test_a_backlog_of_long_messages_is_let_go_as_it_is_worked_off(database: Database):
    line, long = TestLine(database), 100_000
    for number in range(BATCH):
        line.take_in(Adt(visit=f"V{number}", control_id=f"C{number}", extra=("ZZZ|" + "x" * long,)))
    tracemalloc.start()
    line.work()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < BATCH * long / 2
    assert {entry.state for entry in line.entries()} == {"settled"}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("after", [0, TOGETHER + 2], ids=["the first claim", "a larger claim"])
def test_whoever_waits_to_write_is_let_in_between(line: TestLine, after: int):
    """A hospital that waits for its answer does not wait for the whole backlog."""
    settled_when_in: list[int] = []

    def write() -> None:
        with line.database.write(Rank.ACK):
            settled_when_in.append(sum(entry.state == "settled" for entry in line.entries()))

    writer = threading.Thread(target=write)
    passes = count()

    def come_at_first(name: str) -> None:
        if name == "entry-settled" and next(passes) == after:
            writer.start()
            while not line.database.wanted():
                pass

    failpoints.arm(come_at_first)
    line.work()
    failpoints.arm(None)
    writer.join()
    assert settled_when_in == [after // TOGETHER * TOGETHER + TOGETHER]
    assert [entry.state for entry in line.entries()] == ["settled"] * ENTRIES
