"""The whole line: messages journaled, understood, folded, decided and in the outbox."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.baselines.line import StrawMan
from bench.postgresql import new_database, postgresql
from bench.rows import Row
from bench.simulate import FIRST, Meaning, Traffic, person, register_csv
from ingest import journal
from ingest.journal import Block, Stored
from ingest.receive import Door, Origin, receive
from mapping.register_csv import RegisterTerms, read
from service.batches import process_batch
from service.database import Database, Rank, connect, migrate
from service.deciding import import_register
from service.metrics import Metrics
from service.pipeline import BATCH, Line, Progress, wake_next
from service.site import dialects_of, load_site, rules_of

WANTED, WANTED_ON_A_SERVER = 1_500.0, 1_000.0
_GROUP = 500
"""Messages of a backlog that are journaled in one commit."""
Sent = tuple[bytes, Meaning]


def measure(sent: Sequence[Sent], traffic: Traffic, seconds: float, folder: Path) -> Iterator[Row]:
    """On SQLite, beside a straw man that journals, splits and looks up in dictionaries."""
    with TemporaryDirectory(dir=folder) as place:
        bare = _bare_rate(sent, traffic, seconds, Path(place))
    with TemporaryDirectory(dir=folder) as place:
        ours = _our_rate(sent, traffic, seconds, f"sqlite:///{place}/line.db")
    yield Row("whole line", "dictionaries", ours, bare, wanted_rate=WANTED)


def measure_on_a_server(
    sent: Sequence[Sent], traffic: Traffic, seconds: float, server: str | None
) -> Iterator[Row]:
    """On PostgreSQL, beside the same on SQLite."""
    with TemporaryDirectory() as place:
        beside = _our_rate(sent, traffic, seconds, f"sqlite:///{place}/line.db")
    with postgresql(server) as address, new_database(address) as url:
        ours = _our_rate(sent, traffic, seconds, url)
    words = "whole line, PostgreSQL"
    yield Row(words, "on SQLite", ours, beside, wanted_rate=WANTED_ON_A_SERVER)


def _bare_rate(sent: Sequence[Sent], traffic: Traffic, seconds: float, place: Path) -> float:
    register = {person(n).nhs: f"S-{n:07d}" for n in range(traffic.registered)}
    straw_man = StrawMan(place / "line.db", register)
    rate = _rate(lambda batch: straw_man.take([raw for raw, _ in batch]), sent, seconds)
    straw_man.close()
    return rate


def _our_rate(sent: Sequence[Sent], traffic: Traffic, seconds: float, url: str) -> float:
    with connect(url) as database:
        migrate(database)
        works = Works(database)
        works.register(traffic)
        return _rate(works.take, sent, seconds)


@dataclass(slots=True)
class Works:
    """The line without sockets; its clock shows when the newest message came."""

    database: Database
    at: datetime = FIRST
    line: Line = field(init=False)
    _group: list[Block] = field(default_factory=list)
    _door: Door = field(init=False)

    def __post_init__(self) -> None:
        """The same site and line as the demo's."""
        site = load_site(None)
        self.line = Line(
            database=self.database,
            site=site,
            dialects=dialects_of(site),
            now=lambda: self.at,
            metrics=Metrics(dict),
            chance=lambda: 0.5,
        )
        self._door = Door(
            rules=rules_of(site),
            commit=self._gather,
            now=lambda: self.at,
            inspect=lambda *_: None,
            tally=self.line.metrics,
            on_stored=lambda: None,
        )

    def register(self, traffic: Traffic) -> None:
        """Import the simulator's register file."""
        terms = RegisterTerms(("LANCARERS", "YOUNGNL"), today=date(2026, 11, 2), synthetic=True)
        file = read(register_csv(traffic).encode(), terms)
        assert not file.faults, file.faults[:3]
        import_register(self.line, file.rows)

    def take(self, batch: Sequence[Sent]) -> None:
        """Journal a batch in one commit, then work it off and fire what is due."""
        for raw, meaning in batch:
            self.at = meaning.at + timedelta(seconds=30)
            receive(raw, Origin("bench"), self._door)
        self.keep()
        self.work()

    def take_late(self, sent: Sequence[Sent]) -> None:
        """Journal all of it after the last has happened, then work it off."""
        self.at = sent[-1][1].at + timedelta(seconds=30)
        self.journal([raw for raw, _ in sent])
        self.work()

    def journal(self, raw: Sequence[bytes]) -> None:
        """Take these in and leave them waiting."""
        for start in range(0, len(raw), _GROUP):
            for each in raw[start : start + _GROUP]:
                receive(each, Origin("bench"), self._door)
            self.keep()

    def keep(self) -> None:
        """Commit what was gathered."""
        with self.database.write(Rank.ACK) as tx:
            journal.append(tx, self._group)
        self._group.clear()

    def work(self) -> None:
        """Work off what waits and fire what is due."""
        progress = Progress()
        while process_batch(self.line, progress):
            pass
        wake_next(self.line, Progress())

    def _gather(self, blocks: Sequence[Block]) -> list[Stored]:
        """What the committer does for senders that wait together."""
        self._group += blocks
        return [Stored(0, block.answer, is_repeat=False) for block in blocks]


def journaled(url: str, raw: Sequence[bytes]) -> None:
    """Leave these waiting in a database that nobody works on."""
    with connect(url) as database:
        Works(database).journal(raw)


def _rate(take: Callable[[Sequence[Sent]], None], sent: Sequence[Sent], seconds: float) -> float:
    done = 0
    began = time.perf_counter()
    while time.perf_counter() < began + seconds:
        batch = sent[done : done + BATCH]
        if not batch:
            break
        take(batch)
        done += len(batch)
    return done / (time.perf_counter() - began)
