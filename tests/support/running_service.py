"""The real thing in a process of its own: ``thinkcarer run`` on free ports."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2

from tests.support.forked import ROOT, Forked

PATIENCE = 40.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class RunningService:
    """One deployment: a database, two ports and at most one process at a time."""

    folder: Path
    database_url: str
    settings: Mapping[str, str] = field(default_factory=dict)
    mllp_port: int = field(default_factory=free_port)
    http_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | Forked | None = None
    program: str = ""
    """A module to start from nothing instead of a fork of what is already imported."""

    @property
    def environ(self) -> dict[str, str]:
        ours = {
            "THINKCARER_DATABASE_URL": self.database_url,
            "THINKCARER_MLLP_ADDRESS": f"127.0.0.1:{self.mllp_port}",
            "THINKCARER_HTTP_ADDRESS": f"127.0.0.1:{self.http_port}",
            "THINKCARER_LOG_FORMAT": "json",
        }
        bare = {k: v for k, v in os.environ.items() if not k.startswith("THINKCARER_")}
        return bare | ours | dict(self.settings)

    @property
    def log(self) -> Path:
        return self.folder / "service.log"

    def command(self, *args: str) -> subprocess.CompletedProcess[str]:
        with TemporaryDirectory() as place:
            out, err = Path(place) / "out", Path(place) / "err"
            code = Forked(args, self.environ, out, err).wait(90)
            return subprocess.CompletedProcess(args, code, out.read_text(), err.read_text())

    def rows(self, *args: str) -> list[dict[str, object]]:
        done = self.command(*args, "--json")
        assert done.returncode == 0, done.stderr
        return list(json.loads(done.stdout))

    def start(self, role: str = "run") -> None:
        if self.program:
            self.process = self._started(self.program, role)
        else:
            self.process = Forked([role], self.environ, self.log, self.log)
        self.wait_until_open()

    def _started(self, program: str, role: str) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", program, role],
                cwd=ROOT,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def wait_until_open(self) -> None:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if self.process is None or self.process.poll() is not None:
                raise AssertionError(f"the service ended: {self.log.read_text()[-2000:]}")
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.mllp_port)) == 0:
                    return
            time.sleep(0.02)
        raise AssertionError(f"the MLLP port did not open: {self.log.read_text()[-2000:]}")

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(timeout=30)

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.http_port}{path}"

    def gauge(self, name: str) -> float:
        text = httpx2.get(self.url("/metrics")).text
        return next(
            float(line.split()[1]) for line in text.splitlines() if line.startswith(f"{name} ")
        )

    def settle(self, within: float = PATIENCE) -> None:
        gauges = ("thinkcarer_journal_waiting", "thinkcarer_outbox_waiting")
        self.wait_for(lambda: not any(self.gauge(gauge) for gauge in gauges), within)

    def wait_for(self, is_so: Callable[[], bool], within: float = PATIENCE) -> None:
        """Until it is so; a database that is just coming back answers later."""
        until = time.monotonic() + within
        while not self._is(is_so):
            assert time.monotonic() < until, f"not in time: {self.log.read_text()[-2000:]}"
            time.sleep(0.02)

    def _is(self, so: Callable[[], bool]) -> bool:
        try:
            return so()
        except (httpx2.HTTPError, StopIteration):
            return False


def send_one(port: int, messages: Sequence[bytes]) -> list[bytes]:
    """A few lines of MLLP of our own: frames out, answers back, one at a time."""
    answers = []
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        for message in messages:
            line.sendall(b"\x0b" + message + b"\x1c\r")
            answer = b""
            while not answer.endswith(b"\x1c\r"):
                part = line.recv(65_536)
                if not part:
                    raise ConnectionError("closed without an answer")
                answer += part
            answers.append(answer[1:-2])
    return answers
