"""``thinkcarer check`` tries every connection and tells all that stands in the way at once."""

from pathlib import Path

import pytest

from service.database import connect, migrate
from tests.support.kafka_server import a_name, create_topic
from tests.support.running_service import ROOT, RunningService, free_port
from tests.support.services import fhir_url, kafka_brokers

pytestmark = [
    pytest.mark.usefixtures("collected"),
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
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
