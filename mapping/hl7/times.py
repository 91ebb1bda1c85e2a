"""HL7 time stamps to aware UTC, and dates; a stamp without an offset is local time."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")

_STAMP = re.compile(
    r"(\d{4})(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:\.(\d{1,6})\d*)?)?)?)?)?)?"
    r"(?:([+-])(\d\d)(\d\d))?",
    re.ASCII,
)
_FURTHEST = timedelta(hours=14)
"""No place is further from UTC."""
_LONGEST = 40
_EARLIEST_BIRTH = date(1880, 1, 1)


class ClockChange(StrEnum):
    """What the clock change made of a stamp."""

    NONE = "none"
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
    """False too for 00:00:00 without an offset: many senders fill up a date so."""
    change: ClockChange = ClockChange.NONE


def instant(raw: str, arrived_at: datetime, zone: ZoneInfo = LONDON) -> Instant | None:
    """The moment that an HL7 TS or DTM names, or None where there is no such moment."""
    found = _read(raw, zone) if len(raw) <= _LONGEST else None
    if not isinstance(found, _Shown):
        return found
    try:
        at, change = _on_changed_day(found.clock, arrived_at, zone)
    except OverflowError:
        return None
    return Instant(at, found.has_day, found.has_hour, change)


@dataclass(frozen=True, slots=True)
class _Shown:
    """What a stamp shows: UTC where it had an offset, else the hands of a local clock."""

    clock: datetime
    is_utc: bool
    has_day: bool
    has_hour: bool


@lru_cache(maxsize=4096)  # the same stamps come in MSH-7, EVN-2 and all messages of a stay
def _read(raw: str, zone: ZoneInfo) -> Instant | _Shown | None:
    """The moment; what the clock shows on a day that changes it, for then the arrival counts."""
    shown = _shown(raw)
    if shown is None:
        return None
    clock = shown.clock
    if shown.is_utc:
        return Instant(clock, shown.has_day, shown.has_hour)
    try:
        offset = _offset_of_day(clock.year, clock.month, clock.day, zone)
        return shown if offset is None else Instant(clock - offset, shown.has_day, shown.has_hour)
    except OverflowError:
        return None


def _shown(raw: str) -> _Shown | None:
    found = _STAMP.fullmatch(raw)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, sign, hours, minutes = found.groups()
    try:
        clock = datetime(
            int(year),
            int(month or 1),
            int(day or 1),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            int(fraction.ljust(6, "0")) if fraction else 0,
            UTC,
        )
        if sign:
            away = timedelta(hours=int(hours), minutes=int(minutes))
            if int(minutes) > 59 or away > _FURTHEST:
                return None
            clock = clock - away if sign == "+" else clock + away
    except (ValueError, OverflowError):
        return None
    has_hour = hour is not None and (
        sign is not None or any((clock.hour, clock.minute, clock.second))
    )
    return _Shown(clock, sign is not None, day is not None, has_hour)


def _on_changed_day(
    clock: datetime, arrived_at: datetime, zone: ZoneInfo
) -> tuple[datetime, ClockChange]:
    """What a clock of that zone that shows this means in UTC."""
    early, late = (clock - _offset(clock, fold, zone) for fold in (0, 1))
    if early == late:
        return early, ClockChange.NONE
    if early > late:
        # The skipped hour: read with the offset before the change, it lands one hour on.
        return early, ClockChange.SKIPPED
    return min((early, late), key=lambda at: abs(at - arrived_at)), ClockChange.TWICE


@lru_cache(maxsize=4096)
def _offset_of_day(year: int, month: int, day: int, zone: ZoneInfo) -> timedelta | None:
    """The zone's offset, or None on a day with a clock change."""
    midnight = datetime(year, month, day, tzinfo=UTC)
    evening = midnight.replace(hour=23, minute=59)
    first, last = _offset(midnight, 0, zone), _offset(evening, 1, zone)
    return first if first == last else None


def _offset(clock: datetime, fold: int, zone: ZoneInfo) -> timedelta:
    return clock.replace(tzinfo=zone, fold=fold).utcoffset() or timedelta(0)


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
    if born is None or born < _EARLIEST_BIRTH:
        return None
    # London is never behind UTC, so most dates need no conversion.
    return born if born <= arrived_at.date() or born <= london_date(arrived_at) else None


def london_date(at: datetime) -> date:
    """The date in London at that moment."""
    return at.astimezone(LONDON).date()


def local_date(at: datetime, zone: ZoneInfo) -> date:
    """The date in that zone at that moment."""
    return at.astimezone(zone).date()
