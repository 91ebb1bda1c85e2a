"""Real servers of a test's own, which it may kill and start again on the same ports and data."""

import os
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.services import starter
from tests.support.taking import until

STARTS_IN = 300.0
"""Seconds; the first start fetches what the servers are made of."""


@dataclass
class OwnServers:
    """Some of ``kafka``, ``fhir`` and ``postgres`` in one folder."""

    folder: Path
    addresses: dict[str, str] = field(default_factory=dict)

    def start(self, *names: str) -> None:
        """Bring them up; their addresses are then known by name."""
        self._run(str(self.folder), *names)

    def kill(self, name: str) -> None:
        """As a power cut would."""
        os.kill(self._pid(name), signal.SIGKILL)

    def stop_at_once(self, name: str) -> None:
        """PostgreSQL as ``pg_ctl stop -m immediate`` does: nothing is put away first."""
        os.kill(self._pid(name), signal.SIGQUIT)
        status = Path(f"/proc/{self._pid(name)}/status")
        until(lambda: not status.exists() or "\nState:\tZ" in status.read_text())

    def start_again(self, name: str) -> None:
        """The same ports and data."""
        self._run("--again", str(self.folder), name)

    def stop(self) -> None:
        """All of them."""
        stopper = starter().with_name("stop")
        subprocess.run([stopper, self.folder], capture_output=True, check=False, timeout=60)

    def _pid(self, name: str) -> int:
        return int((self.folder / name / "pid").read_text())

    def _run(self, *args: str) -> None:
        printed = self.folder / "addresses"
        with printed.open("w") as out, (self.folder / "start.log").open("a") as log:
            # A file and not a pipe: the servers stay in the background and would hold it open.
            subprocess.run(
                [starter(), *args],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=log,
                check=True,
                timeout=STARTS_IN,
            )
        for line in printed.read_text().splitlines():
            name, equals, value = line.partition("=")
            if equals:
                self.addresses[name] = value
