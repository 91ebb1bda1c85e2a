"""Running the tools of the trade on the whole repository."""

import subprocess
import sys
from pathlib import Path

from tests.support.tree import ROOT


def says_nothing_wrong(*command: str) -> None:
    """Run one tool; its output is the failure."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"\n{done.stdout[-8000:]}\n{done.stderr[-4000:]}"


def module(*arguments: str) -> tuple[str, ...]:
    """A tool that is started as a module of this Python."""
    return (sys.executable, "-m", *arguments)


def script(*arguments: str) -> tuple[str, ...]:
    """A tool that is only a command of this environment."""
    return (str(Path(sys.executable).parent / arguments[0]), *arguments[1:])
