"""The process that forks services and commands, as the judge holds it."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence

from tests.judge.blows import Blow
from tests.support.forked import ROOT
from tests.support.running_service import RunningService

COMMAND_TAKES = 60.0


class Launcher:
    """Everything is imported there once, so that a start takes a fork."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.judge.launch"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._answer() == "ready"

    def start(self, service: RunningService, role: str, blow: Blow, bug: str) -> int:
        """The process id of a service that meets the blow."""
        return self._fork(service, [role], str(service.log), blow, bug)

    def command(self, service: RunningService, *words: str) -> str:
        """What a command printed; it has to end well."""
        printed = service.folder / "printed"
        printed.unlink(missing_ok=True)
        pid = self._fork(service, words, str(printed), Blow(), "")
        until = time.monotonic() + COMMAND_TAKES
        while lives(pid):
            assert time.monotonic() < until, f"{words} takes too long"
            time.sleep(0.01)
        text, _, code = printed.read_text().rpartition("\n")
        assert code == "0", f"{words}: {text}"
        return text

    def rows(self, service: RunningService, *words: str) -> list[dict[str, object]]:
        """A public record."""
        printed = self.command(service, *words, "--json")
        return list(json.loads(printed))

    def close(self) -> None:
        """The launcher ends; what it forked does not."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()

    def _fork(
        self, service: RunningService, words: Sequence[str], printed: str, blow: Blow, bug: str
    ) -> int:
        asked = {
            "words": list(words),
            "environ": dict(service.environ),
            "printed": printed,
            "point": blow.point,
            "nth": blow.nth,
            "action": blow.action,
            "bug": bug,
        }
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        return int(self._answer())

    def _answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


def lives(pid: int) -> bool:
    """Whether there is such a process; the launcher leaves no zombies."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
