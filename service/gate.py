"""The gate before the one writing connection: who may write next, by rank, then by arrival."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import IntEnum


class Rank(IntEnum):
    """Who goes first; the lowest number does."""

    ACK = 0
    """A hospital waits for its answer."""
    WORK = 1
    """Entries, clocks and parcels."""
    PAGE = 2
    """A person's entry."""
    LATER = 3
    """What may wait for all others: a register that is taken in, stays that are decided again."""


PATIENCE = 4
"""How often others may be let in before somebody who came earlier."""


@dataclass(slots=True, eq=False)
class _Waiter:
    rank: Rank
    arrival: int
    passed_over: int = 0
    let_in: threading.Event = field(default_factory=threading.Event)

    def order(self) -> tuple[int, int]:
        return (-1 if self.passed_over >= PATIENCE else self.rank, self.arrival)


class Gate:
    """Lets one thread in at a time; who leaves hands over, so nobody slips in between."""

    def __init__(self) -> None:
        """Open."""
        self._lock = threading.Lock()
        self._inside: Rank | None = None
        self._holder: int | None = None
        self._waiting: list[_Waiter] = []
        self._arrivals = 0

    @contextmanager
    def hold(self, rank: Rank) -> Iterator[None]:
        """Wait for one's turn and keep it for the length of the block."""
        self._enter(rank)
        self._holder = threading.get_ident()
        try:
            yield
        finally:
            self._leave()

    def wanted(self) -> bool:
        """Somebody of another rank than the one inside waits, who is not to wait for all others."""
        others = {self._inside, Rank.LATER}
        return any(waiter.rank not in others for waiter in tuple(self._waiting))

    def is_taken(self) -> bool:
        """Somebody is inside."""
        return self._inside is not None

    def _enter(self, rank: Rank) -> None:
        with self._lock:
            if self._holder == threading.get_ident():
                raise RuntimeError("one write inside another: pass the transaction on instead")
            if self._inside is None:
                self._inside = rank
                return
            self._arrivals += 1
            waiter = _Waiter(rank, self._arrivals)
            self._waiting.append(waiter)
        try:
            waiter.let_in.wait()
        except KeyboardInterrupt:
            self._go_away(waiter)
            raise

    def _leave(self) -> None:
        with self._lock:
            self._holder = None
            if not self._waiting:
                self._inside = None
                return
            chosen = min(self._waiting, key=_Waiter.order)
            self._waiting.remove(chosen)
            for waiter in self._waiting:
                waiter.passed_over += waiter.arrival < chosen.arrival
            self._inside = chosen.rank
            chosen.let_in.set()

    def _go_away(self, waiter: _Waiter) -> None:
        with self._lock:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
                return
        self._leave()
