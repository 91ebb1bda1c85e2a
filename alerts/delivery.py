"""Carrying bytes to a recipient: what a channel is, what it may answer, and what follows."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, TypeAlias, assert_never

from alerts.model.alert import Recipient, RecipientKind
from alerts.model.site import Site

GIVE_UP_AFTER = 20
"""Attempts that the recipient put off: about half a day at the pace below."""
BLAMED_AFTER = 3
"""Attempts at one parcel that found the destination away, though it took others meanwhile."""
OTHERS_FIRST = timedelta(seconds=1)
"""After a pause the parcel that met it waits for so long: if it was the cause, others go."""
_FIRST = 5.0
_LONGEST = 3600.0
LONGEST = timedelta(seconds=_LONGEST)
"""Nothing is put off for longer but by a receiver that says so, nor a destination left alone."""
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 60.0
INBOX = "inbox"
FHIR = "fhir"
SMTP = "smtp"


@dataclass(frozen=True, slots=True)
class Route:
    """The way to a recipient: its channel, and the one receiver that a fault there would stop."""

    channel: str
    destination: str


@dataclass(frozen=True, slots=True)
class Parcel:
    """Finished bytes on their way; ``attempts`` counts the one in hand.

    ``refusals`` counts how often the recipient put this parcel off, and ``etag`` is what the
    destination answered to the version it took last, empty if it has none yet.
    """

    id: int
    alert: str
    stay: str
    kind: str
    """``Task`` or ``Communication``."""
    version: int
    recipient: Recipient
    channel: str
    destination: str
    payload: str = field(repr=False)
    attempts: int
    refusals: int = 0
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The recipient has it."""

    answer: str = ""
    etag: str = ""


@dataclass(frozen=True, slots=True)
class TryLater:
    """The recipient may take this one later, at the earliest at ``at`` if they said so.

    ``is_in_doubt``: it may have arrived, though nobody said so.
    """

    why: str
    at: datetime | None = None
    is_in_doubt: bool = False


@dataclass(frozen=True, slots=True)
class Unavailable:
    """The destination takes nothing now: it is left alone for a while, and nothing is given up.

    ``is_in_doubt``: it may have taken this one, though it did not say so.
    """

    why: str
    at: datetime | None = None
    is_in_doubt: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """The recipient will never take it as it is: a person must look."""

    why: str


@dataclass(frozen=True, slots=True)
class Changed:
    """Somebody changed it at the destination meanwhile: what stands there now, and its ETag."""

    theirs: str = field(repr=False)
    etag: str


Receipt: TypeAlias = Accepted | TryLater | Unavailable | Refused | Changed


class Channel(Protocol):
    """One way out. A repeat of the same parcel must have one effect."""

    @property
    def patience(self) -> timedelta:
        """The longest that one send may take."""
        ...

    def send(self, parcel: Parcel) -> Receipt:
        """Carry the bytes as they are; what goes wrong is an answer, not an exception."""
        ...

    def fault(self) -> str:
        """Why nothing could be sent now, in words; empty if it could. Asks, and sends nothing."""
        ...

    def close(self) -> None:
        """Give back what is held; a send that still waits ends soon."""
        ...


@dataclass(frozen=True, slots=True)
class Sent:
    """It arrived."""

    answer: str
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Retry:
    """It is tried again at ``at``, after the recipient put it off."""

    at: datetime
    why: str
    is_in_doubt: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """Its destination is left alone until ``at``; the parcel itself is not known to be at fault."""

    at: datetime
    why: str
    is_in_doubt: bool = False


@dataclass(frozen=True, slots=True)
class GivenUp:
    """It is stuck until a person sends it again."""

    why: str
    is_in_doubt: bool = False


Outcome: TypeAlias = Sent | Retry | Held | GivenUp


def route(recipient: Recipient, site: Site, has_hospital_server: bool) -> Route:
    """Where what is decided for a recipient goes (contract: ``FHIR_URL``, ``channel``)."""
    if recipient.kind is not RecipientKind.CENTRE:
        return Route(FHIR, FHIR) if has_hospital_server else Route(INBOX, INBOX)
    centre = site.centre(recipient.code)
    if centre is None:
        return Route(INBOX, INBOX)
    if centre.channel == FHIR and centre.fhir_url:
        return Route(FHIR, f"{FHIR}:{centre.code}")
    return Route(centre.channel, centre.channel)


def routes_of(site: Site, has_hospital_server: bool) -> frozenset[Route]:
    """Every way that something decided at this site can go."""
    centres = [Recipient(RecipientKind.CENTRE, centre.code) for centre in site.centres]
    ward = Recipient(RecipientKind.WARD, "")
    ways = {route(each, site, has_hospital_server) for each in (ward, *centres)}
    return frozenset({Route(INBOX, INBOX), *ways})


def after(parcel: Parcel, receipt: Receipt, now: datetime, failures: int, jitter: float) -> Outcome:
    """What follows from a receipt.

    ``failures`` counts how often the destination was unavailable in a row before, and ``jitter``
    between 0 and 1 spreads what failed together.
    """
    match receipt:
        case Accepted(answer, etag):
            return Sent(answer, etag)
        case Refused(why):
            return GivenUp(why)
        case Unavailable(why, at, is_in_doubt) if _is_to_blame(parcel, failures):
            return after(parcel, TryLater(why, at, is_in_doubt), now, failures, jitter)
        case Unavailable(why, at, is_in_doubt):
            pause = _pause(_FIRST_PAUSE, failures, _LONGEST_PAUSE, jitter)
            return Held(_latest(now + pause, at), why, is_in_doubt)
        case TryLater(why, at, is_in_doubt):
            again_at = _latest(now + _again_in(parcel, jitter), at)
            return _put_off(parcel, Retry(again_at, why, is_in_doubt))
        case Changed():
            why = "it was changed at the destination meanwhile, more than once"
            return _put_off(parcel, Retry(now + _again_in(parcel, jitter), why))
        case _:
            assert_never(receipt)


def _is_to_blame(parcel: Parcel, failures: int) -> bool:
    """The destination took others since, and still not this one: it is not the destination."""
    return not failures and parcel.attempts - parcel.refusals > BLAMED_AFTER


def _put_off(parcel: Parcel, again: Retry) -> Outcome:
    given_up = parcel.refusals + 1 >= GIVE_UP_AFTER
    return GivenUp(again.why, again.is_in_doubt) if given_up else again


def _again_in(parcel: Parcel, jitter: float) -> timedelta:
    return _pause(_FIRST, parcel.refusals + 1, _LONGEST, jitter)


def _pause(first: float, step: int, longest: float, jitter: float) -> timedelta:
    """Doubling from ``first`` seconds up to ``longest``, the upper half of it by chance."""
    return timedelta(seconds=min(first * 2 ** min(step, 20), longest) * (0.5 + jitter / 2))


def _latest(at: datetime, told: datetime | None) -> datetime:
    return at if told is None else max(at, told)
