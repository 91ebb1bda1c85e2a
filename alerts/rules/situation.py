"""What a rule sees: the stay, who matches, what was said before, and the time."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from alerts.model.alert import (
    OPEN_STATUSES,
    Alert,
    Match,
    MatchDecision,
    MatchGrade,
    Notice,
    Recipient,
    RecipientKind,
    Task,
    TaskCode,
)
from alerts.model.events import Hiding, Place
from alerts.model.register import Registration
from alerts.model.site import Centre, Site
from alerts.model.stay import Stay, StayStatus
from alerts.policy import Policy


@dataclass(frozen=True, slots=True)
class Situation:
    """All that a decision may depend on."""

    stay: Stay
    matches: tuple[Match, ...]
    raised: tuple[Alert, ...]
    policy: Policy
    site: Site
    now: datetime
    settles_at: datetime | None = None
    """Until then old news of the stay may be followed by newer: nothing new is told."""
    decisions: tuple[MatchDecision, ...] = ()
    unsent: frozenset[str] = frozenset()
    """Ids of notices that still wait in the outbox: undone, they need no correction."""
    in_doubt: frozenset[str] = frozenset()
    """Ids of notices that may have left, though nobody said that they arrived."""


class Reach(StrEnum):
    """How far news of a place may go."""

    LIVE = "live"
    NOT_LIVE = "not live"
    UNKNOWN = "not known"
    PROBE = "the service's own test"


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """The place of the stay in the words of the site file."""

    reach: Reach
    desk: Recipient
    """The ward, or the coordinator where the ward is not known."""
    coordinator: Recipient


@dataclass(frozen=True, slots=True)
class Case:
    """One registration beside the stay, with what was raised for it."""

    situation: Situation
    key: str
    match: Match | None
    """None: the patient is not, or no longer, this person on the register."""
    where: Whereabouts
    alerts: tuple[Alert, ...]
    """Raised before, or by the rules that were asked before this one."""

    @property
    def stay(self) -> Stay:
        """The stay as we believe it."""
        return self.situation.stay

    @property
    def now(self) -> datetime:
        """The time that we are told."""
        return self.situation.now

    @property
    def is_certain(self) -> bool:
        """The patient is the person on the register."""
        return self.match is not None and self.match.grade is MatchGrade.CERTAIN

    @property
    def registration(self) -> Registration:
        """The registration; ask only where there is a match."""
        assert self.match is not None  # noqa: S101 - a rule asked out of turn is a bug
        return self.match.registration

    @property
    def centre(self) -> Centre | None:
        """The carer's centre, None without a match or if the site file does not name it."""
        if self.match is None:
            return None
        return self.situation.site.centre(self.match.registration.centre)

    @property
    def told_until(self) -> datetime | None:
        """Until when a discharge is told; None while the patient is in hospital."""
        return self._left_within(self.situation.policy.discharged_within)

    @property
    def missed_until(self) -> datetime | None:
        """Until when a discharge is no old news, and what the ward missed is repaired."""
        return self._left_within(self.situation.policy.stale_after)

    @property
    def is_late(self) -> bool:
        """The discharge is old news: whoever is told of it hears that it is late."""
        return self.missed_until is not None and self.now > self.missed_until

    def _left_within(self, hours: float) -> datetime | None:
        left_at = self.stay.discharged_at
        if self.stay.status is not StayStatus.DISCHARGED or left_at is None:
            return None
        return left_at + timedelta(hours=hours)

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What the centre was told, oldest first."""
        found = [a for a in self.alerts if isinstance(a, Notice)]
        return tuple(sorted(found, key=lambda n: n.decided_at))

    def tasks(self, code: TaskCode) -> tuple[Task, ...]:
        """The Tasks of that code that were raised."""
        return tuple(a for a in self.alerts if isinstance(a, Task) and a.code is code)

    def task(self, task_id: str) -> Task | None:
        """The Task of that id, None if it was never raised."""
        return next((a for a in self.alerts if isinstance(a, Task) and a.id == task_id), None)

    def open_task(self, code: TaskCode) -> Task | None:
        """The Task of that code that is open."""
        return next((t for t in self.tasks(code) if t.status in OPEN_STATUSES), None)


def is_restricted(stay: Stay) -> bool:
    """The hospital hides where the patient is, or asks for discretion."""
    closes = stay.sensitive or stay.consent_refused
    return closes or stay.hiding in (Hiding.LOCAL, Hiding.NATIONAL)


def is_hidden(situation: Situation) -> bool:
    """Nothing about the stay may leave the hospital."""
    stay = situation.stay
    if is_restricted(stay) or stay.death_unclear:
        return True
    feed = situation.site.feed(stay.feed)
    return stay.hiding is None and feed is not None and feed.hidden_when_unknown


def whereabouts(site: Site, place: Place | None) -> Whereabouts:
    """The desk that answers for a place."""
    hospital, ward = (place.hospital, place.ward) if place else ("", "")
    if (hospital, ward) == site.probe_ward:
        return Whereabouts(Reach.PROBE, _ward(hospital, ward), _coordinator(hospital))
    found = site.ward_sent(hospital, ward)
    if found is None:
        desk = _coordinator(_answering(site, hospital))
        return Whereabouts(Reach.UNKNOWN, desk, desk)
    reach = Reach.LIVE if found.live else Reach.NOT_LIVE
    return Whereabouts(reach, _ward(found.hospital, found.code), _coordinator(found.hospital))


def _answering(site: Site, hospital: str) -> str:
    """A place nobody named goes to the first hospital of the site file: a person sees it."""
    if site.hospital(hospital) is not None or not site.hospitals:
        return hospital
    return site.hospitals[0].code


def _ward(hospital: str, ward: str) -> Recipient:
    return Recipient(RecipientKind.WARD, f"{hospital}/{ward}")


def _coordinator(hospital: str) -> Recipient:
    return Recipient(RecipientKind.COORDINATOR, hospital)
