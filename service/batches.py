"""The worker's step: the oldest waiting messages read together, decided one by one, and kept."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from time import monotonic
from typing import TypeAlias

from sqlalchemy import Connection

from alerts.identity import Surroundings
from alerts.model.events import AdtEvent, NotForUs, Place
from alerts.model.identity import Patient
from alerts.movements import patient_after
from alerts.rules.situation import Reach, whereabouts
from alerts.settling import is_old_news
from alerts.store import alerts as alert_store
from alerts.store import register
from ingest import feed_activity, journal
from ingest.entry import digest_of
from ingest.failpoints import passing
from mapping.hl7.events import Dialect, Unreadable, read_event
from service.database import Database, Rank
from service.outcomes import label_of
from service.pipeline import BATCH, Hold, Line, Parked, Progress, believe
from service.reconsider import Desk, Occasion

TOGETHER = 16
"""Entries that are claimed, looked up and finished together, before anybody is let in."""
MOST_TOGETHER = 4 * TOGETHER
"""Of a backlog twice as many each time, while nobody waits to write; at most so many."""
SMALL = 2**18
"""Bytes of a claim, up to which the next may be larger."""
LET_IN_AFTER = 0.003
"""Seconds after which a batch commits early for somebody who waits to write."""
KEPT_AFTER = 0.5
"""Seconds after which a batch claims no more: what a killed worker had decided is decided again."""
CHANGED = (
    "its bytes are not those that came in: have the disk looked at, "
    "and the message sent again with a new control id"
)
FEED_GONE = "the site file no longer names the feed that brought it: put it back in line (requeue)"
_Read: TypeAlias = AdtEvent | NotForUs | Unreadable
_Named: TypeAlias = tuple[str] | tuple[str, str, str]
"""A feed, and where it placed a patient: hospital and ward."""


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
        batch = _Batch(tx, line.database, monotonic())
        claimed = _claimed(batch, 1 if progress.alone else limit, lanes)
        first = next(claimed, ())
        if not first:
            progress.alone = 0
            return 0
        done = _process_all(batch, line, progress, chain((first,), claimed))
        passing("batch-decided")
    passing("batch-committed")
    progress.entry = None
    progress.alone = max(0, progress.alone - 1)
    _count(line, done)
    return len(done)


@dataclass(frozen=True, slots=True)
class _Batch:
    """One transaction of the worker, and when it began."""

    tx: Connection
    database: Database
    began: float

    def is_over(self) -> bool:
        """It took long enough, or somebody waits to write."""
        took = monotonic() - self.began
        return took > KEPT_AFTER or (took > LET_IN_AFTER and self.database.wanted())


def _claimed(
    batch: _Batch, limit: int, lanes: Collection[int] | None
) -> Iterator[Sequence[journal.Entry]]:
    """The oldest entries, some at a time, as many as there is time for; each some ends before."""
    left, size = limit, TOGETHER
    while left and (some := journal.claim(batch.tx, min(left, size), lanes)):
        passing("batch-claimed")
        yield some
        left -= len(some)
        if len(some) < size or batch.is_over():
            return
        if sum(len(entry.raw) for entry in some) <= SMALL:
            size = min(2 * size, MOST_TOGETHER)


def _process_all(
    batch: _Batch, line: Line, progress: Progress, claimed: Iterable[Sequence[journal.Entry]]
) -> list[tuple[datetime, journal.End]]:
    """The entries to their end, those that are claimed together read together; when each came.

    Their bytes are let go with each claim. Where the batch is over, the rest of a claim waits.
    """
    tx = batch.tx
    done: list[tuple[datetime, journal.End]] = []
    heard: dict[_Named, feed_activity.Spoke] = {}
    with line.desk(tx) as desk:
        for some in claimed:
            ends: list[journal.End] = []
            for entry, event in _read_all(tx, line, desk, progress, some):
                if ends and len(ends) % TOGETHER == 0 and batch.is_over():
                    break
                progress.entry = entry.id
                ends.append(_processed(tx, desk, progress, entry, event))
                if ends[-1].state == "settled" and isinstance(event, AdtEvent):
                    spoke = _spoke(desk, entry, event)
                    heard.setdefault(_named(entry, event), spoke).join(spoke)
                passing("entry-settled")
            journal.finish(tx, ends, desk.now)
            done += [(entry.received_at, end) for entry, end in zip(some, ends, strict=False)]
        if len(done) > 1:
            progress.entry = None  # from here on nobody knows whose fault it is
    feed_activity.note(tx, _by_hospital(line, heard), line.now())
    return done


def _spoke(desk: Desk, entry: journal.Entry, event: AdtEvent) -> feed_activity.Spoke:
    is_old = is_old_news(event.recorded_at, desk.now, desk.policy)
    return feed_activity.Spoke(entry.received_at, None if is_old else entry.received_at)


def _named(entry: journal.Entry, event: AdtEvent) -> _Named:
    """The feed that spoke and where it placed the patient."""
    place = event.place
    return (entry.feed, place.hospital, place.ward) if isinstance(place, Place) else (entry.feed,)


def _by_hospital(
    line: Line, heard: Mapping[_Named, feed_activity.Spoke]
) -> dict[tuple[str, str], feed_activity.Spoke]:
    """When each feed spoke, and of which hospital; a probe of our own says nothing of it."""
    found: dict[tuple[str, str], feed_activity.Spoke] = {}
    for (feed, *named), spoke in heard.items():
        place = Place(*named) if named else None
        where = whereabouts(line.site, place)
        if where.reach is Reach.PROBE:
            continue
        hospital = place.hospital if place else ""
        if where.reach is not Reach.UNKNOWN:  # a ward may be named without its hospital
            hospital = where.coordinator.code
        found.setdefault((feed, hospital), spoke).join(spoke)
    return found


def _read_all(
    tx: Connection, line: Line, desk: Desk, progress: Progress, entries: Sequence[journal.Entry]
) -> list[tuple[journal.Entry, _Read]]:
    """What the messages say, and what is known of their stays and patients in one go."""
    found: list[tuple[journal.Entry, _Read]] = []
    for entry in entries:
        progress.entry = entry.id
        found.append((entry, _read(entry, line.dialects.get(entry.feed))))
    events = [event for _, event in found if isinstance(event, AdtEvent)]
    if events:
        desk.known.fetch(events)
        around = [desk.known.around(event) for event in events]
        desk.register.fetch(_patients(events, around))
        desk.register.fetch_decisions()
        stays = {stay for each in around for stay in each.stays}
        if stays:
            desk.writes.flush_of(stays)
            desk.held.update(alert_store.raised_for(tx, stays))
    return found


def _patients(events: Sequence[AdtEvent], around: Sequence[Surroundings]) -> Iterator[Patient]:
    """Whom the messages most likely are about; who they are else is looked up when it shows."""
    for event, each in zip(events, around, strict=True):
        for stay in each.stays.values():
            yield patient_after(stay.patient, event.patient)
        if not each.stays:
            yield patient_after(Patient(), event.patient)


def _processed(
    tx: Connection, desk: Desk, progress: Progress, entry: journal.Entry, event: _Read
) -> journal.End:
    """One entry, to its end: settled, ignored or parked."""
    match event:
        case Unreadable():
            return journal.End(entry.id, "parked", str(event))
        case NotForUs():
            return journal.End(entry.id, "ignored", event.reason)
        case _:
            outcome = believe(tx, desk, event, _told_by(entry, event))
            if isinstance(outcome, Parked):
                return journal.End(entry.id, "parked", outcome.why)
            progress.has_news = progress.has_news or outcome.has_news
            for doubt in outcome.doubts:
                desk.metrics.doubts.labels(entry.feed, label_of(doubt.kind)).inc()
            return journal.End(entry.id, "settled", outcome.words, outcome.as_json())


def _count(line: Line, done: Sequence[tuple[datetime, journal.End]]) -> None:
    now = line.now()
    for state, n in Counter(end.state for _, end in done).items():
        line.metrics.entries.labels(state).inc(n)
    for received_at, end in done:
        if end.state == "settled":
            line.metrics.understood.observe(max(0.0, (now - received_at).total_seconds()))


def _read(entry: journal.Entry, dialect: Dialect | None) -> _Read:
    if digest_of(entry.raw) != entry.digest:
        return Unreadable(CHANGED)
    if dialect is None:
        return Unreadable(FEED_GONE)
    try:
        return read_event(entry.raw, dialect, entry.received_at)
    except Unreadable as reason:
        return reason


def _told_by(entry: journal.Entry, event: AdtEvent) -> Occasion:
    return Occasion(entry.received_at, entry=entry.id, happened_at=event.recorded_at)
