"""What a scrape asks for: what waits, for whom, since when, and what runs out."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from alerts.store import destinations, holds, outbox, requests
from ingest import journal
from ingest.feed_activity import FeedActivity, oldest_waiting
from service import lanes
from service.certificates import Certificate
from service.clock import step_of
from service.database import Database, DatabaseError
from service.metrics import Asked


def backlog(database: Database) -> dict[str, float]:
    """What waits for us and what waits for a person (contract: the two waiting gauges)."""
    with database.read() as tx:
        entries, parcels = journal.backlog(tx), outbox.backlog(tx)
    return {
        "journal_waiting": entries.get("waiting", 0),
        "journal_parked": entries.get("parked", 0),
        "outbox_waiting": parcels.get("waiting", 0) + parcels.get("sending", 0),
        "outbox_stuck": parcels.get("stuck", 0),
    }


@dataclass(frozen=True, slots=True)
class Gauges:
    """Everything that is asked for at a scrape."""

    database: Database
    now: Callable[[], datetime]
    known: tuple[str, ...] = ()
    """Destinations that are set up, shown also while nothing waits for them."""
    certificates: tuple[Certificate, ...] = ()
    activity: FeedActivity = field(default_factory=FeedActivity)
    disk: Path | None = None
    """A folder on the disk that must not fill up; None where a server keeps the database."""

    def __call__(self) -> Mapping[str, Asked]:
        """The gauges by name; without the database those that need none."""
        ends = {each.name: each.expires_at.timestamp() for each in self.certificates}
        found: dict[str, Asked] = {
            "certificate_expires_timestamp_seconds": ends,
            "database_fell_back": float(self.database.mark.is_lost),
            **dict(_room(self.disk)),
        }
        try:
            return {**found, **self._kept()}
        except DatabaseError:
            return found

    def _kept(self) -> dict[str, Asked]:
        """What the database knows."""
        now = self.now()
        with self.database.read() as tx:
            queues = destinations.queues(tx, self.known)
            is_held = holds.standing(tx) is not None
            asked, later = requests.waiting(tx), requests.later(tx, now)
            shared = lanes.held_by_anybody(tx)
            oldest = oldest_waiting(tx)
            heard = self.activity.look(tx, now)
        return {
            **backlog(self.database),
            **({} if shared is None else {"lanes_held": float(shared)}),
            "decisions_waiting": float(asked),
            "decisions_later": float(later),
            "sends_held": float(is_held),
            "clock_step_seconds": step_of(self.now),
            "journal_oldest_seconds": _age(oldest, now),
            "feed_last_timestamp_seconds": {feed: at.timestamp() for feed, at in heard.items()},
            "destination_waiting": {q.destination: float(q.waiting) for q in queues},
            "destination_stuck": {q.destination: float(q.stuck) for q in queues},
            "destination_failing": {q.destination: float(bool(q.failing_since)) for q in queues},
            "outbox_oldest_seconds": {q.destination: _age(q.oldest_at, now) for q in queues},
        }


def _room(disk: Path | None) -> Iterator[tuple[str, float]]:
    if disk is not None:
        usage = shutil.disk_usage(disk)
        yield "disk_free_bytes", float(usage.free)
        yield "disk_size_bytes", float(usage.total)


def _age(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else max(0.0, (now - since).total_seconds())
