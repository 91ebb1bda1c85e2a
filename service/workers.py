"""The loops of each role, their signals and their patience."""

import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

import structlog

from alerts.store.stays import OpenedMeanwhile
from service.batches import TOGETHER, process_batch
from service.database import DatabaseError
from service.deciding import decide_next, go_on
from service.dispatch import Hand, Outlet, deliver_next
from service.pipeline import BATCH, Hold, Line, Progress, set_aside, wake_next

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


@dataclass(slots=True)
class Alarm:
    """Asks whose time has come now and then, and not after each of many small batches."""

    at: float = 0.0

    def ask(self, line: Line, progress: Progress) -> int:
        """Wake them, and decide what is asked for, if it is time to ask; how many."""
        if monotonic() < self.at:
            return 0
        woken = wake_next(line, progress)
        asked = decide_next(line, progress) or int(go_on(line))
        is_alone = progress.requests_alone or progress.wakes_alone
        if woken < BATCH and not asked and not is_alone:
            self.at = monotonic() + IDLE
        return woken + asked


def work(
    line: Line, bell: Bell, rung_for_delivery: Callable[[], None], hold: Hold | None = None
) -> None:
    """Take entries in journal order and fire what is due, until told to stop."""
    progress, alarm, is_asking = Progress(), Alarm(), False
    while not bell.stopped.is_set():
        try:
            is_asking = False
            set_aside(line, progress, hold)
            done = process_batch(line, progress, hold=hold)
            is_asking = True
            woken = alarm.ask(line, progress)
        except (DatabaseError, OpenedMeanwhile) as failure:
            # Nothing was kept, and nothing is wrong with the entry: the same batch again.
            log.warning("work_interrupted", error=type(failure).__name__)
            progress = Progress()
            bell.stopped.wait(PAUSE_AFTER_FAILURE)
            continue
        except Exception as failure:  # noqa: BLE001 - one of five: set aside what failed, go on
            log.error(
                "entry_failed", entry_id=progress.entry, stay_id=progress.stay, failure=failure
            )
            progress.failure = failure
            is_known = progress.entry is not None or progress.stay is not None
            if not is_known and not is_asking and not progress.alone:
                progress.alone = BATCH
                continue
            bell.stopped.wait(0 if is_known else PAUSE_AFTER_FAILURE)
            continue
        if progress.has_news or woken:
            progress.has_news = False
            rung_for_delivery()
        if done < TOGETHER and not woken and not progress.alone:
            bell.wait()


def deliver(line: Line, outlet: Outlet, bell: Bell) -> None:
    """Carry what waits for one destination, until told to stop."""
    hand = Hand()
    while not bell.stopped.is_set():
        try:
            done = deliver_next(line, outlet, hand)
        except Exception as failure:  # noqa: BLE001 - one of five: put back, then go on
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
