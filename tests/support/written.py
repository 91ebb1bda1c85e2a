"""Commands as the documents write them, taken out to be run."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.tree import ROOT

_BLOCK = re.compile(r"^\*(?P<mark>tested[^*\n]*)\*\n```sh\n(?P<text>.*?)^```$", re.DOTALL | re.M)
_FOLDERS = ("/etc/thinkcarer", "/var/lib/thinkcarer", "/var/backups/thinkcarer")
_PATIENCE = 240


def blocks(document: str, mark: str = "tested") -> list[str]:
    """The marked blocks of a document in order."""
    found = _BLOCK.finditer((ROOT / document).read_text())
    return [block["text"] for block in found if block["mark"] == mark]


def needs(*programs: str) -> None:
    """Skip where a program is missing; fail where CI misses it."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing and os.environ.get("CI") == "true":
        pytest.fail(f"{', '.join(missing)} not installed")
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed")


@dataclass(frozen=True, slots=True)
class Machine:
    """A folder that stands for a machine: its own /etc, /var and ports."""

    folder: Path
    mllp_port: int
    http_port: int

    def __post_init__(self) -> None:
        """The folders that root makes."""
        for each in _FOLDERS:
            self.at(each).mkdir(parents=True)

    def at(self, path: str) -> Path:
        """Where a path of the document is here."""
        return self.folder / path.lstrip("/")

    def localised(self, text: str) -> str:
        """A block with this machine's folders and ports."""
        for each in _FOLDERS:
            text = text.replace(each, str(self.at(each)))
        text = text.replace("127.0.0.1:2575", f"127.0.0.1:{self.mllp_port}")
        return text.replace("127.0.0.1:8000", f"127.0.0.1:{self.http_port}")

    def run(self, text: str, environ: Mapping[str, str] | None = None) -> str:
        """Run lines as one script that ends at its first failure; what it printed."""
        bare = {k: v for k, v in os.environ.items() if not k.startswith("THINKCARER_")}
        given = dict(environ or {})
        path = f"{Path(sys.executable).parent}:{given.pop('PATH', os.environ['PATH'])}"
        script = "\n".join(("trap 'kill $(jobs -p) 2>/dev/null || true' EXIT", text))
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self.localised(script)],
            cwd=self.folder,
            env=bare | given | {"PATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout
