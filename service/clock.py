"""The one place that reads the wall clock, and what is believed of it."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import structlog

log = structlog.get_logger()

Clock: TypeAlias = Callable[[], datetime]

STEP = timedelta(seconds=60)
"""What NTP slews or a leap second moves is less; more is a step."""
BELIEVED_AFTER = 1800.0
"""Seconds a step has to stand: NTP asks every 1,024 s at the latest, and then mends a false one."""


def utc_now() -> datetime:
    """This moment, aware, in UTC."""
    return datetime.now(UTC)


def elapsed() -> float:
    """Seconds that nobody can set, those of a machine asleep included where it tells them."""
    kind = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(kind)


class SteadyClock:
    """The wall clock; one that jumps is not followed before it has stood where it is for a while.

    So no rule fires for a day that is not here yet, and nothing is put off until one that is not.
    """

    def __init__(self, wall: Clock = utc_now, passed: Callable[[], float] = elapsed) -> None:
        """It begins with what the wall clock says."""
        self._wall, self._passed = wall, passed
        self._lock = threading.Lock()
        self._believed, self._at = wall(), passed()
        self._step = timedelta(0)
        self._stepped_at = 0.0

    def __call__(self) -> datetime:
        """This moment, aware, in UTC."""
        with self._lock:
            wall, passed = self._wall(), self._passed()
            now = self._believed + timedelta(seconds=passed - self._at)
            step = wall - now
            if abs(step) > STEP and not self._has_stood(step, passed):
                return now
            self._tell_end()
            self._believed, self._at, self._step = wall, passed, timedelta(0)
            return wall

    def step(self) -> float:
        """Seconds from the time that is believed to what the wall clock says; 0: they agree."""
        self()
        return self._step.total_seconds()

    def _has_stood(self, step: timedelta, passed: float) -> bool:
        if abs(step - self._step) > STEP:  # it has moved, or moved again
            self._step, self._stepped_at = step, passed
            log.error("clock_stepped", reason=f"{step.total_seconds():+.0f} s, not believed yet")
        return passed - self._stepped_at >= BELIEVED_AFTER

    def _tell_end(self) -> None:
        if self._step:
            log.warning("clock_believed", reason="it agrees again, or has stood for half an hour")


def step_of(clock: Clock) -> float:
    """How far a clock is from what the machine says, in seconds."""
    return clock.step() if isinstance(clock, SteadyClock) else 0.0
