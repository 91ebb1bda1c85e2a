"""Time stamps: precision, offsets, both nights of the clock change, impossible dates."""

from datetime import UTC, date, datetime

import pytest

from mapping.hl7.times import ClockChange, birth_date, day, instant

ARRIVED = datetime(2026, 3, 2, 10, 15, 3, tzinfo=UTC)

NONE, TWICE, SKIPPED = ClockChange.NONE, ClockChange.TWICE, ClockChange.SKIPPED

STAMPS = [
    # sent, UTC, clock change, comment
    ("2026", "2026-01-01T00:00:00", NONE, "year alone"),
    ("202607", "2026-06-30T23:00:00", NONE, "month alone, summer"),
    ("20260302", "2026-03-02T00:00:00", NONE, "day"),
    ("2026030210", "2026-03-02T10:00:00", NONE, "hour"),
    ("202603021015", "2026-03-02T10:15:00", NONE, "minute"),
    ("20260702101530", "2026-07-02T09:15:30", NONE, "summer time"),
    ("20260302101530.25", "2026-03-02T10:15:30.250000", NONE, "fraction"),
    ("20260302101530.1234567", "2026-03-02T10:15:30.123456", NONE, "finer than we keep"),
    ("20260302101530+0100", "2026-03-02T09:15:30", NONE, "the offset wins"),
    ("20260702101530-0500", "2026-07-02T15:15:30", NONE, "the offset wins in summer"),
    ("20260329005959", "2026-03-29T00:59:59", NONE, "last second before the skipped hour"),
    ("20260329010000", "2026-03-29T01:00:00", SKIPPED, "E7: 01:00 did not exist"),
    ("20260329013000", "2026-03-29T01:30:00", SKIPPED, "E7: moved to 02:30 BST"),
    ("20260329015959", "2026-03-29T01:59:59", SKIPPED, "E7: last second of the gap"),
    ("20260329020000", "2026-03-29T01:00:00", NONE, "first second after the gap"),
    ("20260329013000+0000", "2026-03-29T01:30:00", NONE, "an offset settles it"),
    ("20261025005959", "2026-10-24T23:59:59", NONE, "last second before the hour that is twice"),
    ("20261025020000", "2026-10-25T02:00:00", NONE, "first second after it"),
    ("20261025013000+0100", "2026-10-25T00:30:00", NONE, "an offset settles it"),
]


@pytest.mark.parametrize(("sent", "utc", "change", "comment"), STAMPS)
def test_a_stamp_becomes_utc(sent, utc, change, comment):
    found = instant(sent, ARRIVED)
    assert found is not None, comment
    assert found.at == datetime.fromisoformat(utc + "+00:00"), comment
    assert found.at.tzinfo is UTC, comment
    assert found.change is change, comment


TWICE_CASES = [
    # sent, arrived at (UTC), read as (UTC), comment
    ("20261025013000", "2026-10-25T00:31:00", "2026-10-25T00:30:00", "E6: arrived in summer time"),
    ("20261025013000", "2026-10-25T01:31:00", "2026-10-25T01:30:00", "E6: arrived in winter time"),
    ("20261025010000", "2026-10-25T00:00:00", "2026-10-25T00:00:00", "first second"),
    ("20261025015959", "2026-10-25T02:00:00", "2026-10-25T01:59:59", "last second"),
    ("20261025013000", "2026-10-25T01:00:00", "2026-10-25T00:30:00", "equally near: the earlier"),
    ("20261025013000", "2026-10-25T01:00:01", "2026-10-25T01:30:00", "one second nearer the later"),
    ("20271031013000", "2027-10-31T01:31:00", "2027-10-31T01:30:00", "E6: the year after"),
]


@pytest.mark.parametrize(("sent", "arrived", "utc", "comment"), TWICE_CASES)
def test_the_hour_that_comes_twice_is_read_nearest_to_the_arrival(sent, arrived, utc, comment):
    found = instant(sent, datetime.fromisoformat(arrived + "+00:00"))
    assert found is not None
    assert (found.at, found.change) == (datetime.fromisoformat(utc + "+00:00"), TWICE), comment


PRECISION = [
    ("2026", False, False),
    ("202603", False, False),
    ("20260302", True, False),
    ("2026030210", True, True),
]


@pytest.mark.parametrize(("sent", "has_day", "has_hour"), PRECISION)
def test_precision_is_kept(sent, has_day, has_hour):
    found = instant(sent, ARRIVED)
    assert found is not None
    assert (found.has_day, found.has_hour) == (has_day, has_hour)


IMPOSSIBLE = [
    ("20260231", "31 February"),
    ("20261301", "month 13"),
    ("2026030225", "hour 25"),
    ("2026030224", "hour 24"),
    ("202603021060", "minute 60"),
    ("20260302101560", "second 60"),
    ("00000000", "zeros"),
    ("20260302101530+1401", "no place is 14:01 from UTC"),
    ("20260302101530+0160", "an offset of sixty minutes"),
    ("20260302101530Z", "not HL7"),
    ("2026-03-02", "not HL7"),
    ("202603021", "odd digits"),
    ("\uff12\uff10\uff12\uff16", "full-width digits"),
    ("20260302\n", "a line feed at the end"),
    ("0001010100+1400", "before the calendar begins"),
    ("", "nothing"),
    ("soon", "words"),
]


@pytest.mark.parametrize(("sent", "comment"), IMPOSSIBLE)
def test_what_names_no_moment_is_none_and_never_an_error(sent, comment):
    assert instant(sent, ARRIVED) is None, comment


BIRTHS = [
    # sent, arrived at, date, comment
    ("19430212", "2026-03-02T10:15:00", date(1943, 2, 12), "plain"),
    ("19430212103000+0100", "2026-03-02T10:15:00", date(1943, 2, 12), "only the date part"),
    ("18800101", "2026-03-02T10:15:00", date(1880, 1, 1), "the earliest"),
    ("18791231", "2026-03-02T10:15:00", None, "one day too early"),
    ("18500101", "2026-03-02T10:15:00", None, "D7"),
    ("20260302", "2026-03-02T10:15:00", date(2026, 3, 2), "born today"),
    ("20260303", "2026-03-02T10:15:00", None, "born tomorrow"),
    ("20260702", "2026-07-01T23:30:00", date(2026, 7, 2), "it is tomorrow in London already"),
    ("20260702", "2026-07-01T22:30:00", None, "it is not yet"),
    ("194302", "2026-03-02T10:15:00", None, "no day"),
    ("19430230", "2026-03-02T10:15:00", None, "30 February"),
]


@pytest.mark.parametrize(("sent", "arrived", "born", "comment"), BIRTHS)
def test_a_birth_date_is_a_possible_date_or_none(sent, arrived, born, comment):
    assert birth_date(sent, datetime.fromisoformat(arrived + "+00:00")) == born, comment


def test_a_day_is_read_as_written_whatever_the_offset():
    assert day("20260302233000-0500") == date(2026, 3, 2)
