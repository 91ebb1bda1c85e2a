"""The straight line: an entry, a clock or a person becomes state, Tasks and notices."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import TypeAlias

from sqlalchemy import Connection

from alerts.model.alert import Task, TaskCode
from alerts.model.events import AdtEvent, Answered, FactRecorded, NotForUs, StayEvent
from alerts.model.register import Registration
from alerts.model.site import Site
from alerts.model.stay import Stay
from alerts.policy import policy_from
from alerts.stays import fold, identify, order_key, refold
from alerts.store import alerts as alert_store
from alerts.store import policy as policy_store
from alerts.store import register
from alerts.store import stays as stay_store
from ingest import journal
from ingest.entry import digest_of
from ingest.failpoints import passing
from mapping.hl7.events import Dialect, Unreadable, read_event
from service.database import Database, Rank
from service.errors import ServiceError
from service.metrics import Metrics
from service.reconsider import Desk, Occasion, Outcome, matches_of, reconsider

BATCH = 200
"""Entries one transaction takes."""


ASK_AGAIN_AFTER = timedelta(minutes=15)
"""When a stay is asked about again whose rules met a bug."""
CHANGED = (
    "its bytes are not those that came in: have the disk looked at, "
    "and the message sent again with a new control id"
)
Hold: TypeAlias = Callable[[Connection], Collection[int]]
"""The lanes that are ours until the transaction ends."""
LET_IN_AFTER = 0.003
"""Seconds after which a batch commits early for somebody who waits to write."""


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

    def desk(self, tx: Connection) -> Desk:
        """What reconsidering needs at this moment; asked for once a transaction."""
        now = self.now()
        policy = policy_from(policy_store.in_force(tx, now))
        return Desk(self.site, policy, now, self.metrics, self.has_hospital_server)


@dataclass(slots=True)
class Progress:
    """Which entry or stay is in hand, and the bug that met it: what to set aside."""

    entry: int | None = None
    stay: str | None = None
    failure: Exception | None = None


def process_batch(
    line: Line, progress: Progress, limit: int = BATCH, hold: Hold | None = None
) -> int:
    """Read, fold, decide and settle the oldest waiting entries in one transaction; how many.

    ``hold`` answers the lanes that are ours until the transaction ends; None: all are.
    """
    with line.database.write(Rank.WORK) as tx:
        register.share(tx)
        lanes = None if hold is None else hold(tx)
        if lanes is not None and not lanes:
            return 0
        began, desk, done = monotonic(), line.desk(tx), 0
        entries = journal.claim(tx, limit, lanes)
        if entries:
            passing("batch-claimed")
        for entry in entries:
            progress.entry = entry.id
            process(tx, line, desk, entry)
            passing("entry-settled")
            done += 1
            if monotonic() - began > LET_IN_AFTER and line.database.wanted():
                break
        progress.entry = None
        if done:
            passing("batch-decided")
    if done:
        passing("batch-committed")
    return done


def process(tx: Connection, line: Line, desk: Desk, entry: journal.Entry) -> None:
    """One entry, to its end: settled, ignored or parked."""
    now = desk.now
    try:
        event = _read(entry, line.dialects[entry.feed])
    except Unreadable as reason:
        journal.park(tx, entry.id, str(reason), now)
        line.metrics.entries.labels("parked").inc()
        return
    if isinstance(event, NotForUs):
        journal.ignore(tx, entry.id, event.reason, now)
        line.metrics.entries.labels("ignored").inc()
        return
    outcome = believe(tx, desk, event, _told_by(entry, event))
    journal.settle(tx, entry.id, outcome.words, outcome.as_json(), now)
    line.metrics.entries.labels("settled").inc()
    line.metrics.understood.observe(max(0.0, (now - entry.received_at).total_seconds()))


def _read(entry: journal.Entry, dialect: Dialect) -> AdtEvent | NotForUs:
    if digest_of(entry.raw) != entry.digest:
        raise Unreadable(CHANGED)
    return read_event(entry.raw, dialect, entry.received_at)


def believe(tx: Connection, desk: Desk, event: AdtEvent, occasion: Occasion) -> Outcome:
    """Fold a message into its stay and decide what follows."""
    stay_key, _ = identify(event)
    stay, last = _folded(tx, stay_key, event, occasion)
    return reconsider(tx, desk, stay, last, occasion)


def wake_next(line: Line, progress: Progress, limit: int = BATCH) -> int:
    """Ask the rules again about every stay whose time has come; how many."""
    now = line.now()
    with line.database.write(Rank.WORK) as tx:
        register.share(tx)
        due = stay_store.due_to_wake(tx, now, limit)
        if due:
            desk = line.desk(tx)
            for stay_key in due:
                progress.stay = stay_key
                _again(tx, desk, stay_key)
        progress.stay = None
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
                journal.park(tx, entry.id, reason, now)
            if progress.stay is not None:
                stay_store.postpone(tx, progress.stay, now + ASK_AGAIN_AFTER)
    progress.entry = progress.stay = progress.failure = None


def record_entry(line: Line, actor: str, stay_key: str, event: FactRecorded | Answered) -> None:
    """What a person entered about a stay is an event like any other."""
    occasion = Occasion(learned_at=line.now(), actor=actor)
    with line.database.write(Rank.PAGE) as tx:
        register.share(tx)
        if stay_store.load(tx, stay_key) is None:
            raise NotThere(NotThere.__doc__)
        stay, last = _folded(tx, stay_key, event, occasion)
        reconsider(tx, line.desk(tx), stay, last, occasion)


def decide_match(line: Line, actor: str, task_id: str, is_same: bool) -> None:
    """A coordinator said whether the patient is the person on the register."""
    with line.database.write(Rank.PAGE) as tx:
        register.have_alone(tx)
        task = alert_store.get(tx, task_id)
        if not isinstance(task, Task) or task.code is not TaskCode.CONFIRM_MATCH:
            raise NotThere(NotThere.__doc__)
        found = stay_store.load(tx, task.stay)
        desk = line.desk(tx)
        matches = matches_of(tx, desk, found.stay)[0] if found else ()
        for seen in matches:
            if seen.registration.key == task.registration and seen.fingerprint.startswith(
                task.occasion
            ):
                register.decide_match(tx, seen, is_same, actor, line.now())
                break
        else:
            raise EvidenceChanged(EvidenceChanged.__doc__)
        open_stays = stay_store.concerned(tx, (seen.registration,))
        for stay_key in dict.fromkeys((task.stay, *open_stays)):
            _again(tx, desk, stay_key)


def import_register(
    line: Line,
    rows: Sequence[Registration],
    on_progress: Callable[[int], None] = lambda _done: None,
) -> register.Imported:
    """All rows of a file, and every open stay they concern reconsidered, in one transaction."""
    with line.database.write(Rank.WORK) as tx:
        register.have_alone(tx)
        imported, desk = register.upsert(tx, rows, line.now()), line.desk(tx)
        for done, registration in enumerate(imported.touched, start=1):
            for stay_key in stay_store.concerned(tx, (registration,)):
                _again(tx, desk, stay_key)
            on_progress(done)
    return imported


def _folded(
    tx: Connection, stay_key: str, event: StayEvent, occasion: Occasion
) -> tuple[Stay, str]:
    """Append the event and fold it: at the end where it is the newest, else all of them anew."""
    found = stay_store.load(tx, stay_key)
    key = order_key(event, occasion.learned_at)
    stay_store.append_event(tx, stay_key, key, event, occasion)
    if found is None or key >= found.last_order:
        return fold(found.stay if found else None, event), key
    return refold(stay_store.events(tx, stay_key)), found.last_order


def _again(tx: Connection, desk: Desk, stay_key: str) -> None:
    """Reconsider a stay that is already there."""
    found = stay_store.load(tx, stay_key)
    if found is not None:
        occasion = Occasion(learned_at=desk.now)
        reconsider(tx, desk, found.stay, found.last_order, occasion)


def _told_by(entry: journal.Entry, event: AdtEvent) -> Occasion:
    return Occasion(entry.received_at, entry=entry.id, happened_at=event.occurred_at)
