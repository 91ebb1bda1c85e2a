"""Scale-out: two workers on one PostgreSQL against one, with latency added to each entry."""

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

from sqlalchemy import text

from bench.postgresql import new_database, postgresql
from bench.rows import Row
from ingest.committer import Committer
from ingest.receive import Door, Incoming, Origin, receive_all
from service.clock import utc_now
from service.database import Database, Rank, connect, migrate
from service.metrics import Metrics
from service.site import load_site, rules_of

LATENCY = 5.0
"""Milliseconds added to each entry: two cores cannot show it otherwise."""
WANTED = 1.8
_GROUP = 500


def measure(raw: Sequence[bytes], url: str | None) -> Iterator[Row]:
    """The same messages worked off by one and by two processes."""
    with postgresql(url) as server:
        one, two = (_rate(server, raw, workers) for workers in (1, 2))
    yield Row("two workers, PostgreSQL", "one worker", two, one, wanted_ratio=WANTED)


def _rate(server: str, raw: Sequence[bytes], workers: int) -> float:
    with new_database(server) as database_url, connect(database_url) as database:
        migrate(database)
        _journal(database, raw)
        processes = [_worker(database_url, workers) for _ in range(workers)]
        try:
            for process in processes:
                assert process.stdout
                assert process.stdout.readline() == b"ready\n"
            began = time.perf_counter()
            for process in processes:
                assert process.stdin
                process.stdin.write(b"go\n")
                process.stdin.flush()
            done = _until_settled(database)
            return done / (time.perf_counter() - began)
        finally:
            for process in processes:
                process.kill()
                process.wait()


def _worker(url: str, workers: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "bench.scaleworker", url, str(LATENCY), str(workers)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def _journal(database: Database, raw: Sequence[bytes]) -> None:
    site = load_site(None)
    committer = Committer(lambda: database.write(Rank.ACK))
    door = Door(
        rules=rules_of(site),
        commit=committer.commit,
        now=utc_now,
        inspect=lambda *_: None,
        tally=Metrics(dict),
        on_stored=lambda: None,
    )
    for start in range(0, len(raw), _GROUP):
        receive_all([Incoming(b, Origin("bench")) for b in raw[start : start + _GROUP]], door)


def _until_settled(database: Database) -> int:
    """How many; looked at seldom, so that looking costs the workers nothing."""
    waiting = text("select exists (select 1 from journal where state = 'waiting')")
    while True:
        with database.read() as tx:
            if not tx.execute(waiting).scalar_one():
                return int(tx.execute(text("select count(*) from journal")).scalar_one())
        time.sleep(0.2)
