"""The one table of everything that came in."""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

REUSED = "control-id-reused"
_Id = BigInteger().with_variant(Integer, "sqlite")
_Instant = DateTime(timezone=True)

metadata = MetaData()

journal = Table(
    "journal",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("received_at", _Instant, nullable=False, index=True),
    Column("source", String(300), nullable=False),
    Column("peer", String(64), nullable=False),
    Column("feed", String(64), nullable=False),
    Column("sender", String(200), nullable=False),
    Column("control_id", String(200), nullable=False),
    Column("trigger", String(64), nullable=False),
    Column("lane", Integer, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("size", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("flags", Text, nullable=False, default=""),
    Column("repeats", Integer, nullable=False, default=0),
    Column("outcome", Text, nullable=False, default=""),
    Column("settled_at", _Instant),
    Column("answer", LargeBinary, nullable=False),
    Column("head", Text),
    Column("raw", LargeBinary),
    Index("ux_journal_message", "control_id", "sender", "digest", unique=True),
    Index("ix_journal_state", "state", "id"),
)
"""``raw`` is the block as it came; None, with MSH alone in ``head``, where it was over a limit.
``answer`` is the acknowledgement without its frame, given again to a repeat."""

feed_activity = Table(
    "feed_activity",
    metadata,
    Column("feed", String(64), primary_key=True),
    Column("hospital", Text, primary_key=True),
    Column("heard_at", _Instant, nullable=False),
    Column("fresh_at", _Instant),
)
"""When the newest settled message of a feed came that placed a patient in a hospital, and the
newest of them that was no old news; the empty hospital is of messages that named none. Nobody
deletes from it: feeds and hospitals are few."""
