"""Somebody sets the machine's clock while the service runs: nothing is lost, late or early."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from service.commands.fixture_day import register_file
from service.database import connect
from tests.support.adt import Adt
from tests.support.databases import sqlite_copy
from tests.support.running_service import RunningService, send_one

pytestmark = [pytest.mark.timeout(180)]

DAY = 86_400


class Machine:
    """A running service and the clock of its machine."""

    def __init__(self, folder: Path, url: str) -> None:
        self.moved_by = folder / "moved-by"
        self.set_clock(0)
        settings = {"MOVED_BY": str(self.moved_by)}
        self.service = RunningService(folder, url, settings, program="tests.support.moved_clock")

    def set_clock(self, seconds: int) -> None:
        """Off by so much from now on."""
        fresh = self.moved_by.with_suffix(".new")
        fresh.write_text(str(seconds))
        fresh.replace(self.moved_by)

    def step_clock(self, seconds: int) -> None:
        """As set_clock, and the service has seen it, with time for its loops to come round."""
        self.set_clock(seconds)
        self.service.wait_for(lambda: abs(self.step() - seconds) < 60)
        time.sleep(1.0)  # five turns of every loop in which nothing may happen

    def step(self) -> float:
        return self.service.gauge("thinkcarer_clock_step_seconds")

    def send(self, visit: str) -> None:
        admission = Adt(at=datetime.now(UTC) - timedelta(minutes=1), visit=visit)
        [answer] = send_one(self.service.mllp_port, [admission.raw()])
        assert b"MSA|AA" in answer
        self.service.settle()

    def decided(self) -> list[str]:
        """Every alert with its version and how it stands on its way."""
        return self.asked("select alert || version || state from outbox order by id")

    def events(self) -> list[str]:
        lines = self.service.log.read_text().splitlines()
        return [json.loads(line)["event"] for line in lines if line.startswith("{")]

    def states(self) -> set[str]:
        """How the messages and the parcels stand."""
        journal = "select distinct state from journal"
        return {*self.asked(journal), *self.asked("select distinct state from outbox")}

    def next_wake(self) -> float:
        """Seconds until a rule wants to be asked again, by the true clock."""
        [found] = self.asked("select min(wake_at) from stay")
        at = datetime.fromisoformat(found).replace(tzinfo=UTC)
        return (at - datetime.now(UTC)).total_seconds()

    def asked(self, question: str) -> list[str]:
        with connect(self.service.database_url, writing=False) as database, database.read() as tx:
            return [str(value) for value in tx.execute(text(question)).scalars()]


@pytest.fixture
def machine(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path, sqlite_copy(migrated_sqlite, tmp_path))
    assert made.service.command("register", "import", str(register_file())).returncode == 0
    made.service.start()
    try:
        yield made
    finally:
        made.service.end()


def test_a_jump_forward_that_is_undone_fires_no_rule_early(machine: Machine):
    machine.send("V1")
    before = machine.decided()
    assert 0 < machine.next_wake() < DAY, "a rule is due within the day that is skipped"
    machine.step_clock(DAY)
    assert machine.decided() == before
    machine.send("V2")
    machine.step_clock(0)
    machine.send("V3")
    assert machine.states() == {"settled", "sent"}
    assert [e for e in machine.events() if e.startswith("clock_")] == [
        "clock_stepped",
        "clock_believed",
    ]
    assert machine.service.stop() == 0


def test_a_clock_set_back_by_a_day_holds_nothing_up(machine: Machine):
    machine.send("V1")
    machine.step_clock(-DAY)
    machine.send("V2")
    assert machine.states() == {"settled", "sent"}
    assert machine.service.stop() == 0
    machine.service.start()
    machine.send("V3")
    assert machine.states() == {"settled", "sent"}
    assert machine.step() == 0, "a process that starts takes the clock as it finds it"


def test_what_was_left_by_a_service_a_day_ahead_goes_on_once_the_clock_is_right(machine: Machine):
    machine.service.stop()
    machine.set_clock(DAY)
    machine.service.start()
    machine.send("V1")
    machine.service.kill()
    machine.set_clock(0)
    machine.service.start()
    machine.send("V2")
    assert machine.states() == {"settled", "sent"}
