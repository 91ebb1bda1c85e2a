"""A real ``thinkcarer run`` to measure from outside: its ports, its scrape, what it holds."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

ROOT = Path(__file__).resolve().parent.parent
_STARTS_IN = 60.0
_HOSPITAL = "L302H"
_PROGRAM = (sys.executable, "-m", "service")


@dataclass(frozen=True, slots=True)
class Service:
    """One running process."""

    process: subprocess.Popen[bytes]
    mllp_port: int
    http_port: int
    token: str
    """A coordinator's, to read with."""
    began: float
    """When it was started, by ``time.perf_counter``."""
    environ: Mapping[str, str]
    """What a command beside it needs."""

    def command(self, *words: str) -> str:
        """What a command beside it prints."""
        return _command(self.environ, *words)

    @staticmethod
    def words(*words: str) -> list[str]:
        """The command line of a command beside it."""
        return [*_PROGRAM, *words]

    def held(self) -> tuple[float, int, int]:
        """Resident bytes, open files and threads."""
        return held(self.process.pid)

    def url(self, path: str) -> str:
        """Of the pages and the façade."""
        return f"http://127.0.0.1:{self.http_port}{path}"

    def figure(self, name: str) -> float:
        """The sum of a metric over its labels; the name is without prefix."""
        lines = httpx2.get(self.url("/metrics"), timeout=10).text.splitlines()
        ours = (line for line in lines if line.startswith(f"thinkcarer_{name}"))
        return sum(
            float(line.rpartition(" ")[2])
            for line in ours
            if line.removeprefix(f"thinkcarer_{name}")[:1] in (" ", "{")
        )

    def backlog(self) -> tuple[float, float]:
        """Entries waiting, and the age of the oldest in seconds."""
        return self.figure("journal_waiting"), self.figure("journal_oldest_seconds")

    def settle(self, within: float) -> None:
        """Until nothing waits."""
        until = time.monotonic() + within
        while self.figure("journal_waiting"):
            if time.monotonic() > until:
                raise SystemExit("entries still wait")
            time.sleep(0.1)


@contextmanager
def served(place: Path, url: str, register: str = "") -> Iterator[Service]:
    """Migrated, with that register file if any, and running; its log is in ``place``."""
    mllp_port, http_port = _free_port(), _free_port()
    ours = {
        "THINKCARER_DATABASE_URL": url,
        "THINKCARER_MLLP_ADDRESS": f"127.0.0.1:{mllp_port}",
        "THINKCARER_HTTP_ADDRESS": f"127.0.0.1:{http_port}",
    }
    environ = {k: v for k, v in os.environ.items() if not k.startswith("THINKCARER_")} | ours
    _command(environ, "migrate")
    token = _command(
        environ, "token", "create", "--role", "coordinator", "--scope", _HOSPITAL
    ).split()[-1]
    if register:
        file = place / "register.csv"
        file.write_text(register, encoding="utf-8")
        _command(environ, "register", "import", str(file))
    began = time.perf_counter()
    with (place / "service.log").open("wb") as log:
        process = subprocess.Popen(
            [*_PROGRAM, "run"], cwd=ROOT, env=environ, stdout=log, stderr=log
        )
    try:
        _await_port(mllp_port)
        yield Service(process, mllp_port, http_port, token, began, environ)
    finally:
        process.terminate()
        process.wait(timeout=60)


def _command(environ: Mapping[str, str], *words: str) -> str:
    done = subprocess.run(
        [*_PROGRAM, *words], cwd=ROOT, env=environ, check=True, capture_output=True, text=True
    )
    return done.stdout


def held(pid: int) -> tuple[float, int, int]:
    """Resident bytes, open files and threads of a process (proc(5))."""
    home = Path("/proc") / str(pid)
    status = dict(
        line.split(":", 1) for line in (home / "status").read_text().splitlines() if ":" in line
    )
    resident = float(status["VmRSS"].split()[0]) * 1_024
    return resident, len(list((home / "fd").iterdir())), int(status["Threads"])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await_port(port: int) -> None:
    until = time.monotonic() + _STARTS_IN
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise SystemExit("the service did not start")
