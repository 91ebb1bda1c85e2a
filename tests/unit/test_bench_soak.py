"""The hour of steady load is compared with its fifth minute, and what has grown is named."""

from collections import defaultdict
from dataclasses import replace
from datetime import timedelta

import pytest

from bench.simulate import Traffic, messages
from bench.soak import GROWN, Minute, grown, unequal

FLAT = [Minute(number, 16_800, 2.0, 8.0, 180.0, 40, 12, 0.0, 0.1) for number in range(1, 21)]


def test_a_flat_hour_has_no_fault():
    assert grown(FLAT) == []


@pytest.mark.parametrize("name", GROWN)
def test_what_has_grown_is_named(name: str):
    more = getattr(FLAT[0], name) * 1.6
    late = [replace(minute, **{name: more}) for minute in FLAT[-3:]]
    [fault] = grown([*FLAT[:-3], *late])
    assert fault.startswith(f"{name}: ")


@pytest.mark.parametrize("settled", [99, 101])
def test_what_was_acknowledged_and_has_no_end_is_a_fault(settled: int):
    assert unequal(100, 100) == []
    assert unequal(100, settled) == [f"100 were acknowledged and {settled} brought to an end"]


def test_one_bad_minute_is_no_growth():
    assert grown([*FLAT[:-1], replace(FLAT[-1], p99_ms=900.0)]) == []


def test_at_a_faster_pace_a_stay_is_over_in_minutes():
    stays = defaultdict(list)
    for _, meaning in messages(Traffic(stays=40, pace=2_000)):
        stays[meaning.visit].append(meaning.at)
    assert max(moments[-1] - moments[0] for moments in stays.values()) < timedelta(minutes=30)
