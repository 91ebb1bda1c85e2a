"""A day's messages that came late: how fast they are caught up, and how many are told of it."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import text

from bench.line import Sent, Works
from bench.rows import Row
from bench.simulate import Traffic
from service.database import connect, migrate
from service.pipeline import BATCH

WANTED = 1_500.0
_TOLD = text("select count(*) from outbox where state <> 'withdrawn'")


def measure(sent: Sequence[Sent], traffic: Traffic, folder: Path) -> Iterator[Row]:
    """The same messages each in its time, and all of them at once afterwards."""
    live, told_live = _run(sent, traffic, folder, is_late=False)
    late, told_late = _run(sent, traffic, folder, is_late=True)
    words = f"backlog of {len(sent):,}"
    yield Row(words, "each in its time", late, live, wanted_rate=WANTED)
    yield Row(
        "told after it", "each in its time", told_late, told_live, unit="parcels", most_ratio=1.0
    )


def _run(
    sent: Sequence[Sent], traffic: Traffic, folder: Path, is_late: bool
) -> tuple[float, float]:
    """Messages a second, and how many parcels were to go out in the end."""
    with TemporaryDirectory(dir=folder) as place, connect(f"sqlite:///{place}/line.db") as database:
        migrate(database)
        works = Works(database)
        works.register(traffic)
        began = time.perf_counter()
        if is_late:
            works.take_late(sent)
        else:
            for start in range(0, len(sent), BATCH):
                works.take(sent[start : start + BATCH])
        rate = len(sent) / (time.perf_counter() - began)
        with database.read() as tx:
            return rate, float(tx.execute(_TOLD).scalar_one())
