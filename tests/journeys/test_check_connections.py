"""``thinkcarer check`` tries every connection and tells all that stands in the way at once."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from service.connections import Unconnected, try_drop_folder
from service.database import connect, migrate
from service.settings import Settings
from tests.support.databases import sqlite_copy
from tests.support.forked import ROOT
from tests.support.kafka_server import a_name, create_topic
from tests.support.running_service import RunningService, free_port
from tests.support.services import fhir_url, kafka_brokers

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.timeout(180),
]


def _service(folder: Path, **settings: str) -> RunningService:
    site = (ROOT / "service/demo_site.toml").read_text()
    site = site.replace('email = "desk@lancarers.example"', 'channel = "kafka"')
    site = site.replace(
        'email = "desk@youngnl.example"', 'email = "desk@youngnl.example"\nchannel = "smtp"'
    )
    (folder / "site.toml").write_text(site)
    url = f"sqlite:///{folder}/line.db"
    with connect(url) as database:
        migrate(database)
    ours = {f"THINKCARER_{name}": value for name, value in settings.items()}
    return RunningService(folder, url, ours | {"THINKCARER_SITE": str(folder / "site.toml")})


def test_everything_that_does_not_answer_is_told_at_once(tmp_path: Path):
    nobody = free_port()
    done = _service(
        tmp_path,
        KAFKA_BROKERS=f"127.0.0.1:{nobody}",
        FHIR_URL=f"http://127.0.0.1:{nobody}/fhir",
        SMTP_URL=f"smtp://127.0.0.1:{nobody}",
    ).command("check")
    assert done.returncode == 1
    assert "ways in: The brokers" in done.stderr
    for destination in ("fhir", "kafka", "smtp"):
        assert f"ways out: {destination}: " in done.stderr
    assert "Traceback" not in done.stderr


def test_a_channel_without_its_setting_is_told(tmp_path: Path):
    done = _service(tmp_path).command("check")
    assert done.returncode == 1
    assert "LANCARERS has the channel kafka, and THINKCARER_KAFKA_BROKERS is not set" in done.stderr
    assert "YOUNGNL has the channel smtp, and THINKCARER_SMTP_URL is not set" in done.stderr


def test_a_service_with_such_a_fault_does_not_start(tmp_path: Path):
    done = _service(tmp_path).command("run")
    assert done.returncode == 1
    assert "THINKCARER_KAFKA_BROKERS is not set" in done.stderr


def test_an_address_that_is_taken_is_told_by_check_and_by_run(
    migrated_sqlite: Path, tmp_path: Path
):
    service = RunningService(tmp_path, sqlite_copy(migrated_sqlite, tmp_path))
    http, mllp = f"127.0.0.1:{service.http_port}", f"127.0.0.1:{service.mllp_port}"
    with socket.create_server(("127.0.0.1", service.http_port)):
        with socket.create_server(("127.0.0.1", service.mllp_port)):
            done = service.command("check")
            assert done.returncode == 1
            assert f"{mllp} cannot be opened for MLLP: Address already in use." in done.stderr
            assert f"{http} cannot be opened for the pages: Address already in use." in done.stderr
        done = service.command("run")
        told = f"{http} cannot be opened for the pages. Is another program using it?"
        assert f"{told} Set THINKCARER_HTTP_ADDRESS." in done.stderr
        done = service.command("demo", "--port", str(service.http_port))
        assert f"{told} Use --port." in done.stderr
    service.start()
    done = service.command("check")
    service.end()
    assert done.returncode == 0, done.stderr


def test_a_drop_folder_of_another_user_is_told(tmp_path: Path):
    folder = tmp_path / "drop"
    folder.mkdir()
    settings = Settings.load({"THINKCARER_DROP_FOLDER": str(folder)}, False)
    try_drop_folder(settings)
    folder.chmod(0o500)
    assert _as_another(lambda: try_drop_folder(settings)) == (
        f"THINKCARER_DROP_FOLDER: this user may not read and write {folder}; "
        f"it must move files to {folder}/done."
    )


def _as_another(step: Callable[[], None]) -> str:
    """What it fails with in a process that is not root, to whom no rights apply."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.getuid() == 0:
                os.setuid(65_534)
            step()
        except Unconnected as failure:
            os.write(writer, str(failure).encode())
        finally:
            os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader) as told:
        return told.read()


def test_a_missing_topic_is_named_and_servers_that_answer_are_well(tmp_path: Path):
    brokers, name = kafka_brokers(), a_name()
    site = (ROOT / "service/demo_site.toml").read_text()
    (tmp_path / "plain.toml").write_text(site)
    service = _service(
        tmp_path,
        KAFKA_BROKERS=brokers,
        KAFKA_IN_TOPIC=name,
        KAFKA_OUT_TOPIC=f"{name}-out",
        FHIR_URL=fhir_url(),
    )
    service.settings = {**service.settings, "THINKCARER_SITE": str(tmp_path / "plain.toml")}
    done = service.command("check")
    assert done.returncode == 1
    assert f"there is no topic {name}; create it" in done.stderr
    assert f"there is no topic {name}-out; create it" in done.stderr
    assert "fhir" not in done.stderr.lower()
    create_topic(brokers, name)
    create_topic(brokers, f"{name}-out")
    done = service.command("check")
    assert done.returncode == 0, done.stderr
