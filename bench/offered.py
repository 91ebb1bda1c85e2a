"""The whole line from outside: messages offered to a ``thinkcarer run`` by MLLP, and worked off."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.postgresql import new_database, postgresql
from bench.rows import Row
from bench.service import Service, served
from bench.simulate import Traffic, messages, register_csv
from bench.soak import A_STAY, LAG, PACE, SENDERS, SLOTS, Line

WANTED, WANTED_ON_A_SERVER = 1_500.0, 1_000.0
MORE = 1.1
"""So many times what is wanted is offered, or it could not be reached."""
_REGISTERED = 5_000


def measure(seconds: float, folder: Path, server: str | None) -> Iterator[Row]:
    """What is settled a second beside what is acknowledged a second, on both databases."""
    with ExitStack() as stack:
        place = stack.enter_context(TemporaryDirectory(dir=folder))
        yield _row("SQLite", f"sqlite:///{place}/line.db", WANTED, seconds)
    with ExitStack() as stack:
        url = stack.enter_context(new_database(stack.enter_context(postgresql(server))))
        yield _row("PostgreSQL", url, WANTED_ON_A_SERVER, seconds)


def _row(name: str, url: str, wanted: float, seconds: float) -> Row:
    rate = int(wanted * MORE)
    traffic = Traffic(
        stays=int(seconds * rate / 4) + 1_000,
        registered=_REGISTERED,
        admissions_a_day=int(rate / A_STAY * 86_400),
        first=datetime.now(UTC) - LAG,
        pace=PACE,
    )
    with TemporaryDirectory() as place, served(Path(place), url, register_csv(traffic)) as service:
        settled, acknowledged = _offered(service, traffic, rate, seconds)
    words = f"whole line by MLLP, {name}"
    return Row(words, "acknowledged", settled, acknowledged, wanted_rate=wanted)


def _offered(service: Service, traffic: Traffic, rate: int, seconds: float) -> tuple[float, float]:
    """Settled and acknowledged a second, while so many a second are offered."""
    lines = [Line(service.mllp_port) for _ in range(SENDERS)]
    sent, before, began = messages(traffic), service.figure("entries_total"), time.monotonic()
    for slot in range(int(seconds * SLOTS)):
        time.sleep(max(0.0, began + slot / SLOTS - time.monotonic()))
        for raw, meaning in islice(sent, rate // SLOTS):
            lines[hash(meaning.visit) % SENDERS].queue.put(raw)
    settled, took = service.figure("entries_total") - before, time.monotonic() - began
    acknowledged = sum(len(line.taken()) for line in lines)
    for line in lines:
        line.end()
    return settled / took, acknowledged / took
