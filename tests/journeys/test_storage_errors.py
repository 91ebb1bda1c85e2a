"""Any fsync or write of SQLite fails: what is answered is stored, and no doubtful file is used."""

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from random import Random, SystemRandom

import pytest

from tests.power.recorded import Hospital, compile_recorder, log_of, record, under_recorder
from tests.power.replay import Disk, Record, ask, files_of, judge, read_log
from tests.support.running_service import RunningService

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")

MESSAGES = 40
SAMPLES = 3
"""Faults of each kind, one in each part of a run."""
AT_ONCE = 3


@dataclass(frozen=True, slots=True)
class Bench:
    """What every trial of a sweep needs; ``fsyncs`` and ``writes`` are how many a good run has."""

    recorder: Path
    template: Path
    folder: Path
    fsyncs: int
    writes: int
    chance: Random
    started: list[RunningService] = field(default_factory=list)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> Iterator[Bench]:
    seed = SystemRandom().randrange(10**6)
    print(f"seed {seed}")  # noqa: T201 - pytest shows it where a test fails
    folder = tmp_path_factory.mktemp("storage")
    recorder = compile_recorder(folder)
    (folder / "good").mkdir()
    good = record(under_recorder(recorder, migrated_sqlite, folder / "good"), MESSAGES).records
    fsyncs, writes = (sum(one.kind == kind for one in good) for kind in "bw")
    made = Bench(recorder, migrated_sqlite, folder, fsyncs, writes, Random(seed))  # noqa: S311
    yield made
    for service in made.started:
        service.end()


@dataclass(slots=True)
class Trial:
    """One service that met a fault, the hospital that it had, and how it ended by itself."""

    bench: Bench
    folder: Path
    faults: dict[str, int]
    code: int | None = None
    service: RunningService = field(init=False)
    hospital: Hospital = field(init=False)
    before: dict[str, bytearray] = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self.service = under_recorder(
            self.bench.recorder, self.bench.template, self.folder, **self.faults
        )
        self.bench.started.append(self.service)
        self.hospital = Hospital(self.service.mllp_port)
        self.before = files_of(self.folder / "data")

    def run(self) -> "Trial":
        """Until everything is sent or the service has ended."""
        try:
            self.service.start()
        except AssertionError:  # the fault came before the port was open
            assert self.service.process is not None
            self.code = self.service.process.wait(10)
            return self
        self.hospital.send(0, MESSAGES)
        assert self.service.process is not None
        self.service.wait_for(self._is_over)
        has_given_up = "disk_not_trusted" in self.service.log.read_text()
        self.code = self.service.process.wait(10) if has_given_up else self.service.process.poll()
        return self

    def _is_over(self) -> bool:
        """It ended, could not write, or has worked everything off."""
        assert self.service.process is not None
        if self.service.process.poll() is not None or any(one.kind == "n" for one in self.records):
            return True
        waiting = ("thinkcarer_journal_waiting", "thinkcarer_outbox_waiting")
        return not any(self.service.gauge(gauge) for gauge in waiting)

    @property
    def records(self) -> list[Record]:
        return read_log(log_of(self.folder))

    def stored(self) -> set[str]:
        """In the journal of a file that SQLite finds whole."""
        stored, integrity = ask(self.folder / "data" / "thinkcarer.db")
        assert integrity == "ok", self.faults
        return stored

    def start_again(self) -> None:
        """As a supervisor does, on a disk that works again; everything is then taken."""
        self.service.end()
        self.service.settings = {}
        self.service.start()
        self.hospital.send(0, MESSAGES)
        self.service.settle()
        assert self.service.stop() == 0


def sweep(bench: Bench, name: str, good: int, check: Callable[[Trial], None]) -> list[Trial]:
    """One fault in each part of a run, of which every second one stays; check what each left."""
    edges = [1 + good * part // SAMPLES for part in range(SAMPLES + 1)]
    places = [bench.chance.randrange(*part) for part in pairwise(edges)]
    trials = [
        Trial(bench, bench.folder / f"{name}-{n}", {name: n, "STICKY": turn % 2})
        for turn, n in enumerate(places)
    ]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda trial: check(trial.run()), trials))
    return trials


def failed_at_a_commit(trial: Trial) -> bool:
    """A failed fsync had to bring the log of SQLite to disk, which a checkpoint's has not."""
    disk = Disk({})
    for number, one in enumerate(trial.records):
        if one.kind == "f" and one.name.endswith("-wal") and disk.holds_back("-wal"):
            return True
        disk.take(number, one)
    return False


def broken_promises(trial: Trial) -> set[str]:
    """Acknowledged and not there after a cut at the end, what the failed fsync covered dropped."""
    records = trial.records
    room = trial.folder / "image"
    cuts = judge(records, trial.before, [len(records)], trial.bench.chance, room)
    return {f"{one.model}: {one.integrity} {sorted(one.lost)}" for one in cuts if not one.is_good}


def holds_its_promises(trial: Trial) -> None:
    """What is answered is stored, also after a power cut; a new start takes the rest."""
    trial.service.end()
    assert trial.hospital.taken <= trial.stored(), trial.faults
    assert not trial.hospital.refused
    assert broken_promises(trial) == set(), trial.faults
    trial.start_again()
    assert len(trial.stored()) == MESSAGES


def ends_where_the_disk_failed(trial: Trial) -> None:
    """The fsync of a commit failed: no more answers, a line in the log, and the process ends."""
    if failed_at_a_commit(trial):
        assert trial.code == 1, trial.faults
        kinds = [one.kind for one in trial.records]
        assert "a" not in kinds[kinds.index("f") :], trial.faults
        assert "disk_not_trusted" in trial.service.log.read_text()
    holds_its_promises(trial)


def test_after_a_failed_fsync_nothing_is_acknowledged_and_the_process_ends(bench: Bench):
    trials = sweep(bench, "FAIL_FSYNC_AT", bench.fsyncs, ends_where_the_disk_failed)
    assert any(failed_at_a_commit(trial) for trial in trials)


def test_a_full_disk_loses_nothing_that_was_acknowledged(bench: Bench):
    sweep(bench, "FAIL_WRITE_AT", bench.writes, holds_its_promises)


def test_a_disk_that_was_full_for_a_moment_is_used_again_by_itself(bench: Bench):
    trial = Trial(bench, bench.folder / "moment", {"FAIL_WRITE_AT": bench.writes // 4}).run()
    assert trial.code is None
    assert "n" in {one.kind for one in trial.records}
    trial.hospital.send(0, MESSAGES)
    trial.service.settle()
    assert trial.service.stop() == 0
    assert len(trial.hospital.taken) == len(trial.stored()) == MESSAGES
