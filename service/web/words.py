"""Times and numbers as people on a ward read them; London wall clock, never "3 hours ago"."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from alerts.wording import part_of_day

LONDON = ZoneInfo("Europe/London")
_SOON = 60
"""Minutes below which the time left is said too."""
_DAY_BEGINS = 9
_DAY_ENDS = 20
"""Hours between which a carer may be rung."""


@dataclass(frozen=True, slots=True)
class Clock:
    """The time that a page was printed at, and words for other times beside it."""

    now: datetime

    @property
    def today(self) -> date:
        """The day on a British wall."""
        return self.now.astimezone(LONDON).date()

    def stamp(self) -> str:
        """``Tue 24 Nov 2026, 03:12``."""
        local = self.now.astimezone(LONDON)
        return f"{local:%a} {local.day} {local:%b %Y, %H:%M}"

    def time(self, at: datetime) -> str:
        """``03:12`` today, ``Mon 17:40`` within the week, else ``Mon 16 Nov 17:40``."""
        local = at.astimezone(LONDON)
        if local.date() == self.today:
            return f"{local:%H:%M}"
        if abs(local.date() - self.today) < timedelta(days=6):
            return f"{local:%a %H:%M}"
        return f"{local:%a} {local.day} {local:%b %H:%M}"

    def due(self, at: datetime) -> str:
        """``By 12:00 today``, ``By 17:00 on Wed 25 Nov`` or ``Overdue since 21:40 Mon``."""
        local = at.astimezone(LONDON)
        if at < self.now:
            return f"Overdue since {self._with_day(local)}"
        minutes = (at - self.now) // timedelta(minutes=1)
        if minutes < _SOON:
            return f"By {local:%H:%M}, in {minutes} minute{'' if minutes == 1 else 's'}"
        if local.date() == self.today:
            return f"By {local:%H:%M} today"
        return f"By {local:%H:%M} on {local:%a} {local.day} {local:%b}"

    def ring_from(self) -> str:
        """The first hour at which a carer may be rung, nothing while it is such an hour."""
        hour = self.now.astimezone(LONDON).hour
        if hour < _DAY_BEGINS:
            return "Ring from 09:00"
        return "Ring from 09:00 tomorrow" if hour >= _DAY_ENDS else ""

    def _with_day(self, local: datetime) -> str:
        if local.date() == self.today:
            return f"{local:%H:%M}"
        if abs(local.date() - self.today) < timedelta(days=6):
            return f"{local:%H:%M %a}"
        return f"{local:%H:%M %a} {local.day} {local:%b}"

    def is_today(self, at: datetime) -> bool:
        """On the day on a British wall."""
        return at.astimezone(LONDON).date() == self.today

    def is_late(self, at: datetime | None) -> bool:
        """The time is past."""
        return at is not None and at < self.now

    def day(self, on: date) -> str:
        """``today, Tue 24 November``, ``tomorrow, Wed 25 November`` or ``Thu 26 November``."""
        words = f"{on:%a} {on.day} {on:%B}"
        if on == self.today:
            return f"today, {words}"
        if on == self.today + timedelta(days=1):
            return f"tomorrow, {words}"
        return words

    def short_day(self, on: date) -> str:
        """``Tue 24 Nov``."""
        return f"{on:%a} {on.day} {on:%b}"

    def exact(self, at: datetime) -> str:
        """``Mon 23 Nov 17:40:02``, for engineers."""
        local = at.astimezone(LONDON)
        return f"{local:%a} {local.day} {local:%b %H:%M:%S}"

    def half_day(self, at: datetime) -> str:
        """``Fri 20 Nov, afternoon``: what a centre may know of the hour."""
        local = at.astimezone(LONDON)
        return f"{local:%a} {local.day} {local:%b}, {part_of_day(local.time())}"


def age(born: date | None, today: date) -> str:
    """Whole years, or nothing."""
    if born is None:
        return ""
    return str(today.year - born.year - ((today.month, today.day) < (born.month, born.day)))


def spaced(number: str) -> str:
    """``999 000 1022``: ten digits as people read them aloud."""
    return f"{number[:3]} {number[3:6]} {number[6:]}" if len(number) == 10 else number


def parsed(text: str) -> datetime | None:
    """A time as a form's datetime-local sends it, London wall clock; None if it is none."""
    try:
        local = datetime.fromisoformat(text)
        return local.replace(tzinfo=local.tzinfo or LONDON).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
