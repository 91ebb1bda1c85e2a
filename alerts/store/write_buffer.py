"""What one transaction decided and has not written yet, so that it is written together."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from alerts.model.alert import Alert
from alerts.store import alerts, outbox


class WriteBuffer:
    """New versions of alerts and their outbox messages, in the order in which they came.

    What is here is not in the database: call ``flush_of`` before asking it about these stays.
    """

    def __init__(self, tx: Connection, now: datetime) -> None:
        """Empty; the transaction is open."""
        self._tx = tx
        self._now = now
        self._stays: set[str] = set()
        self._told: list[tuple[Alert, alerts.Version]] = []
        self._postings: list[outbox.Posting] = []

    def record(self, alert: Alert, told: alerts.Version) -> None:
        """Keep a new or changed alert with the version that its reader is told."""
        self._stays.add(alert.stay)
        self._told.append((alert, told))

    def put(self, posting: outbox.Posting) -> None:
        """Queue a version for its reader."""
        self._stays.add(posting.stay)
        self._postings.append(posting)

    def flush_of(self, stay_ids: Iterable[str]) -> None:
        """Write everything where something of one of these stays is not written yet."""
        if not self._stays.isdisjoint(stay_ids):
            self.flush()

    def flush(self) -> None:
        """Write everything."""
        told, postings = self._told, self._postings
        self._stays, self._told, self._postings = set(), [], []
        if told:
            alerts.record(self._tx, told)
        if postings:
            outbox.put(self._tx, postings, self._now)
