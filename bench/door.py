"""The door: framed bytes to durable acknowledgement on SQLite, by number of senders."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.rows import Row
from bench.senders import Load, drive

ROOT = Path(__file__).resolve().parent.parent
OURS = ("-m", "bench.doorkeeper")
BARE = (str(ROOT / "bench" / "baselines" / "door.py"),)
WANTED = {1: 0.5, 16: 0.4, 64: 0.4}
FSYNC_SHARE = 0.8
BRIDGE = 2_450.0
"""Ten times hl7v2-fhir-bridge as measured once with one sender; it cannot run here."""
_WARM_UP = 200


def measure(frames: Sequence[bytes], seconds: float, folder: Path) -> Iterator[Row]:
    """Ours beside a bare script that only journals, then one sender beside the disk alone."""
    alone = 0.0
    for senders, wanted in WANTED.items():
        bare = _run(BARE, frames, senders, seconds, folder)
        ours = _run(OURS, frames, senders, seconds, folder)
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


def _run(
    script: Sequence[str], frames: Sequence[bytes], senders: int, seconds: float, folder: Path
) -> Load:
    with _served(script, folder) as port:
        drive(port, frames[:_WARM_UP], senders, seconds)
        return drive(port, frames[_WARM_UP:], senders, seconds)


@contextmanager
def _served(script: Sequence[str], folder: Path) -> Iterator[int]:
    """The port of a door in a process and folder of its own."""
    with TemporaryDirectory(dir=folder) as place:
        process = subprocess.Popen(
            [sys.executable, *script, place],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if line.strip().isdigit():
                    yield int(line)
                    break
            else:
                raise RuntimeError(f"{' '.join(script)} did not start")
        finally:
            process.terminate()
            process.wait(timeout=30)
            process.stdout.close()
