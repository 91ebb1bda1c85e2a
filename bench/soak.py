"""An hour of steady load: is the service afterwards what it was after five minutes?

``python -m bench.soak --minutes 60 --rate 280``: a real ``thinkcarer run``, sixteen senders, a look
every ten seconds. Minutes go to a file as lines of JSON as they end, the verdict to the screen.
"""

import argparse
import json
import queue
import socket
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from statistics import median, quantiles

from rich.console import Console
from rich.table import Table

from bench.senders import END, START
from bench.service import Service, served
from bench.simulate import Traffic, messages, register_csv

SENDERS = 16
SLOTS = 10
"""So many times a second messages are handed to the senders."""
SCRAPE = 10
"""Seconds between two looks at the service."""
PACE = 2_000
"""Stays of two minutes: as many are open after five minutes as after an hour."""
LAG = timedelta(minutes=15)
"""Events are a little older than their messages, never newer."""
A_STAY = 5
"""Messages of a stay, about."""
LEAST = 8
"""Minutes."""
GROWN = {"resident_mb": 1.1, "files": 1.1, "threads": 1.1, "p50_ms": 1.25, "p99_ms": 1.5}
"""How much more than in the fifth minute the last may have."""


@dataclass(frozen=True, slots=True)
class Minute:
    """What a minute showed."""

    minute: int
    acknowledged: int
    p50_ms: float
    p99_ms: float
    resident_mb: float
    files: int
    threads: int
    waiting: float
    oldest_s: float


def main() -> None:
    """Load, look each minute, compare, and say whether all that was acknowledged is settled."""
    asked = _arguments()
    traffic = Traffic(
        stays=int(asked.minutes * 60 * asked.rate / 4) + 1_000,
        registered=asked.registered,
        admissions_a_day=int(asked.rate / A_STAY * 86_400),
        first=datetime.now(UTC) - LAG,
        pace=PACE,
    )
    console = Console()
    with tempfile.TemporaryDirectory(dir=asked.folder) as place:
        url = asked.database or f"sqlite:///{place}/soak.db"
        with served(Path(place), url, register_csv(traffic)) as service:
            minutes = []
            for minute in loaded(service, traffic, asked.minutes, asked.rate):
                minutes.append(minute)
                with asked.json.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(minute)) + "\n")
            acknowledged = sum(minute.acknowledged for minute in minutes)
            service.settle(120)
            settled = int(service.figure("entries_total"))
    show(minutes, console)
    console.print(f"Acknowledged {acknowledged:,}, brought to an end {settled:,}")
    if faults := [*grown(minutes), *unequal(acknowledged, settled)]:
        raise SystemExit("\n".join(faults))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--rate", type=int, default=280, help="messages a second")
    parser.add_argument("--registered", type=int, default=100_000, help="people with a carer")
    parser.add_argument("--database", metavar="URL", help="an empty one on a server; else SQLite")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--json", type=Path, metavar="FILE", default=Path("soak.jsonl"))
    asked = parser.parse_args()
    if asked.minutes < LEAST:
        parser.error(f"--minutes: at least {LEAST}, or there is nothing to compare")
    return asked


def loaded(service: Service, traffic: Traffic, minutes: int, rate: int) -> Iterator[Minute]:
    """Each minute as it ends; a stay's messages all go by one sender, in order."""
    lines = [Line(service.mllp_port) for _ in range(SENDERS)]
    sent, began = messages(traffic), time.monotonic()
    for minute in range(1, minutes + 1):
        samples = []
        for slot in range(60 * SLOTS):
            due = began + (minute - 1) * 60 + slot / SLOTS
            time.sleep(max(0.0, due - time.monotonic()))
            for raw, meaning in islice(sent, rate // SLOTS):
                lines[hash(meaning.visit) % SENDERS].queue.put(raw)
            if slot % (SCRAPE * SLOTS) == SCRAPE * SLOTS - 1:
                samples.append((*service.held(), *service.backlog()))
        if minute == minutes:
            for line in lines:
                line.end()
        took = [each for line in lines for each in line.taken()]
        resident, files, threads, waiting, oldest = (
            median(column) for column in zip(*samples, strict=True)
        )
        cuts = quantiles(took, n=100)
        yield Minute(
            minute=minute,
            acknowledged=len(took),
            p50_ms=round(cuts[49] * 1e3, 2),
            p99_ms=round(cuts[98] * 1e3, 2),
            resident_mb=round(resident / 1e6, 1),
            files=int(files),
            threads=int(threads),
            waiting=waiting,
            oldest_s=round(oldest, 2),
        )


class Line:
    """One sender: a socket, one outstanding message, and how long each answer took."""

    def __init__(self, port: int) -> None:
        """Connects at once."""
        self.queue: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._took: list[float] = []
        self._was_refused = False
        self._socket = socket.create_connection(("127.0.0.1", port), 10)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._thread = threading.Thread(target=self._send, daemon=True)
        self._thread.start()

    def taken(self) -> list[float]:
        """Seconds of every answer since the last call."""
        if self._was_refused:
            raise SystemExit("a message was not accepted")
        found = self._took[:]
        del self._took[: len(found)]
        return found

    def end(self) -> None:
        """After the last answer."""
        self.queue.put(None)
        self._thread.join()
        self._socket.close()

    def _send(self) -> None:
        while (raw := self.queue.get()) is not None:
            asked_at = time.perf_counter()
            self._socket.sendall(START + raw + END)
            answer = b""
            while not answer.endswith(END):
                answer += self._socket.recv(65_536)
            if b"MSA|AA|" not in answer and b"MSA|CA|" not in answer:
                self._was_refused = True
                return
            self._took.append(time.perf_counter() - asked_at)


def grown(minutes: Sequence[Minute]) -> list[str]:
    """What the last minutes have more of than the fifth and its neighbours."""
    early, late = minutes[3:6], minutes[-3:]
    faults = []
    for name, most in GROWN.items():
        before, after = (median(getattr(each, name) for each in part) for part in (early, late))
        if after > before * most:
            faults.append(f"{name}: {before:g} in the fifth minute, {after:g} at the end")
    return faults


def unequal(acknowledged: int, settled: int) -> list[str]:
    """Whether everything acknowledged was brought to an end, and nothing else was."""
    if settled == acknowledged:
        return []
    return [f"{acknowledged} were acknowledged and {settled} brought to an end"]


def show(minutes: Sequence[Minute], console: Console) -> None:
    """Every fifth minute and the last."""
    table = Table(title="Steady load", box=None, padding=(0, 2, 0, 0))
    for name in Minute.__dataclass_fields__:
        table.add_column(name, justify="right")
    for each in minutes:
        if each.minute % 5 == 0 or each is minutes[-1]:
            table.add_row(*(f"{value:,}" for value in asdict(each).values()))
    console.print(table)


if __name__ == "__main__":
    main()
