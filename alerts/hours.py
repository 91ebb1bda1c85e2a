"""Calendar arithmetic: local days, working days of each nation, and deadlines over DST nights."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from holidays import country_holidays

from alerts.model.site import Nation

LONDON = ZoneInfo("Europe/London")
_SATURDAY = 5


def working_deadline(
    start: datetime, days: int, nation: Nation, ends_at_hour: float = 17
) -> datetime:
    """The end of the n-th working day after the local day of ``start``, in UTC."""
    on = local_date(start)
    for _ in range(days):
        on = _next_working_day(on, nation)
    return at_hour(on, ends_at_hour)


def is_working_day(on: date, nation: Nation) -> bool:
    """Monday to Friday and no bank holiday of that nation."""
    return on.weekday() < _SATURDAY and on not in _bank_holidays(nation, on.year)


def end_of_next_day(start: datetime) -> datetime:
    """23:59 local on the day after the local day of ``start``, in UTC."""
    return _utc(local_date(start) + timedelta(days=1), time(23, 59))


def noon_of(on: date) -> datetime:
    """12:00 local on that day, in UTC: a planned date without an hour counts to noon."""
    return at_hour(on, 12)


def at_hour(on: date, hour: float) -> datetime:
    """That local hour of that day, in UTC; 16.5 is half past four."""
    whole, minutes = divmod(round(hour * 60), 60)
    return _utc(on, time(whole, minutes))


def local_date(at: datetime) -> date:
    """The day that a clock on a British wall shows at that instant."""
    return at.astimezone(LONDON).date()


def local(at: datetime) -> datetime:
    """The same instant as a clock on a British wall shows it."""
    return at.astimezone(LONDON)


def _next_working_day(on: date, nation: Nation) -> date:
    on += timedelta(days=1)
    while not is_working_day(on, nation):
        on += timedelta(days=1)
    return on


def _utc(on: date, at: time) -> datetime:
    return datetime.combine(on, at, LONDON).astimezone(UTC)


@lru_cache(maxsize=64)
def _bank_holidays(nation: Nation, year: int) -> frozenset[date]:
    return frozenset(country_holidays("GB", subdiv=nation.value, years=year))
