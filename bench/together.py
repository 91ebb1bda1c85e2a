"""Group commit beside a commit a message, on this disk and on one that is slow to sync."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.door import OURS, rate
from bench.rows import Row

SENDERS = 64
WANTED, WANTED_WHERE_SLOW = 3.5, 20.0
SLOW_MS = 5
_SHIM = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>
#define SLOW(name) int name(int fd) { static int (*real)(int); \\
    if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, #name); usleep(%d000); return real(fd); }
SLOW(fsync)
SLOW(fdatasync)
"""
"""Each sync takes longer by so many milliseconds."""


def measure(frames: Sequence[bytes], seconds: float, folder: Path) -> Iterator[Row]:
    """The same door with groups and with groups of one; the second pair only with a C compiler."""
    yield _row("group commit, 64 senders", WANTED, frames, seconds, folder)
    if shutil.which("gcc") is None:
        print("group commit on a slow disk: left out, there is no gcc", file=sys.stderr)
        return
    with _slow_disk():
        words = f"group commit, sync + {SLOW_MS} ms"
        yield _row(words, WANTED_WHERE_SLOW, frames, seconds, folder)


def _row(figure: str, wanted: float, frames: Sequence[bytes], seconds: float, folder: Path) -> Row:
    together = rate(OURS, frames, SENDERS, seconds, folder).rate
    alone = rate((*OURS, "--alone"), frames, SENDERS, seconds, folder).rate
    return Row(figure, "a commit a message", together, alone, wanted_ratio=wanted)


@contextmanager
def _slow_disk() -> Iterator[None]:
    """For processes that are started in the block."""
    with TemporaryDirectory() as place:
        source, made = Path(place) / "slow.c", Path(place) / "slow.so"
        source.write_text(_SHIM % SLOW_MS, encoding="ascii")
        subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", made, source, "-ldl"], check=True)
        os.environ["LD_PRELOAD"] = str(made)
        try:
            yield
        finally:
            del os.environ["LD_PRELOAD"]
