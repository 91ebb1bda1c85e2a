"""What docs/deploy.md tells an engineer to type does what it says."""

import os
import re
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from service.commands.fixture_day import register_file
from tests.support.adt import Adt
from tests.support.databases import postgresql_copy, sqlite_copy
from tests.support.fault_proxy import FaultProxy, answering
from tests.support.running_service import RunningService, free_port, send_one
from tests.support.shipping import DEPLOY, last_stage
from tests.support.written import Machine, blocks, needs

pytestmark = [pytest.mark.timeout(300)]

STOP = 'kill -TERM "$service"\nwait "$service"\n'
WITH_POSTGRESQL = "tested with PostgreSQL"
START = (
    "thinkcarer run >second-run.log 2>&1 &\nservice=$!\n"
    "curl --silent --fail --retry 30 --retry-delay 1 --retry-connrefused "
    "http://127.0.0.1:8000/health/ready\n"
)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path, free_port(), free_port())


def test_one_machine_from_nothing_to_a_probe_and_back_from_its_backup(machine: Machine):
    needs("bash", "curl")
    *first, backup, restore = blocks(DEPLOY)
    before = "thinkcarer journal --json >before.json\n"
    later = "thinkcarer probe\n"
    after = "thinkcarer journal --json >after.json\n"
    printed = machine.run(
        "".join((*first, before, backup, later, STOP, restore, after, START, later, STOP))
    )
    assert printed.count("The Task arrived in") == 3
    assert printed.count("No faults.") == 2
    assert "1 rows are sound" in printed
    assert "1 new, 0 changed" in printed
    assert '"ready":true' in printed
    assert " is a sound backup." in printed
    assert "Sends are held since" in printed
    assert "synthetic" not in printed
    home = machine.at("/var/lib/thinkcarer")
    assert (home / "before.json").read_text() == (home / "after.json").read_text()


@pytest.mark.postgresql
def test_a_dump_of_postgresql_is_restored_and_its_sends_wait_for_a_person(
    machine: Machine, postgresql_url: str, tmp_path: Path
):
    tools = _tools_for(postgresql_url)
    dump, restore = blocks(DEPLOY, WITH_POSTGRESQL)
    nobody = {"THINKCARER_FHIR_URL": f"http://127.0.0.1:{free_port()}/fhir"}
    service = RunningService(tmp_path, postgresql_url, nobody)
    _take_in_what_is_told(service)
    with FaultProxy() as proxy, postgresql_copy(postgresql_url, None) as empty:
        proxy.always = answering(503)  # what counts is that somebody asked
        environ = {
            "PATH": f"{tools}:{os.environ['PATH']}",
            "THINKCARER_DATABASE_URL": empty,
            "BACKUP_FROM": _without_driver(postgresql_url),
            "RESTORE_TO": _without_driver(empty),
        }
        printed = machine.run(dump + restore + "thinkcarer migrate\n", environ)
        assert "Sends are held since" in printed
        newest = datetime.fromisoformat(str(service.rows("journal")[-1]["received_at"]))
        assert f"Everything from pas after {newest:%Y-%m-%d %H:%M:%S} UTC" in printed
        restored = RunningService(tmp_path, empty, {"THINKCARER_FHIR_URL": proxy.url})
        for table in ("journal", "outbox"):
            rows = restored.rows(table)
            assert rows == service.rows(table)
            assert rows
        _sends_nothing_until_released(restored, proxy)
    assert "No faults." in printed


def _take_in_what_is_told(service: RunningService) -> None:
    """A message whose parcel waits, since nobody takes it."""
    assert service.command("register", "import", str(register_file())).returncode == 0
    service.start()
    try:
        send_one(service.mllp_port, [Adt(at=datetime.now(UTC)).raw()])
        service.wait_for(lambda: service.gauge("thinkcarer_outbox_waiting") > 0)
        service.wait_for(lambda: not service.gauge("thinkcarer_journal_waiting"))
        assert service.stop() == 0
    finally:
        service.end()


def _sends_nothing_until_released(service: RunningService, proxy: FaultProxy) -> None:
    """Neither what the dump held nor what came since."""
    service.start()
    try:
        held = service.gauge("thinkcarer_outbox_waiting")
        assert held > 0
        send_one(service.mllp_port, [Adt(at=datetime.now(UTC), visit="SINCE").raw()])
        service.wait_for(lambda: service.gauge("thinkcarer_outbox_waiting") > held)
        service.wait_for(lambda: not service.gauge("thinkcarer_journal_waiting"))
        assert service.gauge("thinkcarer_sends_held") == 1
        assert service.stop() == 0
        assert proxy.requests("PUT") == []
        day = (
            "--with-register-of",
            "LANCARERS=2026-11-20",
            "--with-register-of",
            "YOUNGNL=2026-11-20",
        )
        assert service.command("outbox", "release", "--by", "A. Engineer", *day).returncode == 0
        service.start()
        service.wait_for(lambda: len(proxy.requests("PUT")) > 0)
        assert service.stop() == 0
    finally:
        service.end()


def test_with_every_way_out_closed_what_waited_is_held_until_a_person_lets_it_go(
    migrated_sqlite: Path, tmp_path: Path
):
    open_way = {"THINKCARER_FHIR_URL": f"http://127.0.0.1:{free_port()}/fhir"}
    service = RunningService(tmp_path, sqlite_copy(migrated_sqlite, tmp_path), open_way)
    try:
        assert service.command("register", "import", str(register_file())).returncode == 0
        service.start()
        send_one(service.mllp_port, [Adt(at=datetime.now(UTC)).raw()])
        while not service.gauge("thinkcarer_outbox_waiting"):
            time.sleep(0.1)
        service.stop()
        waiting = [row["id"] for row in service.rows("outbox") if row["state"] == "waiting"]
        assert waiting
        service.settings = {}
        service.start()
        service.stop()
        assert "parcels_stranded" in service.log.read_text()
        assert [row["id"] for row in service.rows("outbox", "--stuck")] == waiting
        service.settings = open_way
        released = waiting[-1]
        assert service.command("outbox", "resend", str(released)).returncode == 0
        states = {row["id"]: row["state"] for row in service.rows("outbox")}
        assert states[released] == "waiting"
        assert {states[each] for each in waiting[:-1]} <= {"stuck"}
    finally:
        service.end()


def test_the_health_check_of_the_image_tells_a_service_that_runs_from_one_that_does_not(
    tmp_path: Path,
):
    (check,) = (each.rest for each in last_stage() if each.name == "HEALTHCHECK")
    code = re.search(r'"-c", "(.*)"\]', check)
    assert code
    service = RunningService(tmp_path, f"sqlite:///{tmp_path}/own.db")
    ours = code.group(1).replace(":8000/", f":{service.http_port}/")
    service.start()
    try:
        assert _exit_of(ours) == 0
        assert service.stop() == 0
        assert _exit_of(ours) != 0
    finally:
        service.end()


def _exit_of(code: str) -> int:
    return subprocess.run(["python3", "-c", code], capture_output=True, check=False).returncode


def _without_driver(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _tools_for(url: str) -> Path:
    """PostgreSQL's own programs, as new as the server at least."""
    engine = create_engine(url)
    with engine.connect() as tx:
        server = int(tx.execute(text("show server_version_num")).scalar_one()) // 10_000
    engine.dispose()
    found = [
        folder
        for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"))
        if int(folder.parent.name) >= server and (folder / "pg_dump").exists()
    ]
    if not found:
        pytest.skip(f"pg_dump {server} or newer is not installed")
    return found[-1]
