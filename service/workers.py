"""The loops of each role, their signals and their patience."""

import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from ingest import journal
from service.database import Rank
from service.dispatch import Hand, Outlet, deliver_next
from service.pipeline import Line, Progress, process_batch, wake_next

log = structlog.get_logger()

IDLE = 0.2
"""Seconds a loop waits for a bell before it looks again."""
PAUSE_AFTER_FAILURE = 1.0


@dataclass(frozen=True, slots=True)
class Bell:
    """Rung when there may be work; stop asks the loops to end."""

    rung: threading.Event = field(default_factory=threading.Event)
    stopped: threading.Event = field(default_factory=threading.Event)

    def ring(self) -> None:
        """There may be work."""
        self.rung.set()

    def stop(self) -> None:
        """Finish what is in hand and end."""
        self.stopped.set()
        self.rung.set()

    def wait(self, seconds: float = IDLE) -> None:
        """Until somebody rings or the time is up."""
        self.rung.wait(seconds)
        self.rung.clear()


def work(line: Line, bell: Bell, rung_for_delivery: Callable[[], None]) -> None:
    """Take entries in journal order and fire what is due, until told to stop."""
    progress = Progress()
    while not bell.stopped.is_set():
        try:
            progress.entry = None
            done = process_batch(line, progress) + wake_next(line)
        except Exception as failure:  # noqa: BLE001 - one of three: park what failed and go on
            _park(line, progress, failure)
            bell.stopped.wait(PAUSE_AFTER_FAILURE if progress.entry is None else 0)
            continue
        if done:
            rung_for_delivery()
        else:
            bell.wait()


def deliver(line: Line, outlet: Outlet, bell: Bell) -> None:
    """Carry what waits for one destination, until told to stop."""
    hand = Hand()
    while not bell.stopped.is_set():
        try:
            done = deliver_next(line, outlet, hand)
        except Exception as failure:  # noqa: BLE001 - one of three: put back, then go on
            hand.failure = failure
            log.error("delivery_failed", channel=outlet.destination, failure=failure)
            bell.stopped.wait(PAUSE_AFTER_FAILURE)
            continue
        if not done:
            bell.wait()


def until_told_to_stop() -> None:
    """Sleep in the main thread until SIGTERM or SIGINT."""
    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    while not told.wait(1.0):
        pass


def _park(line: Line, progress: Progress, failure: Exception) -> None:
    """A bug met this entry: park it alone, in a transaction of its own."""
    log.error("entry_failed", entry_id=progress.entry, failure=failure)
    if progress.entry is None:
        return
    with line.database.write(Rank.WORK) as tx:
        journal.park(
            tx, progress.entry, f"fault in the service: {type(failure).__name__}", line.now()
        )
