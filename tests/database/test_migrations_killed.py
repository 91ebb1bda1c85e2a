"""A migration that is killed leaves the old tables or the new ones, and starts again."""

import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import inspect, text

from service.database import Database, _alembic, connect, head
from tests.support.databases import postgresql_copy
from tests.support.forked import ROOT
from tests.support.running_service import RunningService
from tests.support.taking import until

pytestmark = pytest.mark.timeout(300)

OLD = "0005"
TIMES = 5
PARCEL = (
    "insert into outbox (alert, stay, kind, version, recipient_kind, recipient, channel, payload, "
    "state, attempts, last_answer, created_at) values (:alert, 's', 'Task', 1, 'ward', 'A/B', "
    "'inbox', '{}', 'sent', 1, '', '2026-11-01 00:00:00')"
)
ROWS = 20_000
FEW = 50
HEAD = head()
NEWER = {"destination", "lane", "worker", "hold", "gap", "alert_version", "visit_question"}
MIGRATES_IN = 0.5
"""Seconds that the transaction takes here, about."""
_BLOCKED = (
    "select count(*) from pg_stat_activity where datname = current_database() "
    "and wait_event_type = 'Lock'"
)


def test_a_migration_killed_at_several_moments_on_sqlite_is_old_or_new_and_starts_again(
    tmp_path: Path,
):
    old = tmp_path / "old.db"
    _make_old(f"sqlite:///{old}")
    seen = []
    for number in range(TIMES):
        file = tmp_path / f"{number}.db"
        shutil.copy(old, file)
        service = RunningService(tmp_path, f"sqlite:///{file}")
        process = _started(service)
        _wait_until_it_writes(process, file)
        time.sleep(MIGRATES_IN * number / TIMES)
        process.kill()
        process.wait(10)
        seen.append(_state(service.database_url))
    assert OLD in seen, "every kill came too late"
    killed = tmp_path / f"{seen.index(OLD)}.db"
    again = RunningService(tmp_path, f"sqlite:///{killed}")
    assert again.command("migrate").returncode == 0
    assert _state(again.database_url) == HEAD


@pytest.mark.postgresql
@pytest.mark.parametrize("blocked", ["outbox", "alembic_version"])
def test_a_migration_killed_while_it_waits_on_postgresql_leaves_the_old_tables(
    postgresql_url: str, tmp_path: Path, blocked: str
):
    with postgresql_copy(postgresql_url, None) as empty:
        _kill_while_it_waits(RunningService(tmp_path, empty), blocked)


def _kill_while_it_waits(service: RunningService, blocked: str) -> None:
    _make_old(service.database_url, FEW)
    with connect(service.database_url) as database:
        with database.write() as tx:
            tx.execute(text("set local idle_in_transaction_session_timeout = 0"))
            tx.execute(text(f"lock table {blocked} in share mode"))
            process = _started(service)
            until(lambda: _waiting(database) == 1, 30)
            process.kill()
            process.wait(10)
        until(lambda: _waiting(database) == 0, 30)
    assert _state(service.database_url) == OLD
    assert service.command("migrate").returncode == 0
    assert _state(service.database_url) == HEAD


def _make_old(url: str, rows: int = ROWS) -> None:
    with connect(url) as database, database.write() as tx:
        config = _alembic()
        config.attributes["connection"] = tx
        command.upgrade(config, OLD)
        tx.execute(text(PARCEL), [{"alert": str(n)} for n in range(rows)])


def _started(service: RunningService) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "service", "migrate"], cwd=ROOT, env=service.environ
    )


def _wait_until_it_writes(process: subprocess.Popen[bytes], file: Path) -> None:
    with closing(sqlite3.connect(file, timeout=0, isolation_level=None)) as other:
        while process.poll() is None:
            try:
                other.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return
            other.execute("ROLLBACK")
            time.sleep(0.01)


def _waiting(database: Database) -> int:
    """Sessions of this database that wait for a lock."""
    with database.read() as tx:
        return int(tx.execute(text(_BLOCKED)).scalar_one())


def _state(url: str) -> str:
    """The revision, every row there, and the columns that go with it."""
    with connect(url) as database, database.read() as tx:
        found = str(tx.execute(text("select version_num from alembic_version")).scalar_one())
        columns = {column["name"] for column in inspect(tx).get_columns("outbox")}
        tables = set(inspect(tx).get_table_names())
        rows = tx.execute(text("select count(*) from outbox")).scalar_one()
        if database_is_file := url.startswith("sqlite"):
            assert tx.execute(text("pragma integrity_check")).scalar_one() == "ok"
        assert rows == (ROWS if database_is_file else FEW)
    is_new = found == HEAD
    assert is_new or found == OLD
    assert ("in_doubt" in columns) is is_new
    assert tables.issuperset(NEWER) if is_new else not tables & NEWER
    return found
