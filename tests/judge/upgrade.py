"""An upgrade under load: ``python -m tests.judge.upgrade --from REVISION`` (PostgreSQL).

The release of that revision runs, the database is brought to this release under it, both run side
by side on one database for a while, then the old one stops; the judge looks at what came of it.
"""

import argparse
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.judge.blows import Blow
from tests.judge.deployment import Plan, deployed
from tests.judge.hospital import Hospital, Sender, by_mllp
from tests.judge.launcher import Launcher
from tests.judge.rounds import faults_of
from tests.judge.scene import Scene
from tests.support.databases import postgresql_copy, postgresql_server
from tests.support.forked import ROOT
from tests.support.running_service import RunningService, free_port

ROLES = ("work", "deliver", "listen")
SIDE_BY_SIDE = 20.0
SETTLES_IN = 150.0


@dataclass
class Release:
    """The processes of one release; ``code`` is where its source lies."""

    code: Path
    service: RunningService
    processes: list[subprocess.Popen[bytes]]

    def start(self) -> None:
        for role in ROLES:
            with self.service.log.open("ab") as log:
                started = subprocess.Popen(
                    [sys.executable, "-m", "service", role],
                    cwd=self.code,
                    env=self.service.environ | {"PYTHONPATH": str(self.code)},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
            self.processes.append(started)
        self.service.process = self.processes[-1]
        self.service.wait_until_open()

    def stop(self) -> list[int]:
        """How each ended: 0 where it drained."""
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        return [process.wait(40) for process in self.processes]

    def do(self, *words: str) -> None:
        subprocess.run(
            [sys.executable, "-m", "service", *words],
            cwd=self.code,
            env=self.service.environ | {"PYTHONPATH": str(self.code)},
            check=True,
            timeout=120,
        )


def main() -> int:
    """Say what came of it; 1 where a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from", dest="revision", required=True)
    asked = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="upgrade-")))
        code = stack.enter_context(_checked_out(asked.revision, folder / "old"))
        server = stack.enter_context(postgresql_server())
        url = stack.enter_context(postgresql_copy(server, None))
        launcher = Launcher()
        stack.callback(launcher.close)
        plan = Plan(folder / "judged", url, [Blow()] * 100)
        return _upgraded(plan, code, launcher)


def _upgraded(plan: Plan, code: Path, launcher: Launcher) -> int:
    def by_the_old_one(service: RunningService, /, *words: str) -> None:
        Release(code, service, []).do(*words)

    with deployed(plan, by_the_old_one) as (service, receivers):
        old = Release(code, service, [])
        new = Release(ROOT, replace(service, mllp_port=free_port(), http_port=free_port()), [])
        old.start()
        hospital = Hospital(plan.stays)
        senders = [Sender(hospital, by_mllp(service.mllp_port), plan.pause) for _ in range(2)]
        time.sleep(5)
        new.do("migrate")
        time.sleep(5)
        new.start()
        senders += [Sender(hospital, by_mllp(new.service.mllp_port), plan.pause) for _ in range(2)]
        time.sleep(SIDE_BY_SIDE)
        for sender in senders[:2]:
            sender.retire()
        ended = old.stop()
        time.sleep(5)
        hospital.is_closing.set()
        scene = Scene(new.service, hospital, senders, receivers)
        faults = faults_of(plan, launcher, scene, time.monotonic() + SETTLES_IN)
        ended += new.stop()
    sys.stdout.write(
        f"{hospital.acknowledged()} messages acknowledged by the old and the new release; "
        f"ended with {ended}; {len(faults)} faults\n"
    )
    for fault in faults[:20]:
        sys.stdout.write(f"  {fault.kind}: {fault.where}\n")
    return 1 if faults or any(ended) else 0


@contextmanager
def _checked_out(revision: str, folder: Path) -> Iterator[Path]:
    subprocess.run(
        ["git", "worktree", "add", "--quiet", "--detach", folder, revision], cwd=ROOT, check=True
    )
    try:
        yield folder
    finally:
        subprocess.run(["git", "worktree", "remove", "--force", folder], cwd=ROOT, check=True)


if __name__ == "__main__":
    sys.exit(main())
