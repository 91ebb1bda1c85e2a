"""Parked entries of the journal put back in line, each with its reason where it stays."""

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, bindparam, update

from ingest.entry import Entry
from ingest.journal import get, journal

FeedOf = Callable[[bytes], str | None]
"""Names the feed of a block that had none when it came."""


def requeue(tx: Connection, ids: Sequence[int], feed_of: FeedOf) -> dict[int, str]:
    """Parked entries with bytes back to waiting; why not, for each that stays as it is."""
    told = {each: _requeue(tx, get(tx, each), feed_of) for each in dict.fromkeys(ids)}
    return {each: why for each, why in told.items() if why}


_REQUEUE = (
    update(journal)
    .where(journal.c.id == bindparam("entry_id"), journal.c.state == "parked")
    .values(
        state="waiting",
        reason="",
        settled_at=None,
        feed=bindparam("to_feed"),
        source=bindparam("to_source"),
    )
)


def _requeue(tx: Connection, entry: Entry | None, feed_of: FeedOf) -> str:
    """Why it stays as it is; empty if it goes."""
    if entry is None:
        return "there is no such entry"
    if entry.state != "parked":
        return f"it is {entry.state}, not parked"
    if not entry.raw:
        return "only its header was kept, not the message: send it anew"
    feed = feed_of(entry.raw)  # a feed may have been renamed since
    if not feed:
        return "still no feed of the site file names its sender"
    is_named = entry.source.endswith((":-", f":{entry.feed}"))
    source = f"{entry.source.partition(':')[0]}:{feed}" if is_named else entry.source
    # Promise: only an entry that is still parked moves, so two people requeue it once.
    values = {"entry_id": entry.id, "to_feed": feed, "to_source": source}
    return "" if tx.execute(_REQUEUE, values).rowcount else "somebody else has just requeued it"
