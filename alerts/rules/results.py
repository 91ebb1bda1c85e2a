"""What a rule answers: what should stand, when to ask again, and why nothing is said."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from alerts.model.alert import Alert, TaskCode
from alerts.model.site import NoticeEvent


@dataclass(frozen=True, slots=True)
class Raise:
    """The whole record of what should stand.

    The rest is about a record that would begin; one that stands is kept up to date at any age.
    """

    alert: Alert
    happened_at: datetime | None = None
    """What it tells of, and how old that is by now."""
    useful_until: datetime | None = None
    """After that it is not begun any more; None: as long as the rule says so."""
    at_once: bool = False
    """It takes back or protects, and does not wait until old news has settled."""


@dataclass(frozen=True, slots=True)
class Wake:
    """Ask again then: time alone may change the answer."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Suppress:
    """It would be due, and is not said."""

    code: TaskCode | NoticeEvent
    why: str
    """In words without a person in them."""
    age: timedelta | None = None
    """Of what is too old to tell."""

    @property
    def words(self) -> str:
        """The reason as a person reads it: ``too old to tell: 80 h``."""
        return self.why if self.age is None else f"{self.why}: {self.age // _HOUR} h"


Result: TypeAlias = Raise | Wake | Suppress
TOO_OLD = "too old to tell"
WAITS = "waits until old news has settled"
_HOUR = timedelta(hours=1)


def raised(*alerts: Alert) -> tuple[Raise, ...]:
    """Each as it should stand, useful for as long as the rule says so."""
    return tuple(Raise(alert) for alert in alerts)
