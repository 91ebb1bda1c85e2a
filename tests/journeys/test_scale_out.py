"""Several processes on one PostgreSQL: one is killed, one is paused, and nothing shows it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from service.database import Database, connect
from service.lanes import LANES, LEASE
from tests.support.adt import Adt, nhs_numbers
from tests.support.forked import ROOT
from tests.support.register_file import SOUND, a_file
from tests.support.running_service import RunningService, send_one
from tests.support.taking import until

pytestmark = [pytest.mark.postgresql, pytest.mark.timeout(300), pytest.mark.xdist_group("scale")]

PATIENTS = 20
EACH = 40


class Machines:
    """One database, a listener, and workers that come and go."""

    def __init__(self, folder: Path, url: str) -> None:
        self.service = RunningService(folder, url)
        self.database: Database = connect(url)
        self.workers: list[subprocess.Popen[bytes]] = []

    def start_worker(self) -> subprocess.Popen[bytes]:
        with self.service.log.open("ab") as log:
            worker = subprocess.Popen(
                [sys.executable, "-m", "service", "work"],
                cwd=ROOT,
                env=self.service.environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.workers.append(worker)
        return worker

    def owners(self) -> dict[str, int]:
        """Lanes by worker."""
        with self.database.read() as tx:
            found = tx.execute(
                text("select owner, count(*) as n from lane where owner is not null group by owner")
            )
            return {row.owner: row.n for row in found}

    def settled(self) -> int:
        with self.database.read() as tx:
            question = text("select count(*) from journal where state = 'settled'")
            return int(tx.execute(question).scalar_one())

    def end(self) -> None:
        for worker in self.workers:
            if worker.poll() is None:
                worker.kill()
                worker.wait(10)
        self.service.end()
        self.database.close()


@pytest.fixture
def machines(tmp_path: Path, postgresql_url: str) -> Iterator[Machines]:
    made = Machines(tmp_path, postgresql_url)
    try:
        yield made
    finally:
        made.end()


def test_two_workers_share_and_one_that_is_killed_costs_nothing(machines: Machines):
    _register(machines)
    machines.service.start("listen")
    machines.start_worker()
    doomed = machines.start_worker()
    until(lambda: sorted(machines.owners().values()) == [LANES // 2] * 2, 30)
    _send(machines, kill_at=PATIENTS * EACH // 2, doomed=doomed)
    killed_at = time.monotonic()
    until(lambda: machines.settled() == PATIENTS * EACH, 60)
    until(lambda: list(machines.owners().values()) == [LANES], 15)
    assert time.monotonic() - killed_at < 30
    _check(machines)


def test_a_worker_that_is_paused_and_wakes_late_writes_nothing(machines: Machines):
    _register(machines)
    machines.service.start("listen")
    machines.start_worker()
    paused = machines.start_worker()
    until(lambda: sorted(machines.owners().values()) == [LANES // 2] * 2, 30)
    messages = _messages()
    half = len(messages) // 2
    send_one(machines.service.mllp_port, messages[:half])
    os.kill(paused.pid, signal.SIGSTOP)
    stopped_at = time.monotonic()
    send_one(machines.service.mllp_port, messages[half:])
    until(lambda: machines.settled() == PATIENTS * EACH, 60)
    took = time.monotonic() - stopped_at
    while time.monotonic() - stopped_at < 20:
        time.sleep(0.2)
    os.kill(paused.pid, signal.SIGCONT)
    until(lambda: sorted(machines.owners().values()) == [LANES // 2] * 2, 30)
    assert paused.poll() is None
    assert took < 20 + LEASE
    _check(machines)
    send_one(machines.service.mllp_port, [_message(0, EACH).raw()])
    until(lambda: machines.settled() == PATIENTS * EACH + 1, 20)


def test_two_listeners_behind_a_balancer_know_a_repeat_of_each_other(
    machines: Machines, tmp_path: Path
):
    other = RunningService(tmp_path, machines.service.database_url)
    message = _message(0, 0).raw()
    try:
        machines.service.start("listen")
        other.start("listen")
        [first] = send_one(machines.service.mllp_port, [message])
        [second] = send_one(other.mllp_port, [message])
    finally:
        other.end()
    assert first == second
    with machines.database.read() as tx:
        rows = tx.execute(text("select repeats from journal")).scalars().all()
    assert rows == [1]


def _register(machines: Machines) -> None:
    """Every second patient has a carer."""
    rows = [
        SOUND
        | {
            "registration_id": f"LC-{n}",
            "patient_identifier": f"nhs:{nhs}",
            "patient_family": _family(n),
        }
        for n, nhs in enumerate(nhs_numbers(PATIENTS))
        if n % 2
    ]
    file = machines.service.folder / "register.csv"
    file.write_bytes(a_file(*rows))
    done = machines.service.command("register", "import", str(file))
    assert done.returncode == 0, done.stderr


def _family(patient: int) -> str:
    return f"Smith{chr(ord('a') + patient)}"


def _message(patient: int, step: int) -> Adt:
    started = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3)
    return Adt(
        trigger="A08" if step else "A01",
        at=started + timedelta(minutes=2 * step),
        visit=f"V{patient}",
        number=nhs_numbers(PATIENTS)[patient],
        family=_family(patient),
        given="Mary",
        born="19410505",
        ward="M4" if step % 4 == 3 else "M7A",
    )


def _messages() -> list[bytes]:
    return [_message(n, step).raw() for step in range(EACH) for n in range(PATIENTS)]


def _send(machines: Machines, kill_at: int, doomed: subprocess.Popen[bytes]) -> None:
    messages = _messages()
    send_one(machines.service.mllp_port, messages[:kill_at])
    doomed.kill()
    send_one(machines.service.mllp_port, messages[kill_at:])


def _check(machines: Machines) -> None:
    """Every entry once, each stay's in the order of arrival, and no Task twice."""
    with machines.database.read() as tx:
        states = tx.execute(text("select state, count(*) as n from journal group by state")).all()
        taken = tx.execute(text("select stay, entry from stay_event order by id")).all()
        tasks = tx.execute(
            text("select stay, code, count(*) as n from alert where recipient <> 'THINKCARER' "
                 "group by stay, code having count(*) > 1")
        ).all()  # fmt: skip
        parcels = tx.execute(
            text("select alert, version from outbox group by alert, version having count(*) > 1")
        ).all()
    assert {row.state: row.n for row in states} == {"settled": PATIENTS * EACH}
    assert len(taken) == len({row.entry for row in taken}) == PATIENTS * EACH
    for stay in {row.stay for row in taken}:
        mine = [row.entry for row in taken if row.stay == stay]
        assert mine == sorted(mine)
    assert (tasks, parcels) == ([], [])
