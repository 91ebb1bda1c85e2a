"""An engineer gives commands that write while the service runs on SQLite."""

import json
import os
import socket
import sqlite3
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import asdict, replace
from pathlib import Path
from pwd import getpwuid
from tempfile import TemporaryDirectory

import httpx2
import pytest

from alerts.model.bodies import registration_to_text
from service.beside.protocol import Hello, Request, line_of, opening, our_hello
from service.beside.server import AT_ONCE, HEAD_WITHIN
from tests.support.adt import Adt
from tests.support.databases import sqlite_copy
from tests.support.people import JEAN
from tests.support.register_file import SOUND
from tests.support.running_service import RunningService, send_one

NOBODY = 65_534
MANY = 1_000
HELLO = line_of(asdict(our_hello()))


@pytest.fixture
def service(migrated_sqlite: Path) -> Iterator[RunningService]:
    """In a folder whose path is short enough for a socket."""
    with TemporaryDirectory(prefix="beside-") as place:
        made = RunningService(Path(place), sqlite_copy(migrated_sqlite, Path(place)))
        yield made
        made.end()


def test_a_register_is_imported_while_messages_come_in(service: RunningService):
    service.start()
    answers: list[bytes] = []
    sending = threading.Thread(target=lambda: answers.extend(_sent(service, 40)))
    sending.start()
    done = service.command("register", "import", _register(service, MANY))
    sending.join()
    assert (done.returncode, done.stdout) == (0, f"{MANY} new, 0 changed, 0 as before.\n")
    assert [b"MSA|AA|" in each for each in answers] == [True] * 40
    service.settle()
    assert service.command("migrate").returncode == 1


def test_no_wait_prints_the_same(service: RunningService):
    service.start()
    done = service.command("register", "import", _register(service, 3), "--no-wait")
    assert (done.returncode, done.stdout) == (0, "3 new, 0 changed, 0 as before.\n")


def test_faults_of_a_register_are_told_by_line_and_nothing_is_kept(service: RunningService):
    service.start()
    file = _register(service, 3)
    bad = Path(file)
    bad.write_text(bad.read_text().replace("1920-05-05", "1920-05-32", 1))
    done = service.command("register", "import", file)
    assert done.returncode == 1
    assert "line 2, patient_birth_date" in done.stderr
    assert "1 faults in register.csv; nothing was changed." in done.stderr
    bad.write_text(bad.read_text().replace("1920-05-32", "1920-05-05", 1))
    assert service.command("register", "import", file).stdout.startswith("3 new")


def test_a_token_made_beside_the_service_holds_at_the_next_request(service: RunningService):
    service.start()
    made = service.command("token", "create", "--role", "auditor")
    assert made.returncode == 0, made.stderr
    shown = {"Authorization": f"Bearer {made.stdout.splitlines()[-1]}"}
    page = httpx2.get(service.url("/fhir/Task"), headers=shown)
    assert page.status_code == 200


def test_sends_are_held_and_released_beside_the_service(service: RunningService):
    service.start()
    assert "Sends are held since" in service.command("outbox", "hold").stdout
    wrong = service.command("outbox", "release", "--by", "A", "--with-register-of", "LANCARERS")
    assert (wrong.returncode, "no centre with a date" in wrong.stderr) == (1, True)
    done = service.command("outbox", "release", "--by", "A")
    assert done.stdout.startswith("Sends go again, released by A;")
    resent = service.command("outbox", "resend", "7", "8")
    assert (resent.returncode, resent.stderr.count("there is no such message")) == (1, 2)
    assert (
        "Nothing is stuck for smtp."
        in service.command("outbox", "resend", "--destination", "smtp").stderr
    )
    assert service.command("outbox", "resend").returncode == 2


def test_parked_entries_are_requeued_beside_the_service(service: RunningService):
    service.start()
    send_one(service.mllp_port, [Adt().raw().replace(b"|TRAK|", b"|STRANGER|", 1)])
    done = service.command("journal", "requeue", "1", "9")
    assert (done.returncode, done.stdout) == (1, "0 requeued.\n")
    assert "1: still no feed of the site file names its sender.\n" in done.stderr
    assert "9: there is no such entry.\n" in done.stderr


def test_only_the_owner_can_reach_the_socket_and_a_stop_removes_it(service: RunningService):
    service.start()
    path = _path(service)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert service.stop() == 0
    assert not path.exists()


def test_a_socket_that_was_left_behind_is_replaced(service: RunningService):
    service.start()
    service.kill()
    assert _path(service).exists()
    refused = service.command("token", "create", "--role", "engineer")
    assert refused.returncode == 0, refused.stderr
    service.start()
    assert service.command("token", "create", "--role", "engineer").returncode == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_is_refused_by_the_folder_and_by_the_service(service: RunningService):
    service.start()
    folder = _path(service).parent
    assert _as_nobody(folder) == b"PermissionError"
    folder.chmod(0o711)
    _path(service).chmod(0o666)
    assert b"Only the user that the service runs as" in _as_nobody(folder)


def test_another_release_is_refused_in_one_sentence(service: RunningService):
    service.start()
    for other in (replace(our_hello(), release="0.0.9"), replace(our_hello(), revision="0001")):
        told = _asked(service, opening(other, Request("outbox hold")))
        assert "use the same release" in str(told["error"])
        assert told["exit"] == 1
    _is_alive(service)


def test_a_path_too_long_for_a_socket_is_logged_and_told_by_check(
    migrated_sqlite: Path, tmp_path: Path
):
    folder = tmp_path / ("long" * 25)
    folder.mkdir()
    service = RunningService(folder, sqlite_copy(migrated_sqlite, folder))
    try:
        service.start()
        assert "commands_not_taken" in service.log.read_text()
        refused = service.command("token", "create", "--role", "engineer")
        assert (refused.returncode, "stop it, run this again" in refused.stderr) == (1, True)
        assert "need the service stopped: the path" in service.command("check").stderr
    finally:
        service.end()


def test_a_client_that_vanishes_within_its_file_changes_nothing(service: RunningService):
    service.start()
    rows = tuple(registration_to_text(JEAN).encode() for _ in range(50))
    asked = Request("register import", rows=rows)
    said = opening(our_hello(), asked) + b"\n".join(rows) + b"\n"
    for cut in (1, 20, 200, len(rows[0]) * 50):
        with _connected(service) as peer:
            peer.sendall(said[:-cut])
    _is_alive(service)
    assert service.command("register", "import", _register(service, 50)).stdout.startswith("50 new")


def test_a_row_of_a_centre_that_the_service_does_not_know_changes_nothing(
    service: RunningService,
):
    service.start()
    rows = [registration_to_text(each).encode() for each in (JEAN, replace(JEAN, centre="NOWHERE"))]
    said = opening(our_hello(), Request("register import", rows=rows)) + b"\n".join(rows) + b"\n"
    assert "knows no centre NOWHERE" in str(_asked(service, said)["error"])
    assert service.command("register", "import", _register(service, 5)).stdout.startswith("5 new")
    assert _registered(service) == 5


def test_who_gave_a_command_is_kept_as_the_kernel_says(service: RunningService):
    service.start()
    said = Request("outbox hold", {"why": ["a drill"], "actor": ["somebody else"]})
    _asked(service, opening(our_hello(), said))
    with closing(sqlite3.connect(service.folder / "thinkcarer.db")) as found:
        kept = found.execute("SELECT actor, reason FROM audit WHERE action = 'outbox hold'")
        assert kept.fetchall() == [(getpwuid(os.getuid()).pw_name, "a drill")]


def test_an_import_that_a_stop_cuts_short_changes_nothing(service: RunningService):
    service.start()
    told: list[str] = []
    file = _register(service, 20_000)
    importing = threading.Thread(
        target=lambda: told.append(service.command("register", "import", file).stderr)
    )
    importing.start()
    service.wait_for(lambda: _registered(service) > 0)
    assert service.stop() == 0
    importing.join()
    assert "The service is stopping" in told[0]
    assert "command_failed" not in service.log.read_text()
    service.start()
    service.wait_for(lambda: _registered(service) == 0)


def test_those_who_stopped_within_a_command_hold_up_no_stop(service: RunningService):
    service.start()
    with ExitStack() as stack:
        for _ in range(AT_ONCE):
            stack.enter_context(_connected(service)).sendall(HELLO)
        began = time.monotonic()
        assert service.stop() == 0
        assert time.monotonic() - began < HEAD_WITHIN  # it waited for none of them


def test_check_knocks_at_the_door_of_a_running_service(service: RunningService):
    service.start()
    told = "Commands that write need the service stopped"
    assert told not in service.command("check").stderr
    _path(service).unlink()
    assert f"{told}: the running service does not answer" in service.command("check").stderr
    assert "command_cut_off" not in service.log.read_text()


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00\xff\xfe\n\n",
        b"[]\n",
        b"[" * 60_000 + b"\n",
        b"x" * 200_000,
        line_of(asdict(Hello("", ""))) + b"null\n",
        HELLO + b'{"command": 1}\n',
        HELLO + b'{"command": "run", "arguments": {}, "rows": 0}\n',
        HELLO + b'{"command": "a", "arguments": {"a": 1}, "rows": 0}\n',
        HELLO + b'{"command": "a", "arguments": {}, "rows": 1e99}\n',
        HELLO + b'{"command": "register import", "arguments": {}, "rows": 99999999999}\n',
        HELLO + b'{"command": "register import", "arguments": {}, "rows": 1}\n[]\n',
        HELLO + b'{"command": "register import", "arguments": {}, "rows": 1}\n\xff\n',
        HELLO + b'{"command": "register import", "arguments": {}, "rows": 1}\n{}\n{}\n',
        opening(our_hello(), Request("token create", {"role": ["feed"], "days": ["0"]})),
        HELLO + b'{"command": "outbox hold", "arguments": {"why": ["\\ud800"]}, "rows": 0}\n',
        HELLO + b'{"command": "outbox hold", "arguments": {"why": ["a\\nb"]}, "rows": 0}\n',
        HELLO + b'{"command": "outbox hold", "arguments": {"why": [" "]}, "rows": 0}\n',
        HELLO + b'{"command": "outbox release", "arguments": {}, "rows": 0}\n',
        HELLO + b'{"command": "token create", "arguments": {"role": ["king"]}, "rows": 0}\n',
        HELLO + b'{"command": "journal requeue", "arguments": {"id": ["\\u00b2"]}, "rows": 0}\n',
    ],
)
def test_garbage_is_answered_in_one_sentence(service: RunningService, garbage: bytes):
    service.start()
    for _ in range(5):
        told = _asked(service, garbage)
        assert isinstance(told["error"], str)
    _is_alive(service)


def test_two_imports_at_once_both_take_in_their_rows(service: RunningService):
    service.start()
    file = _register(service, 1_000)
    printed: list[str] = []
    both = [
        threading.Thread(
            target=lambda: printed.append(service.command("register", "import", file).stdout)
        )
        for _ in range(2)
    ]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert sorted(printed) == [
        "0 new, 0 changed, 1000 as before.\n",
        "1000 new, 0 changed, 0 as before.\n",
    ]


def _registered(service: RunningService) -> int:
    with closing(sqlite3.connect(service.folder / "thinkcarer.db")) as found:
        [count] = found.execute("SELECT count(*) FROM registration WHERE centre = 'LANCARERS'")
        return int(count[0])


def _path(service: RunningService) -> Path:
    return service.folder / "thinkcarer.db.d" / "commands.sock"


def _connected(service: RunningService) -> socket.socket:
    peer = socket.socket(socket.AF_UNIX)
    peer.settimeout(20)
    peer.connect(str(_path(service)))
    return peer


def _asked(service: RunningService, said: bytes) -> dict[str, object]:
    """The last answer."""
    with _connected(service) as peer:
        with suppress(BrokenPipeError):
            peer.sendall(said)
        return dict(json.loads(_all_of(peer).splitlines()[-1]))


def _all_of(peer: socket.socket) -> bytes:
    told = b""
    with suppress(ConnectionResetError):
        while part := peer.recv(65_536):
            told += part
    return told


def _is_alive(service: RunningService) -> None:
    assert service.command("token", "create", "--role", "engineer").returncode == 0
    assert httpx2.get(service.url("/health/ready")).status_code == 200


def _sent(service: RunningService, count: int) -> list[bytes]:
    return [
        send_one(service.mllp_port, [Adt(control_id=f"C{n}", visit=f"V{n}").raw()])[0]
        for n in range(count)
    ]


def _register(service: RunningService, count: int) -> str:
    rows = [
        SOUND
        | {"registration_id": f"LC-{n}", "patient_identifier": f"nhs:{number}"}
        | {"patient_family": f"Family{number}", "patient_birth_date": f"{1920 + n % 60}-05-05"}
        for n, number in zip(range(count), _numbers(), strict=False)
    ]
    file = service.folder / "register.csv"
    lines = [",".join(SOUND), *(",".join(row.values()) for row in rows)]
    file.write_text("\n".join(lines) + "\n")
    return str(file)


def _numbers() -> Iterator[str]:
    """NHS numbers that nobody has."""
    for body in range(999_000_001, 1_000_000_000):
        rest = 11 - sum(w * int(d) for w, d in zip(range(10, 1, -1), str(body), strict=True)) % 11
        if rest != 10:
            yield f"{body}{rest % 11}"


def _as_nobody(folder: Path) -> bytes:
    """What a process of another user is told, which entered the folder before it became that."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.chdir(folder)
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            with socket.socket(socket.AF_UNIX) as peer:
                peer.connect("commands.sock")
                os.write(writing, _all_of(peer))
        except OSError as err:
            os.write(writing, type(err).__name__.encode())
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading, "rb") as told:
        return told.read()
