"""What a scrape asks for: what waits, for whom, since when, and what runs out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from alerts.store import destinations, holds, outbox
from alerts.store.destinations import Queue
from ingest import journal
from service import lanes
from service.certificates import Certificate
from service.clock import step_of
from service.database import Database
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

    def __call__(self) -> Mapping[str, Asked]:
        """The gauges by name."""
        now = self.now()
        with self.database.read() as tx:
            queues = destinations.queues(tx, self.known)
            is_held = holds.standing(tx) is not None
            shared = lanes.held_by_anybody(tx)
        return {
            **backlog(self.database),
            **({} if shared is None else {"lanes_held": float(shared)}),
            "sends_held": float(is_held),
            "clock_step_seconds": step_of(self.now),
            "destination_waiting": {q.destination: float(q.waiting) for q in queues},
            "destination_stuck": {q.destination: float(q.stuck) for q in queues},
            "destination_failing": {q.destination: float(bool(q.failing_since)) for q in queues},
            "outbox_oldest_seconds": {q.destination: _age(q, now) for q in queues},
            "certificate_expires_timestamp_seconds": {
                each.name: each.expires_at.timestamp() for each in self.certificates
            },
        }


def _age(queue: Queue, now: datetime) -> float:
    return 0.0 if queue.oldest_at is None else max(0.0, (now - queue.oldest_at).total_seconds())
