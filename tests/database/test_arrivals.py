"""What a scrape is told of the journal: since when something waits, when each feed last sent."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert, text

from ingest import journal
from ingest.arrivals import Arrivals, oldest_waiting
from ingest.journal import journal as journal_table
from ingest.receive import Origin, receive
from service import probe
from service.database import Database
from service.gauges import Gauges
from service.metrics import Metrics
from tests.support.adt import Adt
from tests.support.line import START, TestLine

PAS, ITK = "pas", "itk"


@pytest.fixture
def line(database: Database) -> TestLine:
    return TestLine(database)


@pytest.fixture
def arrivals() -> Arrivals:
    return Arrivals((PAS, ITK), probe.CONTROL_IDS)


def _look(line: TestLine, arrivals: Arrivals) -> dict[str, datetime]:
    with line.database.read() as tx:
        return arrivals.look(tx, line.clock.at)


def _receive(line: TestLine, at: datetime, control_id: str) -> None:
    line.clock.at = at
    receive(Adt(at=at, control_id=control_id, visit=control_id).raw(), Origin("test"), line.door)


def test_the_oldest_that_waits_is_told_and_nothing_once_all_is_done(line: TestLine):
    _receive(line, START, "A")
    _receive(line, START + timedelta(minutes=9), "B")
    with line.database.read() as tx:
        assert oldest_waiting(tx) == START
    line.work()
    with line.database.read() as tx:
        assert oldest_waiting(tx) is None


def test_a_feed_that_never_sent_counts_from_the_first_look(line: TestLine, arrivals: Arrivals):
    assert _look(line, arrivals) == {PAS: START, ITK: START}
    later = START + timedelta(hours=3)
    _receive(line, later, "A")
    assert _look(line, arrivals) == {PAS: later, ITK: START}
    line.clock.at = later + timedelta(hours=3)
    assert _look(line, arrivals) == {PAS: later, ITK: START}


def test_a_feed_silent_for_longer_than_the_newest_entries_is_no_younger_than_they(
    line: TestLine, arrivals: Arrivals
):
    _receive(line, START, "A")
    _receive(line, START + timedelta(minutes=1), "B")
    line.clock.at = START + timedelta(hours=5)
    assert _look(line, arrivals) == {PAS: START + timedelta(minutes=1), ITK: START}


def test_a_probe_does_not_speak_for_the_sender(line: TestLine, arrivals: Arrivals):
    _receive(line, START, "A")
    feed = line.site.feeds[0]
    line.clock.at = START + timedelta(hours=5)
    receive(
        probe.admission(line.site, feed, f"PROBE{line.clock.at:%Y%m%d}", line.clock.at),
        Origin("test"),
        line.door,
    )
    assert _look(line, arrivals)[PAS] == START


def test_without_its_database_a_scrape_still_tells_that_it_is_not_ready(line: TestLine):
    gauges = Gauges(line.database, line.clock, arrivals=Arrivals((PAS,)))
    assert b"thinkcarer_journal_oldest_seconds" in Metrics(gauges).text()
    with line.database.write() as tx:
        tx.exec_driver_sql("ALTER TABLE journal RENAME TO gone")
    told = Metrics(gauges).text(lambda: ("database",)).decode()
    assert "thinkcarer_ready 0.0" in told
    assert "thinkcarer_journal_oldest_seconds" not in told
    assert 'thinkcarer_door_total{what="not_stored"} 0.0' in told


def test_no_question_reads_through_what_is_finished(line: TestLine, arrivals: Arrivals):
    """In a backlog PostgreSQL believes that one of those that wait is found anywhere."""
    with line.database.write() as tx:
        tx.execute(insert(journal_table), [_row(n) for n in range(4_000)])
        tx.execute(text("ANALYZE"))
        asked = _asked(tx)
        assert oldest_waiting(tx) == START + timedelta(seconds=2_000)
        assert journal.claim(tx, 50)[0].control_id == "C2000"
        assert journal.claim(tx, 50, range(8))[0].control_id == "C2000"
        arrivals.look(tx, START)
        plans = [_plan(tx, *each) for each in list(asked)]
    assert len(plans) == 4
    assert all("ix_journal_state" in plan for plan in plans[:3]), plans
    assert "Limit" in plans[3] or "PRIMARY KEY" in plans[3]


def _row(n: int) -> dict[str, object]:
    empty = dict.fromkeys(("source", "peer", "sender", "trigger", "digest"), "")
    state = "settled" if n < 2_000 else "waiting"
    at = START + timedelta(seconds=n)
    ours = {"received_at": at, "feed": PAS, "control_id": f"C{n}", "lane": n % 8, "state": state}
    return empty | ours | {"size": 9, "answer": b"", "raw": b"x" * 900}


def _asked(tx: Connection) -> list[tuple[str, Any]]:
    """Fills with each statement from now on."""
    found: list[tuple[str, Any]] = []

    def keep(_tx: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        found.append((statement, parameters))

    event.listen(tx, "before_cursor_execute", keep)
    return found


def _plan(tx: Connection, statement: str, parameters: Any) -> str:
    explain = "EXPLAIN QUERY PLAN" if tx.dialect.name == "sqlite" else "EXPLAIN"
    return str(tx.exec_driver_sql(f"{explain} {statement}", parameters).all())
