"""A service under the recorder, and the hospital that sends to it."""

import subprocess
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tests.power.replay import Record, files_of, read_log
from tests.support.adt import Adt
from tests.support.databases import sqlite_copy
from tests.support.running_service import RunningService, send_one

LINES = 4


def compile_recorder(folder: Path) -> Path:
    """The shared object that LD_PRELOAD names."""
    made = folder / "recorder.so"
    source = Path(__file__).with_name("recorder.c")
    flags = ["-O2", "-Wall", "-Werror", "-shared", "-fPIC"]
    subprocess.run(["gcc", *flags, "-o", made, source, "-ldl", "-lpthread"], check=True)
    return made


def under_recorder(
    recorder: Path, template: Path, folder: Path, program: str = "service", **faults: int
) -> RunningService:
    """A deployment whose data folder is recorded; ``faults`` are those of recorder.c."""
    data = folder / "data"
    data.mkdir()
    url = sqlite_copy(template, data)
    settings = {
        "LD_PRELOAD": str(recorder),
        "POWER_FOLDER": str(data),
        "POWER_LOG": str(log_of(folder)),
    } | {name: str(value) for name, value in faults.items()}
    return RunningService(folder, url, settings, program=program)


def log_of(folder: Path) -> Path:
    """Where the recorder of this deployment writes."""
    return folder / "power.log"


@dataclass(slots=True)
class Hospital:
    """A few lines that send one message after another; keeps the control ids it read as taken."""

    port: int
    taken: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)

    def send(self, first: int, count: int) -> None:
        """``count`` admissions, spread over the lines; a line ends when it gets no answer."""
        senders = [
            threading.Thread(target=self._send_line, args=(range(first + n, first + count, LINES),))
            for n in range(LINES)
        ]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()

    def _send_line(self, numbers: range) -> None:
        for number in numbers:
            try:
                (answer,) = send_one(self.port, [an_admission(number)])
            except OSError:
                return  # no answer: the sender keeps it
            told = self.taken if b"MSA|AA|" in answer else self.refused
            told.add(f"P{number}")


def an_admission(number: int) -> bytes:
    """A message of a stay of its own, long enough that the log is written around often."""
    made = Adt(at=datetime.now(UTC), visit=f"V{number}", control_id=f"P{number}")
    return made.raw()


@dataclass(frozen=True, slots=True)
class Recording:
    """The disk before, and what was asked of it."""

    before: dict[str, bytearray]
    records: list[Record]


def record(service: RunningService, count: int) -> Recording:
    """Run the service, send it messages and let it work them off; it ends as if by a cut."""
    before = files_of(service.folder / "data")
    service.start()
    try:
        hospital = Hospital(service.mllp_port)
        hospital.send(0, count)
        assert len(hospital.taken) == count, service.log.read_text()[-2000:]
        service.settle()
    finally:
        service.end()
    records = read_log(log_of(service.folder))
    assert hospital.taken == {one.acknowledged for one in records} - {""}
    return Recording(before, records)
