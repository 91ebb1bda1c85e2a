"""The service as an engineer runs it: one process, its commands beside it, its end."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest

from service.beside.protocol import our_hello
from service.commands.fixture_day import messages, register_file, shift_to_end_at
from service.probe import LONDON
from tests.support.adt import Adt
from tests.support.databases import sqlite_copy
from tests.support.running_service import RunningService, send_one

pytestmark = [pytest.mark.timeout(180)]


@pytest.fixture
def service(migrated_sqlite: Path, tmp_path: Path) -> Iterator[RunningService]:
    made = RunningService(tmp_path, sqlite_copy(migrated_sqlite, tmp_path))
    yield made
    made.end()


def an_admission(visit: str = "V1001") -> bytes:
    return Adt(at=datetime.now(UTC), visit=visit, control_id=f"C{visit}").raw()


def test_a_message_goes_from_the_socket_to_a_task_in_the_outbox(service: RunningService):
    assert service.command("register", "import", str(register_file())).returncode == 0
    service.start()
    answers = send_one(service.mllp_port, [an_admission()])
    assert b"MSA|AA|CV1001" in answers[0]
    service.settle()
    entries = service.rows("journal")
    assert [(e["state"], e["trigger"], e["source"]) for e in entries] == [
        ("settled", "A01", "mllp:pas")
    ]
    assert set(entries[0]) == {
        "id",
        "received_at",
        "source",
        "control_id",
        "trigger",
        "state",
        "reason",
    }
    parcels = service.rows("outbox")
    assert all(p["state"] == "sent" for p in parcels)
    assert service.stop() == 0


def test_the_probe_arrives_through_the_real_socket_and_no_desk_shows_it(service: RunningService):
    created = service.command("token", "create", "--role", "auditor")
    token = created.stdout.splitlines()[-1]
    service.start()
    probed = service.command("probe")
    assert probed.returncode == 0, probed.stderr
    bearer = {"Authorization": f"Bearer {token}"}
    seen = httpx2.get(service.url("/fhir/Task"), headers=bearer)
    assert seen.status_code == 200
    assert "entry" not in seen.json()


def test_the_probe_fails_where_nobody_listens(service: RunningService):
    probed = service.command("probe")
    assert probed.returncode == 1
    assert probed.stderr.count("\n") == 1


def test_a_stop_under_load_loses_nothing_that_was_acknowledged(service: RunningService):
    service.start()
    acknowledged: list[str] = []
    threads = [
        threading.Thread(target=_send_until_closed, args=(service.mllp_port, n, acknowledged))
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    while len(acknowledged) < 200:
        assert any(thread.is_alive() for thread in threads)
    assert service.stop() == 0
    for thread in threads:
        thread.join(timeout=10)
    kept = {str(row["control_id"]) for row in service.rows("journal")}
    assert set(acknowledged) <= kept


def _send_until_closed(port: int, sender: int, acknowledged: list[str]) -> None:
    for number in range(100_000):
        name = f"S{sender}N{number}"
        try:
            answers = send_one(port, [Adt(at=datetime.now(UTC), control_id=name, visit=name).raw()])
        except OSError:
            return
        assert f"MSA|AA|{name}".encode() in answers[0]
        acknowledged.append(name)


def test_what_was_acknowledged_before_a_kill_is_worked_off_after_the_start(
    service: RunningService,
):
    service.start()
    send_one(service.mllp_port, [an_admission(f"V{n}") for n in range(50)])
    service.kill()
    service.start()
    service.settle()
    assert [row["state"] for row in service.rows("journal")] == ["settled"] * 50


def test_a_second_writer_on_one_file_is_refused_and_readers_are_not(service: RunningService):
    service.start()
    for command in (("run",), ("migrate",)):
        refused = service.command(*command)
        assert refused.returncode == 1
        assert "PostgreSQL" in refused.stderr
    assert service.rows("journal") == []
    assert service.rows("outbox", "--stuck") == []


def test_the_day_leaves_no_patient_in_the_log_or_the_metrics(service: RunningService):
    service.command("register", "import", str(register_file()))
    service.start()
    now = datetime.now(UTC).astimezone(LONDON)
    send_one(service.mllp_port, [m.raw for m in messages(shift_to_end_at(now))])
    service.settle()
    told = service.log.read_text() + httpx2.get(service.url("/metrics")).text
    assert service.stop() == 0
    told += service.log.read_text()
    for number in _numbers():
        assert number not in told
    for name in ("Carswell", "MacAul", "Qureshi"):
        assert name.lower() not in told.lower()


def _numbers() -> Iterator[str]:
    for line in register_file().read_text().splitlines()[1:]:
        for cell in line.split(","):
            if cell.startswith(("nhs:", "chi:")):
                yield cell[4:]


def test_health_says_ready_and_every_command_explains_itself(service: RunningService):
    service.start()
    assert httpx2.get(service.url("/health/live")).status_code == 200
    assert httpx2.get(service.url("/health/ready")).json()["missing"] == []
    for command in ((), ("journal",), ("outbox",), ("register",), ("token",), ("audit",)):
        helped = service.command(*command, "--help")
        assert helped.returncode == 0
        assert "Usage" in helped.stdout


def test_the_version_is_release_and_database_revision(service: RunningService):
    done = service.command("--version")
    ours = our_hello()
    assert (done.returncode, done.stdout) == (
        0,
        f"thinkcarer {ours.release}, database {ours.revision}\n",
    )


def test_check_prints_every_fault_at_once(service: RunningService, tmp_path: Path):
    site = tmp_path / "site.toml"
    site.write_text('[site]\nname = "X"\nnation = "FR"\n')
    service.settings = {
        "THINKCARER_SITE": str(site),
        "THINKCARER_COLOUR": "blue",
        "THINKCARER_MAX_MESSAGE_BYTES": "many",
    }
    checked = service.command("check")
    assert checked.returncode == 1
    for fault in ("THINKCARER_COLOUR", "MAX_MESSAGE_BYTES"):
        assert fault in checked.stderr
    service.settings = {"THINKCARER_SITE": str(site)}
    checked = service.command("check")
    assert "nation" in checked.stderr
    assert "default_centre" in checked.stderr


def test_check_finds_nothing_wrong_with_a_sound_deployment(service: RunningService):
    checked = service.command("check")
    assert checked.returncode == 0, checked.stderr
    assert "THINKCARER_DATABASE_URL" in checked.stdout
    assert "synthetic" in checked.stderr
    shown = json.loads(service.command("check", "--json").stdout)
    assert {"name", "value"} == set(shown[0])


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("report",), 1),
        (("audit", "verify"), 1),
        (("journal", "show", "999"), 1),
        (("outbox", "resend", "999"), 1),
        (("no-such-command",), 2),
        (("journal", "--since", "yesterday"), 2),
        (("token", "create", "--role", "king"), 2),
        (("token", "create", "--role", "ward", "--scope", "NOWHERE"), 1),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    service: RunningService, arguments: tuple[str, ...], code: int
):
    refused = service.command(*arguments)
    assert refused.returncode == code
    assert len(refused.stderr.strip().splitlines()) == 1, refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_bad_register_file_changes_nothing_and_lists_every_fault(
    service: RunningService, tmp_path: Path
):
    lines = register_file().read_text().splitlines()
    bad = tmp_path / "bad.csv"
    broken = [
        lines[0],
        lines[1],
        lines[2].replace("nhs:", "nhs:1"),
        lines[3].replace("LANCARERS", "X"),
    ]
    bad.write_text("\n".join(broken) + "\n")
    refused = service.command("register", "import", str(bad))
    assert refused.returncode == 1
    assert "line 3, patient_identifier" in refused.stderr
    assert "line 4, centre" in refused.stderr
    again = service.command("register", "import", str(register_file()))
    assert again.stdout.startswith(f"{len(lines) - 1} new, 0 changed"), again.stdout


def test_json_output_is_an_array_even_when_there_is_nothing(service: RunningService):
    done = service.command("journal", "--parked", "--json")
    assert json.loads(done.stdout) == []
