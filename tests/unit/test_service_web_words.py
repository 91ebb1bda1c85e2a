"""Times as people on a ward read them, and how to reach a carer."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from service.web.contact import how, reach, who
from service.web.words import Clock, age, parsed, spaced
from tests.support.people import JEAN, a_registration

# Tuesday 24 November 2026, 03:12 on a British wall.
CLOCK = Clock(datetime(2026, 11, 24, 3, 12, tzinfo=UTC))


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("due", "words"),
    [
        (at(24, 12), "By 12:00 today"),
        (at(25, 17), "By 17:00 on Wed 25 Nov"),
        (at(24, 4, 11), "By 04:11, in 59 minutes"),
        (at(24, 4, 12), "By 04:12 today"),
        (at(24, 3, 13), "By 03:13, in 1 minute"),
        (at(24, 3, 12), "By 03:12, in 0 minutes"),
        (at(24, 3, 11), "Overdue since 03:11"),
        (at(23, 21, 40), "Overdue since 21:40 Mon"),
        (at(16, 9), "Overdue since 09:00 Mon 16 Nov"),
    ],
)
def test_a_deadline_is_said_as_clock_time_and_below_an_hour_in_minutes_too(
    due: datetime, words: str
):
    assert CLOCK.due(due) == words


def test_summer_time_is_british():
    clock = Clock(datetime(2026, 7, 1, 10, tzinfo=UTC))
    assert clock.stamp() == "Wed 1 Jul 2026, 11:00"
    assert clock.time(datetime(2026, 6, 30, 23, 30, tzinfo=UTC)) == "00:30"


@pytest.mark.parametrize(
    ("hour", "words"),
    [
        (3, "Ring from 09:00"),
        (8, "Ring from 09:00"),
        (9, ""),
        (19, ""),
        (20, "Ring from 09:00 tomorrow"),
    ],
)
def test_nobody_is_rung_at_night(hour: int, words: str):
    assert Clock(at(24, hour)).ring_from() == words


def test_days_near_are_named():
    assert CLOCK.day(date(2026, 11, 24)) == "today, Tue 24 November"
    assert CLOCK.day(date(2026, 11, 25)) == "tomorrow, Wed 25 November"
    assert CLOCK.day(date(2026, 11, 26)) == "Thu 26 November"
    assert CLOCK.half_day(at(23, 11, 59)) == "Mon 23 Nov, morning"
    assert CLOCK.half_day(at(23, 12)) == "Mon 23 Nov, afternoon"


def test_an_age_counts_whole_years():
    assert age(date(1948, 11, 24), CLOCK.today) == "78"
    assert age(date(1948, 11, 25), CLOCK.today) == "77"
    assert age(None, CLOCK.today) == ""


def test_a_number_is_read_aloud_in_threes():
    assert spaced("9990000018") == "999 000 0018"
    assert spaced("A1") == "A1"


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01T00:00"])
def test_a_time_that_is_none_is_none(text: str):
    assert parsed(text) is None


def test_a_typed_time_is_british():
    assert parsed("2026-07-01T11:00") == datetime(2026, 7, 1, 10, tzinfo=UTC)


CARERS = [
    # changes, on the ward's list, in the centre's inbox
    ({}, "Phone 07700 900123", "Phone 07700 900123"),
    ({"contact_by": "sms"}, "Text 07700 900123", "Text 07700 900123"),
    ({"contact_by": "letter"}, "By letter only", "By letter only"),
    ({"contact_by": "email", "email": "j@x.example"}, "E-mail j@x.example", "E-mail j@x.example"),
    ({"contact_times": "from 09:00"}, "Phone 07700 900123, from 09:00", "Phone 07700 900123"),
    (
        {"language": "ur", "format": "large-print"},
        "Phone 07700 900123. Large print letters. Urdu interpreter",
        "Phone 07700 900123. Large print letters. Urdu interpreter",
    ),
    ({"language": "en-GB"}, "Phone 07700 900123", "Phone 07700 900123"),
    ({"phone": None}, "", "Look in your register"),
    (
        {"format": "bsl", "phone": None},
        "BSL user. BSL interpreter",
        "BSL user. Do not ring. Book an interpreter",
    ),
    (
        {"is_young": True},
        "Young carer: ask your team before you contact them",
        "Do not contact Jean directly",
    ),
]


@pytest.mark.parametrize(("changes", "ward", "centre"), CARERS)
def test_how_a_carer_is_reached(changes: dict[str, object], ward: str, centre: str):
    carer = replace(JEAN.carer, **changes)
    assert reach(carer) == ward
    assert how(carer) == centre


def test_a_young_carer_is_reached_through_who_supports_them():
    young = replace(JEAN.carer, is_young=True)
    assert who(a_registration(carer=young)) == "The young carer’s support worker, for Jean"
    assert who(JEAN) == "Jean Carswell"
