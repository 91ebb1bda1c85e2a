"""``thinkcarer`` in a process of its own that needs no second for its imports.

A process that has imported everything is forked for each start (``multiprocessing``'s forkserver);
what runs in it is what ``python -m service`` runs.
"""

import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from subprocess import TimeoutExpired

from service import cli

ROOT = Path(__file__).resolve().parents[2]
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload([__name__])


class Forked:
    """As much of ``subprocess.Popen`` as tests need."""

    def __init__(
        self, words: Sequence[str], environ: Mapping[str, str], out: Path, err: Path
    ) -> None:
        """Runs at once; what it prints is added to the files."""
        self.args = list(words)
        self._process: ForkServerProcess = _CONTEXT.Process(
            target=_become, args=(self.args, dict(environ), out, err), daemon=True
        )
        self._process.start()
        assert self._process.pid is not None
        self.pid: int = self._process.pid

    def poll(self) -> int | None:
        """The exit code, minus the signal where one ended it; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, once it has ended."""
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise TimeoutExpired(self.args, timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        """As ``os.kill``; one that has ended takes no notice."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)


def _become(words: list[str], environ: dict[str, str], out: Path, err: Path) -> None:
    """The command, from here to its end."""
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(environ)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    for target, file in ((1, out), (2, err)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), target)
    sys.argv = ["thinkcarer", *words]
    sys.exit(cli.run(words))
