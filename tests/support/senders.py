"""Interface engines under load: each sends a message again and again until it is acknowledged."""

import threading
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count
from types import TracebackType
from typing import Self

from sqlalchemy import text

from service.database import connect
from tests.support.adt import Adt
from tests.support.running_service import send_one
from tests.support.taking import until

_runs = count(1)
_EVENTS = (
    "select journal.control_id from stay_event join journal on journal.id = stay_event.entry "
    "order by stay_event.id"
)


class Senders:
    """Some connections to one port, from the start to the end of the block."""

    def __init__(
        self, port: int, lines: int = 4, at_most: int = 1_000_000, extra: tuple[str, ...] = ()
    ) -> None:
        """``at_most`` messages a line, each with these segments more."""
        self._port, self._at_most, self._extra = port, at_most, extra
        run = next(_runs)
        self._visits = tuple(f"S{run}L{line}" for line in range(lines))
        self._is_over = threading.Event()
        self.acknowledged: list[tuple[str, float]] = []
        """Control ids, and when their answer was read by the monotonic clock."""
        self.unanswered = 0
        """How often a message had to be sent once more."""
        self._threads = [
            threading.Thread(target=self._send, args=(visit,), daemon=True)
            for visit in self._visits
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Let each line end after the message in hand."""
        self._is_over.set()
        self.finish()

    def finish(self) -> None:
        """Until each line has sent all it had."""
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive()

    def wait_for(self, more: int, within: float = 30) -> float:
        """Until so many more are acknowledged; the seconds that the first of them took."""
        before, started = len(self.acknowledged), time.monotonic()
        until(lambda: len(self.acknowledged) >= before + more, within)
        return self.acknowledged[before][1] - started

    def check(self, database_url: str) -> None:
        """All that was acknowledged is kept, nothing is there twice, and each line in its order."""
        with connect(database_url, writing=False) as database, database.read() as tx:
            kept = tx.execute(text("select control_id from journal order by id")).scalars().all()
            taken = tx.execute(text("select entry from stay_event")).scalars().all()
            events = tx.execute(text(_EVENTS)).scalars().all()
        names = [name for name, _ in self.acknowledged]
        assert set(names) - set(kept) == set()
        assert [name for name, n in Counter(kept).items() if n > 1] == []
        assert [entry for entry, n in Counter(taken).items() if n > 1] == []
        assert self._out_of_order(kept) == []
        assert self._out_of_order(events) == []

    def _out_of_order(self, names: Sequence[str]) -> list[str]:
        """Those of our messages that stand after one that its line sent later."""
        newest: dict[str, str] = {}
        found = []
        for name in names:
            visit, sent, number = name.partition("N")
            if sent and visit in self._visits:
                found += [name] if number < newest.get(visit, "") else []
                newest[visit] = max(number, newest.get(visit, ""))
        return found

    def _send(self, visit: str) -> None:
        """An admission and what changes of it, all of one stay."""
        for number in range(self._at_most):
            name = f"{visit}N{number:07}"
            message = Adt(
                trigger="A08" if number else "A01",
                at=datetime.now(UTC),
                control_id=name,
                visit=visit,
                extra=self._extra,
            ).raw()
            while not self._is_over.is_set():
                try:
                    [answer] = send_one(self._port, [message])
                except OSError:
                    self.unanswered += 1
                    self._is_over.wait(0.02)
                    continue
                assert f"MSA|AA|{name}".encode() in answer
                self.acknowledged.append((name, time.monotonic()))
                break
            if self._is_over.is_set():
                return
