"""A clock that jumps is not followed at once, and one that drifts is."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from service.clock import BELIEVED_AFTER, STEP, SteadyClock, elapsed, step_of, utc_now
from service.web.attempts import TRIES, WITHIN, Attempts

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@dataclass
class Machine:
    """A wall clock that anybody may set, and time, which only passes."""

    wall: datetime = NOON
    passed: float = 1_000.0

    def wait(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.passed += seconds

    def steady(self) -> SteadyClock:
        return SteadyClock(lambda: self.wall, lambda: self.passed)


@pytest.fixture
def machine() -> Machine:
    return Machine()


def test_time_passes(machine: Machine) -> None:
    clock = machine.steady()
    machine.wait(86_400)
    assert clock() == NOON + DAY
    assert clock.step() == 0


@pytest.mark.parametrize("step", [DAY, -DAY, STEP + timedelta(seconds=1)])
def test_a_step_is_not_believed_and_time_goes_on(machine: Machine, step: timedelta) -> None:
    clock = machine.steady()
    machine.wall += step
    machine.wait(60)
    assert clock() == NOON + timedelta(seconds=60)
    assert clock.step() == step.total_seconds()


@pytest.mark.parametrize("step", [DAY, -DAY])
def test_a_step_that_is_undone_has_never_been(machine: Machine, step: timedelta) -> None:
    clock = machine.steady()
    with capture_logs() as logged:
        machine.wall += step
        machine.wait(BELIEVED_AFTER - 1)
        assert clock() == clock() == NOON + timedelta(seconds=BELIEVED_AFTER - 1)
        machine.wall -= step
        machine.wait(10)
        assert clock() == machine.wall
    assert clock.step() == 0
    assert [line["event"] for line in logged] == ["clock_stepped", "clock_believed"]


@pytest.mark.parametrize("step", [DAY, -DAY])
def test_a_step_that_stands_is_believed_in_the_end(machine: Machine, step: timedelta) -> None:
    clock = machine.steady()
    machine.wall += step
    assert clock() == NOON
    machine.wait(BELIEVED_AFTER)
    assert clock() == machine.wall == NOON + step + timedelta(seconds=BELIEVED_AFTER)
    machine.wait(1)
    assert clock() == machine.wall


def test_a_clock_that_jumps_about_is_not_believed(machine: Machine) -> None:
    clock = machine.steady()
    for hours in (1, -5, 24):
        machine.wall += timedelta(hours=hours)
        clock()
        machine.wait(BELIEVED_AFTER - 1)
    assert clock() == NOON + timedelta(seconds=3 * (BELIEVED_AFTER - 1))


def test_a_clock_that_drifts_is_followed(machine: Machine) -> None:
    clock = machine.steady()
    for _ in range(100):
        machine.wall += timedelta(seconds=5)
        machine.wait(60)
        assert clock() == machine.wall
    machine.wall += STEP
    assert clock() == machine.wall


def test_the_machines_own_clocks_agree() -> None:
    clock, before = SteadyClock(), elapsed()
    assert abs(clock() - utc_now()) < timedelta(seconds=5)
    assert step_of(clock) == step_of(utc_now) == 0
    assert elapsed() >= before


def test_a_clock_set_back_keeps_nobody_out_of_the_pages() -> None:
    attempts = Attempts()
    for _ in range(TRIES):
        attempts.failed("10.0.0.1", NOON)
    assert not attempts.may_try("10.0.0.1", NOON + WITHIN)
    assert attempts.may_try("10.0.0.1", NOON - DAY)
