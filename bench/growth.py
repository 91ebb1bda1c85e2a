"""What a message costs while a stay, the journal and the register grow: it should cost the same.

Costs are microseconds of processor time a message, so that a busy disk does not count.
"""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import text

from bench.line import Sent, Works
from bench.rows import Row
from bench.simulate import Traffic, stamp
from service.database import connect, migrate
from service.pipeline import BATCH

MOST = 1.2
LONG = 1_000
"""Events of a long stay."""
STAYS = 20
SMALL_JOURNAL, SMALL_REGISTER = 1_000, 10_000
_SAMPLE = 2_000
"""Messages over which a cost is taken."""
_WARM_UP = 400

# Copies of what is there, each under a name of its own; the numbers are nobody's.
_COPIES = "with recursive n(n) as (select 1 union all select n + 1 from n where n < {times}) "
_MORE_JOURNAL = (
    "insert into journal ({columns}) select {values} from journal, n where journal.id <= {kept}"
)
_MORE_REGISTER = (
    "insert into registration ({columns}) select {values} from registration, n "
    "where registration.key in (select key from registration order by key limit {kept})"
)


def measure(sent: Sequence[Sent], big: int, folder: Path) -> Iterator[Row]:
    """``big`` is the size to which journal and register grow."""
    yield _history(sent, folder)
    traffic = Traffic(stays=len(sent) // 4, registered=SMALL_REGISTER)
    for words, small, grow in (
        ("journal", SMALL_JOURNAL, _grow_journal),
        ("register", SMALL_REGISTER, _grow_register),
    ):
        with _works(folder) as works:
            works.register(traffic)
            first, second = sent[: _WARM_UP + _SAMPLE], sent[_WARM_UP + _SAMPLE :]
            _take(works, first[:_WARM_UP])
            before = _cost(works, first[_WARM_UP:])
            grow(works, big // small)
            _take(works, second[:_WARM_UP])
            after = _cost(works, second[_WARM_UP : _WARM_UP + _SAMPLE])
        yield _row(f"{words} of {big:,}", f"of {small:,}", after, before)


def _history(sent: Sequence[Sent], folder: Path) -> Row:
    """The first and the last updates of stays that are updated a thousand times."""
    admissions = [one for one in sent if one[1].trigger == "A01"][:STAYS]
    updates = [one for one in sent if one[1].trigger == "A08"]
    some = LONG // STAYS
    with _works(folder) as works:
        _take(works, admissions)
        rounds = [_updates(updates[0], admissions, number) for number in range(LONG)]
        costs = [_cost(works, [one for each in part for one in each])
                 for part in (rounds[:some], rounds[some:-some], rounds[-some:])]  # fmt: skip
    return _row(f"stay of {LONG:,} events", f"of {some}", costs[-1], costs[0])


def _updates(update: Sent, admissions: Sequence[Sent], number: int) -> list[Sent]:
    """The same update for each stay, a minute after the last."""
    made = []
    for _, admitted in admissions:
        at = admitted.at + timedelta(minutes=1 + number)
        raw = update[0].replace(update[1].control_id.encode(), f"U{number:06d}".encode())
        raw = raw.replace(stamp(update[1].at).encode(), stamp(at).encode())
        raw = raw.replace(update[1].visit.encode(), admitted.visit.encode())
        raw = raw.replace(update[1].nhs.encode(), admitted.nhs.encode())
        made.append((raw, replace(update[1], at=at)))
    return made


def _grow_journal(works: Works, times: int) -> None:
    fresh = {"id": None, "control_id": "control_id || '-' || n.n", "state": "'settled'"}
    _multiply(works, _MORE_JOURNAL, fresh, (times, SMALL_JOURNAL))


def _grow_register(works: Works, times: int) -> None:
    fresh = {
        "key": "key || '-' || n.n",
        "number": "number || '-' || n.n",
        "birth_date": "date(birth_date, '-' || (n.n * 7) || ' days')",
    }
    _multiply(works, _MORE_REGISTER, fresh, (times, SMALL_REGISTER))


def _multiply(
    works: Works, statement: str, fresh: Mapping[str, str | None], sizes: tuple[int, int]
) -> None:
    table = re.findall(r"into (\w+)", statement)[0]
    times, kept = sizes
    with works.database.write() as tx:
        known = tx.execute(text(f"select name from pragma_table_info('{table}')")).scalars()  # noqa: S608 - ours
        values = {name: fresh.get(name, f"{table}.{name}") for name in known}
        named = {name: value for name, value in values.items() if value}
        wanted = {"columns": ", ".join(named), "values": ", ".join(named.values())}
        copies = _COPIES.format(times=times - 1)
        tx.execute(text(copies + statement.format(**wanted, kept=kept)))
        tx.execute(text("analyze"))


def _row(figure: str, baseline: str, grown: float, small: float) -> Row:
    return Row(f"cost, {figure}", baseline, grown, small, unit="µs", most_ratio=MOST)


def _cost(works: Works, sent: Sequence[Sent]) -> float:
    began = time.process_time()
    _take(works, sent)
    return (time.process_time() - began) / len(sent) * 1e6


def _take(works: Works, sent: Sequence[Sent]) -> None:
    for start in range(0, len(sent), BATCH):
        works.take(sent[start : start + BATCH])


@contextmanager
def _works(folder: Path) -> Iterator[Works]:
    with TemporaryDirectory(dir=folder) as place, connect(f"sqlite:///{place}/line.db") as database:
        migrate(database)
        yield Works(database)
