"""The straight line: an entry, a clock or a person becomes state, Tasks and notices."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple, TypeAlias, assert_never

from sqlalchemy import Connection

from alerts.identity import (
    ANOTHER_PATIENT,
    AnotherHolds,
    Contradiction,
    OfPerson,
    Placed,
    resolve,
)
from alerts.model.events import AdtEvent, Answered, FactRecorded, StayEvent
from alerts.model.identity import Patient
from alerts.model.site import Site
from alerts.model.stay import Stay
from alerts.movements import fold, folds_alone, order_key, patient_after, refold
from alerts.policy import policy_from
from alerts.rules.situation import whereabouts
from alerts.store import alerts as alert_store
from alerts.store import identity as identity_store
from alerts.store import policy as policy_store
from alerts.store import register, requests, visit_questions
from alerts.store import stays as stay_store
from alerts.store.write_buffer import WriteBuffer
from ingest import journal
from mapping.hl7.events import Dialect
from service.database import Database, Rank
from service.errors import ServiceError
from service.metrics import Metrics
from service.reconsider import Desk, Occasion, Outcome, reconsider

BATCH = 200
"""Entries one transaction takes."""


ASK_AGAIN_AFTER = timedelta(minutes=15)
"""When a stay is asked about again whose rules met a bug."""
Hold: TypeAlias = Callable[[Connection], Collection[int]]
"""The lanes that are ours until the transaction ends."""


class LineError(ServiceError):
    """A step of the line that a person asked for cannot be done."""


class NotThere(LineError):
    """There is no such stay or Task any more. Open the list again."""


class EvidenceChanged(LineError):
    """The evidence has changed since the question was shown. Open the list again and look anew."""


@dataclass(frozen=True, slots=True)
class Line:
    """What every step needs; built once at start."""

    database: Database
    site: Site
    dialects: dict[str, Dialect]
    now: Callable[[], datetime]
    metrics: Metrics
    chance: Callable[[], float]
    """A number from 0 to 1, for the jitter of retries."""
    has_hospital_server: bool = False
    """Wards and coordinators get their Tasks on the hospital's FHIR server."""

    @property
    def under(self) -> str:
        """Names the site as it is, under which stays are decided."""
        return digest_of_site(self.site, self.has_hospital_server)

    @contextmanager
    def desk(self, tx: Connection) -> Iterator[Desk]:
        """What reconsidering needs at this moment, once a transaction; kept at its end."""
        now = self.now()
        shelf = stay_store.Shelf(tx, register.under(tx, self.under))
        yield Desk(
            site=self.site,
            policy=policy_from(policy_store.in_force(tx, now)),
            now=now,
            metrics=self.metrics,
            shelf=shelf,
            register=register.Candidates(tx),
            known=(known := identity_store.Known(tx, shelf, now)),
            held={},
            writes=(writes := WriteBuffer(tx, now)),
            has_hospital_server=self.has_hospital_server,
        )
        known.flush()
        writes.flush()
        shelf.flush()


@dataclass(frozen=True, slots=True)
class Parked:
    """A person has to look at it first; the reason names nobody."""

    why: str


NO_STAY_YET = "about a person of whom no stay is known"


@dataclass(slots=True)
class Progress:
    """Which entry or stay is in hand, and the bug that met it: what to set aside."""

    entry: int | None = None
    stay: str | None = None
    failure: Exception | None = None
    has_news: bool = False
    """Something was decided that may have to be carried."""
    alone: int = 0
    """So many entries are taken one by one, because a bug met a batch and not one of them."""
    requests_alone: int = 0
    """The same of stays that are asked for."""
    wakes_alone: int = 0
    """The same of stays whose time has come."""


@lru_cache(maxsize=4)
def digest_of_site(site: Site, has_hospital_server: bool) -> str:
    """The same for the same site file, for as long as its meaning is written the same way."""
    return blake2b(f"{site!r}{has_hospital_server}".encode(), digest_size=12).hexdigest()


def believe(tx: Connection, desk: Desk, event: AdtEvent, occasion: Occasion) -> Outcome | Parked:
    """Find whom a message is about, fold it into the stay or stays, and decide what follows."""
    feed = desk.site.feed(event.feed)
    authority = feed.patient_authority if feed else ""
    around = desk.known.around(event)
    found = resolve(event, around, authority)
    if isinstance(found, AnotherHolds):
        clash = visit_questions.Clash(found.stay, found.patient)
        is_same = visit_questions.said_of(tx, clash)
        found = resolve(event, around, authority, is_same)
    match found:
        case Contradiction(why=why):
            return Parked(why)
        case AnotherHolds(stay=stay):
            _ask_whose(tx, desk, event, around.stays[stay], (found, occasion))
            return Parked(ANOTHER_PATIENT)
        case OfPerson():
            return _of_person(tx, desk, found, occasion)
        case Placed():
            desk.known.learn(found, authority, occasion.entry)
            _told_before(desk, found, occasion)
            return _believed(tx, desk, found.event, occasion)
        case _:
            assert_never(found)


def _ask_whose(
    tx: Connection, desk: Desk, event: AdtEvent, stay: Stay, asked: tuple[AnotherHolds, Occasion]
) -> None:
    """Ask the coordinator of the stay's hospital whether the two are the same."""
    found, occasion = asked
    if occasion.entry is None:
        return
    clash = visit_questions.Clash(found.stay, found.patient)
    hospital = whereabouts(desk.site, stay.place).coordinator.code
    sent = patient_after(Patient(), event.patient)
    visit_questions.ask(tx, clash, sent, hospital, (occasion.entry, desk.now))


def _believed(tx: Connection, desk: Desk, event: AdtEvent, occasion: Occasion) -> Outcome:
    """Fold a message into its stay and decide what follows."""
    stay, last, is_newest = _folded(desk, event.stay, event, occasion)
    outcome = reconsider(tx, desk, stay, last, occasion)
    doubts = tuple(dict.fromkeys((*event.doubts, *(stay.doubts if is_newest else ()))))
    return replace(outcome, doubts=doubts) if doubts else outcome


def _of_person(tx: Connection, desk: Desk, found: OfPerson, occasion: Occasion) -> Outcome:
    """Each stay of the person that is open or ended of late hears it, and those to come."""
    event = found.event
    if identity_store.closes_a_gate(event):
        desk.known.keep(event, occasion.entry, occasion.learned_at)
    since = desk.now - timedelta(days=desk.policy.correct_for)
    told = []
    for stay_key in found.stays:
        stay = desk.shelf.load(stay_key)
        if stay is None or _ended_before(stay.stay, since):
            continue
        told.append(_believed(tx, desk, replace(event, stay=stay_key), occasion))
    if not told:
        return Outcome(NO_STAY_YET, (), has_news=False, doubts=event.doubts)
    return Outcome(
        words="; ".join(dict.fromkeys(each.words for each in told)),
        grounds=tuple(ground for each in told for ground in each.grounds),
        has_news=any(each.has_news for each in told),
        doubts=tuple(dict.fromkeys(doubt for each in told for doubt in each.doubts)),
    )


def _told_before(desk: Desk, placed: Placed, occasion: Occasion) -> None:
    """A stay that begins hears what was told of its patient without a visit."""
    event = placed.event
    if placed.is_new and event.visit:
        desk.shelf.begin(event.stay)
        desk.held[event.stay] = ()
    if placed.is_new and event.patient_id:
        for key, told in desk.known.told_before(event.patient_id):
            if isinstance(told, AdtEvent):
                desk.shelf.append_event(event.stay, key, replace(told, stay=event.stay), occasion)


def _ended_before(stay: Stay, since: datetime) -> bool:
    return not stay.is_open and stay.discharged_at is not None and stay.discharged_at < since


def wake_next(line: Line, progress: Progress, limit: int = BATCH) -> int:
    """Ask the rules again about every stay whose time has come; how many."""
    now = line.now()
    try:
        with line.database.write(Rank.WORK) as tx:
            register.share(tx)
            due = stay_store.due_to_wake(tx, now, 1 if progress.wakes_alone else limit)
            if due:
                progress.stay = due[0] if len(due) == 1 else None
                with line.desk(tx) as desk:
                    fetch(tx, desk, due)
                    for stay_key in due:
                        progress.stay = stay_key
                        again(tx, desk, stay_key)
                    if len(due) > 1:
                        progress.stay = None  # from here on nobody knows whose fault it is
    except Exception:
        progress.wakes_alone = limit
        raise
    progress.stay = None
    progress.wakes_alone = max(0, progress.wakes_alone - 1) if due else 0
    return len(due)


def set_aside(line: Line, progress: Progress, hold: Hold | None = None) -> None:
    """What a bug met: park the entry alone, or ask about the stay later; others go on."""
    failure = progress.failure
    if failure is not None:
        now = line.now()
        with line.database.write(Rank.WORK) as tx:
            lanes = None if hold is None else hold(tx)
            entry = journal.get(tx, progress.entry) if progress.entry is not None else None
            # Where the lane is somebody else's by now, the entry is theirs too.
            is_ours = entry is not None and (lanes is None or entry.lane in lanes)
            if entry is not None and is_ours and entry.state == "waiting":
                reason = f"fault in the service: {type(failure).__name__}"
                journal.finish(tx, [journal.End(entry.id, "parked", reason)], now)
            if progress.stay is not None:
                stay_store.postpone(tx, progress.stay, now + ASK_AGAIN_AFTER)
                requests.postpone(tx, progress.stay, now + ASK_AGAIN_AFTER)
    progress.entry = progress.stay = progress.failure = None


def ask_again(line: Line, stay_key: str) -> None:
    """Decide a stay anew, in full, before anything of it goes."""
    with line.database.write(Rank.WORK) as tx:
        register.share(tx)
        decide_again(tx, line, stay_key)


def decide_again(tx: Connection, line: Line, stay_key: str) -> None:
    """Decide a stay anew within a transaction that shares the register."""
    with line.desk(tx) as desk:
        again(tx, desk, stay_key)


def record_entry(line: Line, actor: str, stay_key: str, event: FactRecorded | Answered) -> None:
    """What a person entered about a stay is an event like any other."""
    occasion = Occasion(learned_at=line.now(), actor=actor)
    with line.database.write(Rank.PAGE) as tx:
        register.share(tx)
        with line.desk(tx) as desk:
            if desk.shelf.load(stay_key) is None:
                raise NotThere(NotThere.__doc__)
            stay, last, _ = _folded(desk, stay_key, event, occasion)
            reconsider(tx, desk, stay, last, occasion)


class _Folded(NamedTuple):
    """A stay after an event, the order key of its newest, and whether this event is that."""

    stay: Stay
    last_order: str
    is_newest: bool


def _folded(desk: Desk, stay_key: str, event: StayEvent, occasion: Occasion) -> _Folded:
    """Append the event and fold it: at the end where it is the newest, else all of them anew."""
    found = desk.shelf.load(stay_key)
    key = order_key(event, occasion.learned_at)
    desk.shelf.append_event(stay_key, key, event, occasion)
    stay = found.stay if found else None
    is_newest = found is None or key >= found.last_order
    newest = key if found is None or is_newest else found.last_order
    if found is None:  # what was told of the person before counts too
        newest = max(desk.shelf.learned(stay_key))
        is_newest = desk.shelf.learned(stay_key) == [key]
    if is_newest and folds_alone(stay, event):
        return _Folded(fold(stay, event), newest, newest == key)
    return _Folded(refold(desk.shelf.events(stay_key)), newest, newest == key)


def fetch(tx: Connection, desk: Desk, stay_keys: Sequence[str]) -> None:
    """Look up together what reconsidering these stays needs; for who shares the register."""
    desk.shelf.fetch(stay_keys)
    found = (desk.shelf.load(stay_key) for stay_key in stay_keys)
    desk.register.fetch(each.stay.patient for each in found if each is not None)
    desk.register.fetch_decisions()
    desk.held.update(alert_store.raised_for(tx, stay_keys))


def again(tx: Connection, desk: Desk, stay_key: str) -> None:
    """Reconsider a stay that is already there."""
    found = desk.shelf.load(stay_key)
    if found is not None:
        occasion = Occasion(learned_at=desk.now)
        reconsider(tx, desk, found.stay, found.last_order, occasion)
