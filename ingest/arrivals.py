"""Since when something waits, and when each feed last sent; asked often, so never a scan."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import Connection, bindparam, func, select

from ingest.journal import journal

RECENT = 5_000
"""Entries that are looked through at most."""
LATE = 500
"""Entries that may become visible after one with a higher number."""

# A range of states in the order of their index: where many wait, PostgreSQL would take the order
# of the ids alone for shorter, and read through all that is finished.
_OLDEST = (
    select(journal.c.received_at)
    .where(journal.c.state.between("waiting", "waiting"))
    .order_by(journal.c.state, journal.c.id)
    .limit(1)
)
_newest = (
    select(journal.c.id, journal.c.feed, journal.c.received_at, journal.c.control_id)
    .where(journal.c.id > bindparam("after"))
    .order_by(journal.c.id.desc())
    .limit(RECENT)
    .subquery()
)
# Each feed's last message among the newest entries, by the primary key.
_ARRIVED = (
    select(
        _newest.c.feed,
        func.max(_newest.c.id).label("id"),
        func.min(_newest.c.received_at).label("first_at"),
        func.max(_newest.c.received_at).label("last_at"),
    )
    .where(_newest.c.control_id.not_like(bindparam("but_not")))
    .group_by(_newest.c.feed)
)


def oldest_waiting(tx: Connection) -> datetime | None:
    """When the first of those that wait was received."""
    return _instant(at) if (at := tx.execute(_OLDEST).scalar()) else None


@dataclass(slots=True)
class Arrivals:
    """When each feed last sent something, remembered from one look to the next."""

    feeds: tuple[str, ...] = ()
    but_not: str = ""
    """Control ids (a LIKE pattern) of messages of our own, which say nothing of the sender."""
    _seen: int = 0
    _last: dict[str, datetime] = field(default_factory=dict)

    def look(self, tx: Connection, now: datetime) -> dict[str, datetime]:
        """By feed; one that is not among the newest entries has sent nothing since the first."""
        asked = {"after": max(0, self._seen - LATE), "but_not": self.but_not}
        rows = tx.execute(_ARRIVED, asked).all()
        self._seen = max([self._seen, *(row.id for row in rows)])
        self._last.update({row.feed: _instant(row.last_at) for row in rows})
        since = min([now, *(_instant(row.first_at) for row in rows)])
        return {feed: self._last.setdefault(feed, since) for feed in self.feeds}


def _instant(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC)
