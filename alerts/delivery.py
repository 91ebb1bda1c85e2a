"""Carrying bytes to a recipient: what a channel is, what it may answer, and what follows."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeAlias, assert_never

from alerts.model.alert import Recipient

GIVE_UP_AFTER = 20
"""Attempts: about half a day at the pace below."""
_FIRST = 5.0
_LONGEST = 3600.0


@dataclass(frozen=True, slots=True)
class Parcel:
    """Finished bytes on their way; ``attempts`` counts the one in hand."""

    id: int
    alert: str
    kind: str
    """``Task`` or ``Communication``."""
    version: int
    recipient: Recipient
    channel: str
    payload: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Accepted:
    """The recipient has it."""

    answer: str = ""


@dataclass(frozen=True, slots=True)
class TryLater:
    """The recipient may take it later, at the earliest at ``at`` if they said so."""

    why: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The recipient will never take it as it is: a person must look."""

    why: str


Receipt: TypeAlias = Accepted | TryLater | Refused


class Channel(Protocol):
    """One way out. A repeat of the same parcel must have one effect."""

    def send(self, parcel: Parcel) -> Receipt:
        """Carry the bytes as they are; what goes wrong is an answer, not an exception."""
        ...


@dataclass(frozen=True, slots=True)
class Sent:
    """It arrived."""

    answer: str


@dataclass(frozen=True, slots=True)
class Retry:
    """It is tried again at ``at``."""

    at: datetime
    why: str


@dataclass(frozen=True, slots=True)
class GivenUp:
    """It is stuck until a person sends it again."""

    why: str


Outcome: TypeAlias = Sent | Retry | GivenUp


def after(parcel: Parcel, receipt: Receipt, now: datetime, jitter: float) -> Outcome:
    """What follows from a receipt; ``jitter`` between 0 and 1 spreads what failed together."""
    match receipt:
        case Accepted(answer):
            return Sent(answer)
        case Refused(why):
            return GivenUp(why)
        case TryLater(why, at):
            if parcel.attempts >= GIVE_UP_AFTER:
                return GivenUp(why)
            pause = min(_FIRST * 2 ** min(parcel.attempts, 10), _LONGEST) * (0.5 + jitter / 2)
            soonest = now + timedelta(seconds=pause)
            return Retry(soonest if at is None else max(soonest, at), why)
        case _:
            assert_never(receipt)
