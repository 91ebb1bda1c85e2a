"""An upgrade under load: ``python -m tests.judge.upgrade --from REVISION --on sqlite``.

The release of that revision runs, is stopped while senders go on, the database is brought to this
release, which then starts on the same ports; the old one must refuse what it no longer knows. The
judge looks at what came of all that was acknowledged, at receivers that already held Tasks.
"""

import argparse
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
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
from tests.support.running_service import RunningService

APART = ("work", "deliver", "listen")
BEFORE = 10.0
"""Seconds that each release works under load."""
SETTLES_IN = 150.0


@dataclass
class Release:
    """The processes of one release; ``code`` is where its source lies."""

    code: Path
    service: RunningService
    roles: tuple[str, ...]
    processes: list[subprocess.Popen[bytes]]

    def start(self) -> None:
        for role in self.roles:
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

    def done(self, *words: str) -> int:
        """How one command of this release ended."""
        done = subprocess.run(
            [sys.executable, "-m", "service", *words],
            cwd=self.code,
            env=self.service.environ | {"PYTHONPATH": str(self.code)},
            check=False,
            capture_output=True,
            timeout=240,
        )
        return done.returncode

    def do(self, *words: str) -> None:
        if self.done(*words):
            raise RuntimeError(f"{words} failed in {self.code}")


def main() -> int:
    """Say what came of it; 1 where a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from", dest="revision", required=True)
    parser.add_argument("--on", choices=("sqlite", "postgresql"), default="sqlite")
    asked = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="upgrade-")))
        code = stack.enter_context(_checked_out(asked.revision, folder / "old"))
        url, roles = f"sqlite:///{folder}/judged.db", ("run",)
        if asked.on == "postgresql":
            server = stack.enter_context(postgresql_server())
            url, roles = stack.enter_context(postgresql_copy(server, None)), APART
        launcher = Launcher()
        stack.callback(launcher.close)
        plan = Plan(folder / "judged", url, [Blow()] * 100)
        return _upgraded(plan, Path(code), roles, launcher)


def _upgraded(plan: Plan, code: Path, roles: tuple[str, ...], launcher: Launcher) -> int:
    def by_the_old_one(service: RunningService, /, *words: str) -> None:
        Release(code, service, roles, []).do(*words)

    with deployed(plan, by_the_old_one) as (service, receivers):
        old, new = Release(code, service, roles, []), Release(ROOT, service, roles, [])
        old.start()
        hospital = Hospital(plan.stays)
        senders = [Sender(hospital, by_mllp(service.mllp_port), plan.pause) for _ in range(3)]
        time.sleep(BEFORE)
        told = len(receivers.fhir.told)
        began = time.monotonic()
        ended = old.stop()
        new.do("migrate")
        is_refused = old.done("check") != 0
        new.start()
        pause = time.monotonic() - began
        time.sleep(BEFORE)
        hospital.is_closing.set()
        scene = Scene(new.service, hospital, senders, receivers)
        faults = faults_of(plan, launcher, scene, time.monotonic() + SETTLES_IN)
        ended += new.stop()
    sys.stdout.write(
        f"{hospital.acknowledged()} messages acknowledged by the old and the new release, "
        f"{told} resources at a receiver before; a pause of {pause:.1f} s; the old release "
        f"{'refuses' if is_refused else 'TAKES'} the new database; ended with {ended}; "
        f"{len(faults)} faults\n"
    )
    for fault in faults[:20]:
        sys.stdout.write(f"  {fault.kind}: {fault.where}\n")
    return 1 if faults or any(ended) or not is_refused else 0


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
