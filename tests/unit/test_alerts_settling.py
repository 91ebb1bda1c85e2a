"""When old news has settled: each boundary from both sides (contract §7.1 "Old news")."""

from datetime import timedelta

import pytest

from alerts.policy import Policy
from alerts.settling import Pace, is_old_news, waits_until
from tests.support.desk import at

QUARTER = 0.25


@pytest.mark.parametrize(("hours", "old"), [(24, False), (24.01, True)])
def test_news_is_old_after_a_day(hours, old):
    assert is_old_news(at(0), at(hours), Policy()) is old


@pytest.mark.parametrize(
    ("pace", "until"),
    [
        (Pace(heard_at=at(0.1), fresh_at=at(0.1)), None),  # caught up
        (Pace(heard_at=at(0.2), fresh_at=at(-1)), 0.45),  # goes on with old news
        (Pace(heard_at=at(0.2)), 0.45),
        (Pace(heard_at=at(0)), None),  # silent since
        (Pace(), None),
        (Pace(heard_at=at(0), is_behind=True), 0.25 + QUARTER),  # more of it waits to be read
        (Pace(heard_at=at(0.1), fresh_at=at(0.1), is_behind=True), None),
        (Pace(heard_at=at(99)), 0.25 + QUARTER),  # a clock that was wrong
    ],
)
def test_it_has_settled_once_its_feed_caught_up_or_fell_silent(pace, until):
    found = waits_until(at(0), pace, at(QUARTER), Policy())
    assert found == (None if until is None else at(until))


def test_even_where_the_feed_caught_up_a_quarter_of_an_hour_has_to_pass():
    pace = Pace(heard_at=at(0.1), fresh_at=at(0.1))
    soon = at(QUARTER) - timedelta(seconds=1)
    assert waits_until(at(0), pace, soon, Policy()) == at(QUARTER)
