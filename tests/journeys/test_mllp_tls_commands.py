"""Mutual TLS as an engineer runs it: the service, its commands, and what tells of certificates."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.support.adt import Adt
from tests.support.authority import Authority, Pair
from tests.support.databases import sqlite_copy
from tests.support.running_service import RunningService, free_port

pytestmark = [pytest.mark.timeout(180)]

SITE = """
[site]
name = "Two hospitals (synthetic)"
nation = "SCT"
default_centre = "C"
synthetic = true

[[centre]]
code = "C"
name = "Centre"

[[feed]]
name = "engine"
sending_application = "ENGINE"
certificate_names = ["engine.example"]
address = "127.0.0.1:{port}"

[[feed]]
name = "pas"
sending_application = "TRAK"
certificate_names = ["pas.example"]
"""


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    folder = tmp_path / "ca"
    folder.mkdir()
    return Authority(folder)


@pytest.fixture
def own_port() -> int:
    return free_port()


@pytest.fixture
def service(
    migrated_sqlite: Path, tmp_path: Path, authority: Authority, own_port: int
) -> Iterator[RunningService]:
    site = tmp_path / "site.toml"
    site.write_text(SITE.format(port=own_port))
    server = authority.issue("localhost", "127.0.0.1", days=20)
    settings = {
        "THINKCARER_SITE": str(site),
        "THINKCARER_MLLP_TLS_CERT": str(server.cert),
        "THINKCARER_MLLP_TLS_KEY": str(server.key),
        "THINKCARER_MLLP_TLS_CLIENT_CA": str(authority.ca_file),
    }
    made = RunningService(tmp_path, sqlite_copy(migrated_sqlite, tmp_path), settings)
    yield made
    made.end()


@pytest.fixture
def message(tmp_path: Path) -> str:
    """One message of the feed pas."""
    file = tmp_path / "message.hl7"
    file.write_bytes(Adt(control_id="ONE").raw())
    return str(file)


def test_a_message_goes_over_mutual_tls_to_its_own_feed_alone(
    service: RunningService, authority: Authority, own_port: int, message: str
):
    service.start()
    pas, engine = authority.issue("pas.example"), authority.issue("engine.example")
    general, own = f"127.0.0.1:{service.mllp_port}", f"127.0.0.1:{own_port}"

    def sent(to: str, shown: Pair | None) -> tuple[int, str]:
        own_files = ("--tls-cert", str(shown.cert), str(shown.key)) if shown else ()
        ca = ("--tls-ca", str(authority.ca_file))
        done = service.command("send", message, "--to", to, *ca, *own_files)
        return done.returncode, done.stdout.strip()

    assert sent(own, engine) == (1, "AR 1"), "the engine may not speak for pas"
    assert sent(general, pas) == (0, "AA 1")
    assert sent(own, pas) == (1, "Nothing."), "pas does not come in there"
    assert sent(general, None) == (1, "Nothing.")
    rows = [(row["source"], row["state"] == "refused") for row in service.rows("journal")]
    assert sorted(rows) == [("mllp:-", True), ("mllp:pas", False)]
    log = service.log.read_text()
    assert "sender_not_bound" in log
    assert "the certificate may speak for no feed here" in log
    assert "no certificate was shown" in log


def test_the_probe_passes_though_every_feed_lists_certificates(service: RunningService):
    service.start()
    probed = service.command("probe")
    assert probed.returncode == 0, probed.stderr


def test_a_certificate_near_its_end_is_told_by_check_and_metrics(service: RunningService):
    checked = service.command("check")
    assert checked.returncode == 0, checked.stderr
    assert "Certificate mllp expires on " in checked.stderr
    service.start()
    lines = httpx2.get(service.url("/metrics")).text.splitlines()
    name = "thinkcarer_certificate_expires_timestamp_seconds"
    assert [line.split("}")[0] for line in lines if line.startswith(name)] == [
        f'{name}{{certificate="mllp"',
        f'{name}{{certificate="mllp-client-ca"',
    ]


def test_names_that_no_certificate_is_asked_for_are_a_fault(service: RunningService):
    service.settings = {"THINKCARER_SITE": service.settings["THINKCARER_SITE"]}
    checked = service.command("check")
    assert checked.returncode == 1
    assert "Feed pas lists certificate_names" in checked.stderr


def test_an_expired_certificate_is_a_fault(service: RunningService, authority: Authority):
    old = authority.issue("localhost", days=-1)
    files = {"THINKCARER_MLLP_TLS_CERT": str(old.cert), "THINKCARER_MLLP_TLS_KEY": str(old.key)}
    service.settings = {**service.settings, **files}
    checked = service.command("check")
    assert checked.returncode == 1
    assert "Certificate mllp expired on " in checked.stderr
