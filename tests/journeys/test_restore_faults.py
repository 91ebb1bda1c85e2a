"""What goes wrong around a restore: kills, a backup of a newer release, a name misspelt."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from subprocess import TimeoutExpired

import pytest
from sqlalchemy import make_url

from service.commands.fixture_day import register_file
from tests.support.adt import Adt
from tests.support.databases import sqlite_copy
from tests.support.fault_proxy import FaultProxy
from tests.support.forked import Forked
from tests.support.running_service import RunningService, send_one
from tests.support.services import fhir_url

FIRST = Adt()
OLD, NEW = (2, 0), (1, 1)
"""Entries, and holds."""
MOMENTS = [*(number * 0.02 for number in range(20)), 30.0]
"""Seconds; a restore takes about 0.2, and the last is not killed."""


@pytest.fixture
def service(migrated_sqlite: Path, tmp_path: Path) -> Iterator[RunningService]:
    """Stopped, with two messages, and a backup that has one."""
    made = RunningService(tmp_path, sqlite_copy(migrated_sqlite, tmp_path))
    made.start()
    send_one(made.mllp_port, [FIRST.raw()])
    made.settle()
    _done(made, "backup", str(tmp_path / "night.db"))
    send_one(made.mllp_port, [FIRST.later("A02", ward="M7B").raw()])
    made.settle()
    assert made.stop() == 0
    yield made
    made.end()


def test_a_restore_that_is_killed_leaves_the_old_database_or_the_new(
    service: RunningService, tmp_path: Path
):
    asked, log, place = ["restore", str(tmp_path / "night.db")], tmp_path / "log", _place(service)
    before, seen = place.read_bytes(), set()
    for moment in MOMENTS:
        restoring = Forked(asked, service.environ, log, log)
        with suppress(TimeoutExpired):
            restoring.wait(moment)
        restoring.kill()
        restoring.wait(30)
        seen.add(_what_is_there(place))
        place.write_bytes(before)
    assert seen == {OLD, NEW}
    assert "Sends are held" in _done(service, *asked)
    assert _what_is_there(place) == NEW
    assert not list(tmp_path.glob("*.partial*"))


def test_a_backup_of_a_newer_release_is_refused_and_nothing_is_changed(
    service: RunningService, tmp_path: Path
):
    with closing(sqlite3.connect(tmp_path / "night.db")) as newer:
        newer.execute("UPDATE alembic_version SET version_num = '9999'")
        newer.commit()
    done = service.command("restore", str(tmp_path / "night.db"))
    assert done.returncode == 1
    assert "newer release" in done.stderr
    assert _what_is_there(_place(service)) == OLD


def test_what_waits_for_a_destination_that_is_kept_is_left_to_a_person(
    service: RunningService, tmp_path: Path
):
    with FaultProxy(fhir_url()) as proxy:
        service.settings["THINKCARER_FHIR_URL"] = proxy.url
        _done(service, "register", "import", str(register_file()))
        _done(service, "outbox", "hold", "--why", "A drill")
        service.start()
        send_one(service.mllp_port, [Adt(at=datetime.now(UTC)).raw()])
        service.wait_for(lambda: service.gauge("thinkcarer_outbox_waiting") > 0)
        assert service.stop() == 0
        misspelt = service.command("outbox", "release", "--by", "A. Engineer", "--keep", "fihr")
        assert misspelt.returncode == 1
        assert "There is no destination fihr; nothing was released." in misspelt.stderr
        assert "There are: fhir, inbox." in misspelt.stderr
        assert "Nothing is sent since" in service.command("check").stderr
        _done(service, "outbox", "release", "--by", "A. Engineer", "--keep", "fhir")
        stuck = service.rows("outbox", "--stuck")
        assert {row["channel"] for row in stuck} == {"fhir"}
        service.start()
        service.settle()
        assert proxy.requests("PUT") == []
        assert service.rows("outbox", "--stuck") == stuck


def _place(service: RunningService) -> Path:
    return Path(make_url(service.database_url).database or "")


def _what_is_there(place: Path) -> tuple[int, int]:
    with closing(sqlite3.connect(place)) as found:
        assert found.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        [counted] = found.execute(
            "SELECT (SELECT count(*) FROM journal), (SELECT count(*) FROM hold)"
        )
        return counted


def _done(service: RunningService, *args: str) -> str:
    done = service.command(*args)
    assert done.returncode == 0, done.stderr
    return done.stdout
