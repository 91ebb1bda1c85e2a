"""The door: framed bytes to durable acknowledgement on SQLite, by number of senders."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.postgresql import new_database, postgresql
from bench.rows import Row
from bench.senders import Load, drive

ROOT = Path(__file__).resolve().parent.parent
OURS = ("-m", "bench.doorkeeper")
BARE = (str(ROOT / "bench" / "baselines" / "door.py"),)
WANTED = {1: 0.5, 16: 0.4, 64: 0.4}
WANTED_ON_A_SERVER = {1: 0.5, 16: 0.5, 64: 0.5}
FSYNC_SHARE = 0.8
BRIDGE = 2_450.0
"""Ten times hl7v2-fhir-bridge as measured once with one sender; it cannot run here."""
_WARM_UP = 200


def measure_on_a_server(
    frames: Sequence[bytes], seconds: float, folder: Path, server: str | None
) -> Iterator[Row]:
    """The same on PostgreSQL."""
    for senders, wanted in WANTED_ON_A_SERVER.items():
        with postgresql(server) as address:
            with new_database(address) as url:
                bare = rate((*BARE, url), frames, senders, seconds, folder)
            with new_database(address) as url:
                ours = rate((*OURS, url), frames, senders, seconds, folder)
        words = f"door, PostgreSQL, {senders}"
        yield Row(words, "journal only", ours.rate, bare.rate, wanted, p99=ours.p99)


def measure(frames: Sequence[bytes], seconds: float, folder: Path) -> Iterator[Row]:
    """Ours beside a bare script that only journals, then one sender beside the disk alone."""
    alone = 0.0
    for senders, wanted in WANTED.items():
        bare = rate(BARE, frames, senders, seconds, folder)
        ours = rate(OURS, frames, senders, seconds, folder)
        alone = alone or ours.rate
        yield Row(
            figure=f"door, {senders} sender{'s' if senders > 1 else ''}",
            baseline="journal only",
            ours=ours.rate,
            theirs=bare.rate,
            wanted_ratio=wanted,
            p99=ours.p99,
        )
    disk = fdatasyncs(folder, min(seconds, 1.0))
    wanted = min(FSYNC_SHARE, BRIDGE / disk)
    yield Row("door, 1 sender", "1 kB fdatasync", alone, disk, wanted_ratio=wanted)


def fdatasyncs(folder: Path, seconds: float) -> float:
    """How often a second this disk keeps one more kilobyte."""
    with TemporaryDirectory(dir=folder) as name, (Path(name) / "log").open("wb") as file:
        began = time.perf_counter()
        done = 0
        while time.perf_counter() < began + seconds:
            file.write(b"x" * 1_024)
            file.flush()
            os.fdatasync(file.fileno())
            done += 1
        return done / (time.perf_counter() - began)


def rate(
    script: Sequence[str], frames: Sequence[bytes], senders: int, seconds: float, folder: Path
) -> Load:
    """What a door in a process of its own answers."""
    with opened(script, folder) as (port, _):
        drive(port, frames[:_WARM_UP], senders, seconds)
        return drive(port, frames[_WARM_UP:], senders, seconds)


@contextmanager
def opened(script: Sequence[str], folder: Path) -> Iterator[tuple[int, int]]:
    """The port of a door in a process and folder of its own, and that process's id."""
    with TemporaryDirectory(dir=folder) as place:
        process = subprocess.Popen(
            [sys.executable, *_in_place(script, place)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if line.strip().isdigit():
                    yield int(line), process.pid
                    break
            else:
                raise RuntimeError(f"{' '.join(script)} did not start")
        finally:
            process.terminate()
            process.wait(timeout=30)
            process.stdout.close()


def _in_place(script: Sequence[str], place: str) -> list[str]:
    """A database is made in the folder unless one on a server was named."""
    return list(script) if script[-1].startswith("postgresql") else [*script, place]
