"""HL7 time stamps to aware UTC, and dates; a stamp without an offset is London time."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")

_STAMP = re.compile(
    r"(\d{4})(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:\.(\d{1,6})\d*)?)?)?)?)?)?"
    r"(?:([+-])(\d\d)(\d\d))?",
    re.ASCII,
)
_EARLIEST_BIRTH = date(1880, 1, 1)


class Clock(StrEnum):
    """What the clock change made of a stamp."""

    PLAIN = "plain"
    TWICE = "twice"
    """The hour came twice that night; the reading nearest to the arrival was taken."""
    SKIPPED = "skipped"
    """The hour did not exist that night; it was moved forward."""


@dataclass(frozen=True, slots=True)
class Instant:
    """A moment in UTC and how exactly it was sent."""

    at: datetime
    has_day: bool
    """False for a bare year or month: ``at`` is its first moment."""
    has_hour: bool
    clock: Clock = Clock.PLAIN


def instant(raw: str, arrived_at: datetime) -> Instant | None:
    """The moment that an HL7 TS or DTM names, or None where there is no such moment."""
    found = _STAMP.fullmatch(raw)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, sign, hours, minutes = found.groups()
    try:
        local = datetime(  # noqa: DTZ001 - the zone follows
            int(year),
            int(month or 1),
            int(day or 1),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            int(fraction.ljust(6, "0")) if fraction else 0,
        )
        if sign:
            away = timedelta(hours=int(hours), minutes=int(minutes))
            zone = timezone(away if sign == "+" else -away)
            at, clock = local.replace(tzinfo=zone).astimezone(UTC), Clock.PLAIN
        else:
            at, clock = _from_london(local, arrived_at)
    except (ValueError, OverflowError):
        return None
    return Instant(at, day is not None, hour is not None, clock)


def _from_london(local: datetime, arrived_at: datetime) -> tuple[datetime, Clock]:
    first = local.replace(tzinfo=LONDON)
    second = first.replace(fold=1)
    early, late = first.utcoffset(), second.utcoffset()
    if early == late or early is None or late is None:
        return first.astimezone(UTC), Clock.PLAIN
    if early < late:
        # The skipped hour: read with the offset before the change, it lands one hour on.
        return first.astimezone(UTC), Clock.SKIPPED
    readings = (first.astimezone(UTC), second.astimezone(UTC))
    return min(readings, key=lambda at: abs(at - arrived_at)), Clock.TWICE


def day(raw: str) -> date | None:
    """The calendar date in front of a stamp, as written, or None where there is no such date."""
    found = _STAMP.fullmatch(raw)
    if found is None or found[3] is None:
        return None
    try:
        return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return None


def birth_date(raw: str, arrived_at: datetime) -> date | None:
    """A date of birth, or None where it is before 1880, in the future or no date."""
    born = day(raw)
    if born is None or not _EARLIEST_BIRTH <= born <= london_date(arrived_at):
        return None
    return born


def london_date(at: datetime) -> date:
    """The date in London at that moment."""
    return at.astimezone(LONDON).date()
