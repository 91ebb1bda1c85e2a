"""The journal and what left because of it, for engineers and auditors."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, Select, bindparam, select

from alerts.store import outbox
from alerts.store.tables import outbox as outbox_table
from ingest import journal
from ingest.entry import Entry
from ingest.feed_activity import FeedHeard, feeds_heard
from ingest.journal import journal as journal_table
from service.web.access import Role, Viewer

PAGE = 50

# The newest entries first, by id: the primary key, so a page costs the same however old it is.
_LISTED = select(
    journal_table.c.id,
    journal_table.c.received_at,
    journal_table.c.source,
    journal_table.c.control_id,
    journal_table.c.trigger,
    journal_table.c.state,
    journal_table.c.reason,
).order_by(journal_table.c.id.desc())
# What left because of one entry, the oldest first.
_PARCELS = (
    select(outbox_table.c.id)
    .where(outbox_table.c.entry == bindparam("entry"))
    .order_by(outbox_table.c.id)
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries to list; an empty text means any."""

    control_id: str = ""
    trigger: str = ""
    state: str = ""
    since: datetime | None = None
    before: int = 0
    """Only entries older than this id."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One entry in the list: nothing of its content."""

    id: int
    received_at: datetime
    source: str
    control_id: str
    trigger: str
    state: str
    reason: str


def entries(viewer: Viewer, tx: Connection, wanted: Wanted) -> tuple[Listed, ...]:
    """One page and one more, so that the caller knows whether there are older ones."""
    if not _may(viewer):
        return ()
    rows = tx.execute(_search(wanted)).all()
    return tuple(
        Listed(
            row.id,
            row.received_at.replace(tzinfo=UTC),
            row.source,
            row.control_id,
            row.trigger,
            row.state,
            row.reason,
        )
        for row in rows
    )


def entry(viewer: Viewer, tx: Connection, entry_id: int) -> Entry | None:
    """One entry with its bytes; what of them is shown is the page's business."""
    return journal.get(tx, entry_id) if _may(viewer) else None


def parcels(viewer: Viewer, tx: Connection, entry_id: int) -> tuple[outbox.ParcelRow, ...]:
    """What left because of one entry."""
    if not _may(viewer):
        return ()
    ids = tx.execute(_PARCELS, {"entry": entry_id}).scalars().all()
    found = (outbox.get(tx, parcel_id) for parcel_id in ids)
    return tuple(parcel for parcel in found if parcel is not None)


def feeds(viewer: Viewer, tx: Connection, known: Collection[str]) -> Mapping[str, FeedHeard]:
    """When each of these feeds was last heard; one never heard is missing."""
    if not _may(viewer):
        return {}
    return {each.feed: each for each in feeds_heard(tx, known)}


def waiting(viewer: Viewer, tx: Connection) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """What is unfinished in the journal and in the outbox, by state."""
    if not _may(viewer):
        return {}, {}
    return journal.backlog(tx), outbox.backlog(tx)


def _may(viewer: Viewer) -> bool:
    return viewer.role in (Role.ENGINEER, Role.AUDITOR)


def _search(wanted: Wanted) -> Select[tuple[object, ...]]:
    query: Select[tuple[object, ...]] = _LISTED.limit(PAGE + 1)
    if wanted.control_id:
        query = query.where(journal_table.c.control_id == wanted.control_id)
    if wanted.trigger:
        query = query.where(journal_table.c.trigger == wanted.trigger)
    if wanted.state:
        query = query.where(journal_table.c.state == wanted.state)
    if wanted.since:
        query = query.where(journal_table.c.received_at >= wanted.since)
    if wanted.before:
        query = query.where(journal_table.c.id < wanted.before)
    return query


def _instant(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC)
