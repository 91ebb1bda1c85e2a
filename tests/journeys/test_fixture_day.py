"""The fixture day through the real process: other clients, restarts and kills change nothing."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hl7.client import MLLPClient

from service.commands.fixture_day import messages, register_file, shift_to_end_at
from service.database import connect
from service.probe import LONDON
from tests.support.fixture_day import end_result
from tests.support.running_service import RunningService, send_one

pytestmark = [pytest.mark.timeout(400)]


@pytest.fixture
def deployments(tmp_path: Path) -> Iterator["Deployments"]:
    made = Deployments(tmp_path)
    yield made
    made.end()


class Deployments:
    """Fresh deployments of the demo site with the fixture register."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.made: list[RunningService] = []
        now = datetime.now(UTC).astimezone(LONDON)
        self.day = [m.raw for m in messages(shift_to_end_at(now))]

    def new(self, name: str) -> RunningService:
        place = self.folder / name
        place.mkdir()
        service = RunningService(place, f"sqlite:///{place}/line.db")
        imported = service.command("register", "import", str(register_file()))
        assert imported.returncode == 0, imported.stderr
        self.made.append(service)
        return service

    def uninterrupted(self) -> list[tuple[object, ...]]:
        """The day through ``thinkcarer send``."""
        service = self.new("uninterrupted")
        service.start()
        batch = self.folder / "day.hl7"
        batch.write_bytes(b"".join(m.rstrip(b"\r\n") + b"\r" for m in self.day))
        for number, message in enumerate(self.day):
            (self.folder / f"{number:03d}.hl7").write_bytes(message)
        files = sorted(str(f) for f in self.folder.glob("[0-9]*.hl7"))
        sent = service.command("send", *files, "--to", f"127.0.0.1:{service.mllp_port}")
        assert "AA" in sent.stdout or "CA" in sent.stdout, sent.stderr
        return self.result(service)

    def result(self, service: RunningService) -> list[tuple[object, ...]]:
        service.settle()
        assert service.stop() == 0
        with connect(service.database_url, writing=False) as database:
            return end_result(database)

    def end(self) -> None:
        for service in self.made:
            service.end()


def test_an_independent_client_brings_about_the_same_as_our_own(deployments: Deployments):
    ours = deployments.uninterrupted()
    service = deployments.new("independent")
    service.start()
    with MLLPClient("127.0.0.1", service.mllp_port) as client:
        for message in deployments.day:
            answer = client.send(b"\x0b" + message + b"\x1c\r")
            assert b"MSA|" in answer
    assert deployments.result(service) == ours


def test_a_restart_between_any_two_messages_changes_nothing(deployments: Deployments):
    ours = deployments.uninterrupted()
    service = deployments.new("restarted")
    for message, ending in zip(
        deployments.day, itertools.cycle((service.kill, service.stop)), strict=False
    ):
        service.start()
        send_one(service.mllp_port, [message])
        ending()
    service.start()
    assert deployments.result(service) == ours
