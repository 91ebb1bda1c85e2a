"""The database: durable, one writing process, readers beside it, and plain words when it fails."""

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, create_engine, event, make_url, text

from service.database import (
    Database,
    DatabaseBusy,
    DatabaseUnavailable,
    DatabaseUnsafe,
    Rank,
    connect,
)
from service.engines import SQLITE, _make_durable
from tests.support.databases import sqlite_copy

TRY_TO_WRITE = """
import sys
from service.database import DatabaseError, connect
try:
    connect(sys.argv[1])
except DatabaseError as refused:
    sys.exit(str(refused))
"""


def test_what_was_committed_is_read(database: Database):
    with database.write() as tx:
        _insert(tx, "a")
    with database.read() as tx:
        assert tx.execute(text("select name from policy_value")).scalars().all() == ["a"]


def test_a_write_in_hand_while_the_database_is_closed_is_kept(
    migrated_sqlite: Path, tmp_path: Path
):
    url = sqlite_copy(migrated_sqlite, tmp_path)
    is_inside, may_end = threading.Event(), threading.Event()
    closing = connect(url)

    def write() -> None:
        with closing.write() as tx:
            _insert(tx, "a")
            is_inside.set()
            may_end.wait(5)

    writing = threading.Thread(target=write)
    with closing.write() as tx:
        _insert(tx, "before")
    writing.start()
    assert is_inside.wait(5)
    closing.close()
    may_end.set()
    writing.join(5)
    with connect(url) as again, again.read() as tx:
        found = tx.execute(text("select name from policy_value order by id")).scalars().all()
    assert found == ["before", "a"]


def test_a_failure_inside_takes_everything_back(database: Database):
    with pytest.raises(ValueError, match="half way"):
        _fail_half_way(database)
    with database.read() as tx:
        assert tx.execute(text("select count(*) from policy_value")).scalar() == 0


def test_a_savepoint_takes_back_its_part_alone(database: Database):
    with database.write() as tx:
        _insert(tx, "a")
        inner = tx.begin_nested()
        _insert(tx, "b")
        inner.rollback()
    with database.read() as tx:
        assert tx.execute(text("select name from policy_value")).scalars().all() == ["a"]


def test_a_reader_cannot_write(database: Database):
    with pytest.raises(Exception, match=r"read-only|cannot store"), database.read() as tx:
        _insert(tx, "a")


def test_many_threads_write_without_a_failure(database: Database):
    def write() -> None:
        for _ in range(20):
            with database.write(Rank.ACK) as tx:
                _insert(tx, "a")

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as tx:
        assert tx.execute(text("select count(*) from policy_value")).scalar() == 160


def test_sqlite_commits_are_durable(sqlite_url: str):
    with connect(sqlite_url) as database, database.write() as tx:
        assert tx.execute(text("pragma synchronous")).scalar() == 2
        assert tx.execute(text("pragma journal_mode")).scalar() == "wal"


def test_a_second_process_that_writes_is_refused_with_the_ways(sqlite_url: str):
    with connect(sqlite_url):
        refused = _try_in_another_process(sqlite_url)
    assert refused.returncode == 1
    for way in ("the page", "the API", "PostgreSQL"):
        assert way in refused.stderr
    assert _try_in_another_process(sqlite_url).returncode == 0


def test_a_command_that_reads_works_beside_the_writer_and_never_checkpoints(sqlite_url: str):
    log = Path(f"{make_url(sqlite_url).database}-wal")
    with connect(sqlite_url) as database:
        with database.write() as tx:
            _insert(tx, "a")
        kept = log.read_bytes()
        with connect(sqlite_url, writing=False) as reader, reader.read() as tx:
            assert tx.execute(text("select count(*) from policy_value")).scalar() == 1
        assert log.read_bytes() == kept


def test_a_command_that_reads_may_not_write(sqlite_url: str):
    with (
        connect(sqlite_url, writing=False) as reader,
        pytest.raises(DatabaseUnavailable, match="read only"),
    ):
        reader.write()


def test_reading_where_there_is_no_file_says_what_to_run(tmp_path: Path):
    with pytest.raises(DatabaseUnavailable, match="thinkcarer migrate"):
        connect(f"sqlite:///{tmp_path}/none.db", writing=False)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "sqlite:///file:a?mode=memory"])
def test_a_database_in_memory_is_refused(url: str):
    with pytest.raises(DatabaseUnsafe, match="memory"):
        connect(url)


def test_a_file_where_no_write_ahead_logging_is_to_be_had_is_refused(tmp_path: Path):
    # SQLite's own way to reach files without locks and shared memory, as some network disks.
    address = f"file:{tmp_path}/a.db?vfs=unix-none"
    engine = create_engine("sqlite://", creator=lambda: SQLITE.connect(address, uri=True))
    event.listen(engine, "connect", _make_durable)
    with pytest.raises(DatabaseUnsafe, match="does not take write-ahead logging"):
        engine.connect()
    engine.dispose()


def test_a_folder_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(DatabaseUnavailable, match="no folder"):
        connect(f"sqlite:///{tmp_path}/nowhere/a.db")


def test_a_file_that_is_no_database_is_refused(tmp_path: Path):
    (tmp_path / "a.db").write_bytes(b"This is a letter, not a database. " * 100)
    with pytest.raises(DatabaseUnavailable):
        connect(f"sqlite:///{tmp_path}/a.db")
    # The lock was given back.
    (tmp_path / "a.db").unlink()
    connect(f"sqlite:///{tmp_path}/a.db").close()


def test_a_database_that_refuses_connections_is_told_in_one_sentence():
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        with pytest.raises(DatabaseUnavailable) as told:
            connect(f"postgresql+psycopg://someone:hush@127.0.0.1:{port}/thinkcarer")
    assert "hush" not in str(told.value)


@pytest.mark.postgresql
def test_postgresql_that_confirms_before_it_stores_is_refused(postgresql_url: str):
    name = make_url(postgresql_url).database
    _administer(postgresql_url, f'alter database "{name}" set synchronous_commit = off')
    with pytest.raises(DatabaseUnsafe, match="synchronous_commit"):
        connect(postgresql_url)


@pytest.mark.postgresql
def test_postgresql_that_takes_no_writes_is_not_ready_and_told_in_one_sentence(
    postgresql_url: str,
):
    """As a standby is, until it takes over."""
    name = make_url(postgresql_url).database
    _administer(postgresql_url, f'alter database "{name}" set default_transaction_read_only = on')
    with connect(postgresql_url) as database:
        assert "takes no writes (default_transaction_read_only)" in database.fault()
        with pytest.raises(DatabaseUnavailable), database.write() as tx:
            _insert(tx, "a")


@pytest.mark.postgresql
def test_a_connection_that_was_cut_is_told_and_the_next_one_works(postgresql_url: str):
    with connect(postgresql_url) as database:
        with pytest.raises(DatabaseUnavailable):
            _be_cut_off(database, postgresql_url)
        assert not database.fault()
        with database.write() as tx:
            assert tx.execute(text("show timezone")).scalar() == "UTC"


@pytest.mark.postgresql
def test_a_server_that_vanishes_without_a_word_is_given_up_in_seconds(postgresql_url: str):
    with connect(postgresql_url) as database, database.write() as tx:
        asked = tx.connection.driver_connection
        assert isinstance(asked, psycopg.Connection)
        told = asked.info.get_parameters()
        assert (told["keepalives_idle"], told["tcp_user_timeout"]) == ("10", "15000")


@pytest.mark.postgresql
def test_a_row_that_somebody_holds_is_told_as_busy(postgresql_url: str):
    with connect(postgresql_url) as database, database.write() as one:
        one.execute(text("lock table policy_value"))
        with pytest.raises(DatabaseBusy):
            _lock_without_patience(database)


@pytest.fixture
def sqlite_url(migrated_sqlite: Path, tmp_path: Path) -> str:
    """A migrated SQLite database of one's own."""
    (tmp_path / "a.db").write_bytes(migrated_sqlite.read_bytes())
    return f"sqlite:///{tmp_path}/a.db"


def _fail_half_way(database: Database) -> None:
    with database.write() as tx:
        _insert(tx, "a")
        raise ValueError("half way")


def _be_cut_off(database: Database, url: str) -> None:
    with database.write() as tx:
        mine = tx.execute(text("select pg_backend_pid()")).scalar()
        _administer(url, f"select pg_terminate_backend({mine}, 5000)")
        tx.execute(text("select 1"))


def _lock_without_patience(database: Database) -> None:
    with database.write() as tx:
        tx.execute(text("set local lock_timeout = '50ms'"))
        tx.execute(text("lock table policy_value"))


def _insert(tx: Connection, name: str) -> None:
    statement = "insert into policy_value (name, value, holds_from) values (:name, 1, :at)"
    tx.execute(text(statement), {"name": name, "at": "2026-11-23 09:00:00.000000"})


def _try_in_another_process(url: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", TRY_TO_WRITE, url],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )


def _administer(url: str, statement: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as tx:
        tx.execute(text(statement))
    engine.dispose()
