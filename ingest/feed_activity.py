"""When each feed last told us something that we understood, and since when something waits.

A feed's activity is the time of its newest message that was settled, and of the newest of them that
was no old news: never a probe of our own, nor what was parked, ignored or refused. The worker keeps
it in one small table, so that it is asked for without reading the journal.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from ingest.journal import journal
from ingest.table import feed_activity

GRAIN = timedelta(seconds=15)
"""A row that is no older than this is left, so that workers beside each other rarely meet on it."""

# A range of states in the order of their index: where many wait, PostgreSQL would take the order
# of the ids alone for shorter, and read through all that is finished.
_OLDEST = (
    select(journal.c.received_at)
    .where(journal.c.state.between("waiting", "waiting"))
    .order_by(journal.c.state, journal.c.id)
    .limit(1)
)
# One row for each feed and hospital, a few dozen at most.
_ALL = select(feed_activity.c.feed, feed_activity.c.hospital, feed_activity.c.heard_at)
_KNOWN = select(feed_activity).where(feed_activity.c.feed.in_(bindparam("feeds", expanding=True)))
_PACE = select(func.max(feed_activity.c.heard_at), func.max(feed_activity.c.fresh_at)).where(
    feed_activity.c.feed == bindparam("feed")
)
# Only forward: an old message that is settled late says nothing new. Back only from a time that has
# not come yet, which a wrong clock gave.
_HEARD = (
    update(feed_activity)
    .where(
        feed_activity.c.feed == bindparam("of_feed"),
        feed_activity.c.hospital == bindparam("of_hospital"),
        or_(
            feed_activity.c.heard_at < bindparam("at"),
            feed_activity.c.heard_at > bindparam("now"),
        ),
    )
    .values(heard_at=bindparam("at"))
)
_FRESH = (
    update(feed_activity)
    .where(
        feed_activity.c.feed == bindparam("of_feed"),
        feed_activity.c.hospital == bindparam("of_hospital"),
        or_(
            feed_activity.c.fresh_at.is_(None),
            feed_activity.c.fresh_at < bindparam("at"),
            feed_activity.c.fresh_at > bindparam("now"),
        ),
    )
    .values(fresh_at=bindparam("at"))
)
# Where another worker made the row at the same time, theirs is as good.
_FIRST = {
    "sqlite": sqlite.insert(feed_activity).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(feed_activity).on_conflict_do_nothing(),
}


@dataclass(frozen=True, slots=True)
class FeedHeard:
    """When a feed last sent what was settled, and the hospitals where it ever placed a patient."""

    feed: str
    at: datetime
    hospitals: frozenset[str]


@dataclass(slots=True)
class Spoke:
    """When the newest messages of a feed came, that of old news aside: None where all were."""

    at: datetime
    fresh_at: datetime | None = None

    def join(self, other: "Spoke") -> None:
        """Other messages came as well."""
        self.at = max(self.at, other.at)
        if other.fresh_at:
            self.fresh_at = max(self.fresh_at or other.fresh_at, other.fresh_at)


def note(tx: Connection, heard: Mapping[tuple[str, str], Spoke], now: datetime) -> None:
    """Keep when messages came that are settled now, by feed and by the hospital they named.

    An empty hospital is a message that named none. Call it last in a transaction: the rows are
    shared by all workers, and are written in one order.
    """
    if not heard:
        return
    feeds = sorted({feed for feed, _ in heard})
    rows = tx.execute(_KNOWN, {"feeds": feeds})
    known = {(row.feed, row.hospital): row for row in rows}
    for feed, hospital in sorted(heard):
        spoke, before = heard[feed, hospital], known.get((feed, hospital))
        if before is None:
            row = {"feed": feed, "hospital": hospital, "heard_at": spoke.at}
            tx.execute(_FIRST[tx.dialect.name], row | {"fresh_at": spoke.fresh_at})
            continue
        where = {"of_feed": feed, "of_hospital": hospital, "now": now}
        if _is_news(spoke.at, before.heard_at, now):
            tx.execute(_HEARD, where | {"at": spoke.at})
        if spoke.fresh_at is not None and _is_news(spoke.fresh_at, before.fresh_at, now):
            tx.execute(_FRESH, where | {"at": spoke.fresh_at})


def _is_news(at: datetime, before: datetime | None, now: datetime) -> bool:
    if before is None:
        return True
    known = _instant(before)
    return at - known >= GRAIN or known > now


class FeedPace(NamedTuple):
    """What a feed sends just now: its newest message, and its newest that was no old news."""

    heard_at: datetime | None
    fresh_at: datetime | None
    is_behind: bool
    """Messages were taken in a while ago and are not read yet."""


def pace(tx: Connection, feed: str, now: datetime) -> FeedPace:
    """What a feed sends just now, and whether all of it was read."""
    heard_at, fresh_at = tx.execute(_PACE, {"feed": feed}).one()
    waiting = oldest_waiting(tx)
    return FeedPace(
        heard_at=_instant(heard_at) if heard_at else None,
        fresh_at=_instant(fresh_at) if fresh_at else None,
        is_behind=waiting is not None and now - waiting > GRAIN,
    )


def feeds_heard(tx: Connection, known: Collection[str]) -> tuple[FeedHeard, ...]:
    """Each of these feeds that was ever heard, the longest silent first."""
    at: dict[str, datetime] = {}
    hospitals: dict[str, set[str]] = {}
    for row in tx.execute(_ALL):
        if row.feed in known:
            heard_at = _instant(row.heard_at)
            at[row.feed] = max(heard_at, at.get(row.feed, heard_at))
            hospitals.setdefault(row.feed, set()).add(row.hospital)
    found = (FeedHeard(feed, at[feed], frozenset(hospitals[feed] - {""})) for feed in at)
    return tuple(sorted(found, key=lambda each: (each.at, each.feed)))


def of_hospital(heard: Collection[FeedHeard], hospital: str) -> tuple[FeedHeard, ...]:
    """A hospital's own feeds: those that ever settled a message that placed a patient there.

    Another hospital's feed never did and says nothing of this one. A feed that ended leaves with
    its section of the site file.
    """
    return tuple(each for each in heard if hospital in each.hospitals)


def oldest_waiting(tx: Connection) -> datetime | None:
    """When the first of those that wait was received."""
    return _instant(at) if (at := tx.execute(_OLDEST).scalar()) else None


@dataclass(slots=True)
class FeedActivity:
    """When each feed was last heard, for a scrape; one never heard counts from the first look."""

    feeds: tuple[str, ...] = ()
    _since: datetime | None = None

    def look(self, tx: Connection, now: datetime) -> dict[str, datetime]:
        """By feed, each of the site file."""
        self._since = self._since or now
        heard = {each.feed: each.at for each in feeds_heard(tx, self.feeds)}
        return {feed: heard.get(feed, self._since) for feed in self.feeds}


def _instant(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC)
