"""A PostgreSQL that fell back to an older state is noticed before anything more is stored."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import create_engine, text

from ingest.committer import CannotStore, Committer
from service.database import Database, DatabaseFellBack, Rank, connect
from tests.database.test_journal import a_block, listed

pytestmark = pytest.mark.postgresql

LOSE = "delete from journal where control_id = '2'"
CUT_OTHERS = (
    "select pg_terminate_backend(pid, 5000) from pg_stat_activity "
    "where datname = current_database() and pid <> pg_backend_pid()"
)


@dataclass
class Stored:
    """A database with three entries, 0 to 2, that this process has acknowledged."""

    url: str
    database: Database
    committer: Committer

    def fall_back(self, *changes: str) -> None:
        """Every connection ends, and those after it find another state."""
        engine = create_engine(self.url)
        with engine.begin() as tx:
            for change in (*changes, CUT_OTHERS):
                tx.execute(text(change))
        engine.dispose()


@pytest.fixture
def stored(postgresql_url: str) -> Iterator[Stored]:
    with connect(postgresql_url) as database:
        committer = Committer(lambda: database.write(Rank.ACK), database.mark.move)
        committer.commit([a_block(str(n), f"d{n}") for n in range(3)])
        yield Stored(postgresql_url, database, committer)
        assert committer.close()


@pytest.mark.parametrize(
    "changes",
    [
        (LOSE,),
        (LOSE, "update journal set id = 3 where control_id = '1'"),
        ("truncate journal cascade",),
    ],
    ids=["the newest is missing", "another has its number", "nothing is left"],
)
def test_without_what_was_acknowledged_nothing_more_is_stored(
    stored: Stored, changes: tuple[str, ...]
) -> None:
    stored.fall_back(*changes)
    before = listed(stored.database)
    for _ in range(2):
        with pytest.raises(CannotStore):
            stored.committer.commit([a_block("NEXT", "d9")])
    with pytest.raises(DatabaseFellBack), stored.database.write():
        pass
    assert listed(stored.database) == before
    assert "ThinkCarerFellBack" in stored.database.fault()


def test_who_asks_whether_it_is_ready_finds_out_too(stored: Stored) -> None:
    stored.fall_back(LOSE)
    assert "ThinkCarerFellBack" in stored.database.fault()
    with pytest.raises(DatabaseFellBack), stored.database.write():
        pass


def test_connections_that_end_and_older_repeats_are_no_fall_back(stored: Stored) -> None:
    for name in ("0", "3", "1"):
        stored.fall_back()
        stored.committer.commit([a_block(name, f"d{name}")])
        assert stored.database.fault() == ""
    stored.fall_back("delete from journal where control_id = '3'")
    with pytest.raises(CannotStore):
        stored.committer.commit([a_block("4", "d4")])


def test_a_new_start_believes_what_it_finds(stored: Stored) -> None:
    stored.fall_back(LOSE)
    assert stored.database.fault()
    with connect(stored.url) as anew:
        committer = Committer(lambda: anew.write(Rank.ACK), anew.mark.move)
        committer.commit([a_block("2", "d2")])
        assert anew.fault() == ""
        assert committer.close()
