"""What a scrape is told of the journal: since when something waits, when each feed last sent."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert, text

from ingest import journal
from ingest.feed_activity import (
    FeedActivity,
    Spoke,
    feeds_heard,
    note,
    of_hospital,
    oldest_waiting,
)
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
def activity() -> FeedActivity:
    return FeedActivity((PAS, ITK))


def _look(line: TestLine, activity: FeedActivity) -> dict[str, datetime]:
    with line.database.read() as tx:
        return activity.look(tx, line.clock.at)


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


def test_a_feed_that_never_sent_counts_from_the_first_look(line: TestLine, activity: FeedActivity):
    assert _look(line, activity) == {PAS: START, ITK: START}
    later = START + timedelta(hours=3)
    _receive(line, later, "A")
    assert _look(line, activity) == {PAS: START, ITK: START}  # nobody has understood it yet
    line.work()
    assert _look(line, activity) == {PAS: later, ITK: START}
    line.clock.at = later + timedelta(hours=3)
    assert _look(line, activity) == {PAS: later, ITK: START}


def test_only_what_was_settled_speaks_for_a_feed(line: TestLine, activity: FeedActivity):
    _receive(line, START, "A")
    line.work()
    line.clock.at = START + timedelta(hours=3)
    feed = line.site.feeds[0]
    told = (
        probe.admission(line.site, feed, f"PROBE{line.clock.at:%Y%m%d}", line.clock.at),
        b"not hl7 at all",
        Adt(control_id="PARKED", number="").raw().replace(b"^^^NHS^NH", b""),
        Adt(control_id="IGNORED").raw().replace(b"|1|I|", b"|1|O|").replace(b"A01", b"A04"),
        Adt(control_id="REFUSED", processing_id="T").raw(),
        Adt(control_id="NOFEED").raw().replace(b"|TRAK|", b"|OTHER|"),
    )
    for raw in told:
        receive(raw, Origin("test"), line.door)
    line.work()
    assert _look(line, activity)[PAS] == START


def test_an_old_message_that_is_settled_late_says_nothing_new(line: TestLine):
    later = START + timedelta(hours=2)
    _note(line, {(PAS, "L302H"): later}, later)
    _note(line, {(PAS, "L302H"): START}, later)
    assert _heard(line) == {(PAS, later, frozenset({"L302H"}))}


def test_a_time_that_has_not_come_yet_is_put_right_by_the_next_message(line: TestLine):
    _note(line, {(PAS, ""): START + timedelta(days=3)}, START + timedelta(days=3))
    _note(line, {(PAS, ""): START}, START)
    assert _heard(line) == {(PAS, START, frozenset())}


def test_a_hospital_has_the_feeds_that_placed_a_patient_there_and_no_other(line: TestLine):
    later = START + timedelta(hours=1)
    heard = {(PAS, "L302H"): START, (PAS, ""): later, (ITK, "G405H"): later, (ITK, ""): START}
    _note(line, heard, later)
    with line.database.read() as tx:
        found = feeds_heard(tx, {PAS, ITK})
        assert [f.feed for f in of_hospital(found, "L302H")] == [PAS]
        assert [f.feed for f in of_hospital(found, "G405H")] == [ITK]
        assert of_hospital(found, "") == ()
        # A message that names no place shows all the same that its feed is alive.
        assert {f.at for f in found} == {later}
        # A feed that the site file names no more says nothing.
        assert of_hospital(feeds_heard(tx, {PAS}), "G405H") == ()


def test_without_its_database_a_scrape_still_tells_that_it_is_not_ready(line: TestLine):
    gauges = Gauges(line.database, line.clock, activity=FeedActivity((PAS,)))
    assert b"thinkcarer_journal_oldest_seconds" in Metrics(gauges).text()
    with line.database.write() as tx:
        tx.exec_driver_sql("ALTER TABLE journal RENAME TO gone")
    told = Metrics(gauges).text(lambda: ("database",)).decode()
    assert "thinkcarer_ready 0.0" in told
    assert "thinkcarer_journal_oldest_seconds" not in told
    assert 'thinkcarer_door_total{what="not_stored"} 0.0' in told


def test_no_question_reads_through_what_is_finished(line: TestLine, activity: FeedActivity):
    """In a backlog PostgreSQL believes that one of those that wait is found anywhere."""
    with line.database.write() as tx:
        tx.execute(insert(journal_table), [_row(n) for n in range(4_000)])
        tx.execute(text("ANALYZE"))
        asked = _asked(tx)
        assert oldest_waiting(tx) == START + timedelta(seconds=2_000)
        assert journal.claim(tx, 50)[0].control_id == "C2000"
        assert journal.claim(tx, 50, range(8))[0].control_id == "C2000"
        activity.look(tx, START)
        plans = [_plan(tx, *each) for each in list(asked)]
    assert len(plans) == 4
    assert all("ix_journal_state" in plan for plan in plans[:3]), plans
    assert "journal" not in plans[3]


def _note(line: TestLine, heard: dict[tuple[str, str], datetime], now: datetime) -> None:
    with line.database.write() as tx:
        note(tx, {named: Spoke(at) for named, at in heard.items()}, now)


def _heard(line: TestLine) -> set[tuple[str, datetime, frozenset[str]]]:
    with line.database.read() as tx:
        return {(f.feed, f.at, f.hospitals) for f in feeds_heard(tx, {PAS, ITK})}


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
