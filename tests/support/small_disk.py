"""A disk of a few megabytes, which fills up and is given room again."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """Mounted at the folder until the end of the block; skips where mounting is not allowed."""
    folder.mkdir()
    options = f"size={megabytes}m,mode=755"
    mounted = _run("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder))
    if mounted.returncode:
        pytest.skip(f"a tmpfs cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        _run("umount", "--lazy", str(folder))


def fill(folder: Path) -> None:
    """Take all the room there is left."""
    with (folder / "rest").open("ab", buffering=0) as rest, suppress(OSError):
        while True:
            rest.write(b"x" * 4096)


def remount(folder: Path, options: str) -> None:
    """With ``size=32m`` there is room again; with ``ro`` nothing can be written."""
    done = _run("mount", "-o", f"remount,{options}", str(folder))
    assert done.returncode == 0, done.stderr


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    except FileNotFoundError as err:
        return subprocess.CompletedProcess(command, 127, "", str(err))
