"""The tables, mirrored from the migrations; a test proves that both say the same.

What hospitals and people name is Text, so that both databases take it in full. Instants are UTC;
SQLite keeps no zone, so rows are read through ``utc`` which puts it back.
"""

from datetime import UTC, datetime
from typing import overload

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    text,
)

metadata = MetaData()
Id = BigInteger().with_variant(Integer, "sqlite")
Instant = DateTime(timezone=True)


@overload
def utc(value: datetime) -> datetime: ...
@overload
def utc(value: None) -> None: ...
def utc(value: datetime | None) -> datetime | None:
    """The instant as read from a row, aware."""
    return None if value is None else value.replace(tzinfo=UTC)


registration = Table(
    "registration",
    metadata,
    Column("key", Text, primary_key=True),
    Column("centre", Text, nullable=False, index=True),
    Column("registration_id", Text, nullable=False, index=True),
    Column("number_kind", String(16), nullable=False),
    Column("number", String(64), nullable=False),
    Column("birth_date", Date, nullable=False),
    Column("name_key", Text, nullable=False),
    Column("ended_on", Date),
    Column("body", Text, nullable=False),
    Column("imported_at", Instant, nullable=False),
    Column("version", Integer, nullable=False, default=1),
    Column(
        "from_generation",
        BigInteger,
        primary_key=True,
        autoincrement=False,
        server_default=text("0"),
    ),
    Column("until_generation", BigInteger),
    Index("ix_registration_number", "number"),
    Index("ix_registration_person", "birth_date", "name_key"),
    Index("ix_registration_from", "from_generation", "key"),
    Index("ix_registration_until", "until_generation", "key"),
)
"""``body`` is the Registration as JSON; ``name_key`` the folded family and first given name. A row
is seen from a generation of the register on until another, so that an import shows all at once."""

decided_from = Table(
    "decided_from",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("generation", BigInteger, nullable=False),
    Column("site", Text, nullable=False),
)
"""One row: the generation of the register that holds, and the site file that held at the last
start; ``generation`` is the id of the import that is shown."""

register_import = Table(
    "register_import",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("state", String(16), nullable=False, index=True),
    Column("began_at", Instant, nullable=False),
    Column("beat_at", Instant, nullable=False),
    Column("position", Text, nullable=False),
    Column("centres", Text, nullable=False),
)
"""``state``: see ``imports.State``; ``position``: up to which key stays were asked for;
``beat_at``: when last alive, in the end when shown; ``centres``: whose rows it has."""

decide_request = Table(
    "decide_request",
    metadata,
    Column("stay", String(36), primary_key=True),
    Column("why", String(16), nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Index("ix_decide_request_due", "due_at", "stay"),
)
"""Stays to decide again soon, and why; ``due_at`` is later where a bug met one."""

match_decision = Table(
    "match_decision",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("registration", Text, nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("is_same", Boolean, nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("at", Instant, nullable=False, index=True),
    Column("subject", Text, nullable=False, server_default=text("''")),
    Column("stay", Text, nullable=False, server_default=text("''")),
    Column("taken_back_at", Instant),
    Column("taken_back_by", Text, nullable=False, server_default=text("''")),
    Index("ix_match_decision_pair", "registration", "fingerprint"),
)
"""What a coordinator answered, whom it binds (``subject``: a patient or a stay; empty: nobody), and
of which stay the question was. Nobody deletes from it but an erasure."""

stay = Table(
    "stay",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("feed", Text, nullable=False),
    Column("visit", Text, nullable=False, index=True),
    Column("hospital", Text),
    Column("ward", Text),
    Column("status", String(16), nullable=False),
    Column("number", String(64), index=True),
    Column("second_number", String(64), index=True),
    Column("birth_date", Date),
    Column("name_key", Text),
    Column("planned_on", Date),
    Column("discharged_at", Instant),
    Column("wake_at", Instant, index=True),
    Column("last_order", Text, nullable=False),
    Column("last_event_at", Instant),
    Column("body", Text, nullable=False),
    Column("version", Integer, nullable=False, default=1),
    Column("decided_under", Text),
    Column("patient", String(36), index=True),
    Column("old_news_at", Instant),
    Column("unsaid", Integer, nullable=False, server_default=text("0")),
    Index("ix_stay_ward", "hospital", "ward", "status"),
    Index("ix_stay_person", "birth_date", "name_key"),
)
"""``body`` is the Stay as JSON; ``last_order`` the order key of the newest folded event;
``number`` and ``second_number`` the patient's CHI and NHS number, in that order as far as known, so
that an import finds the open stays it concerns; ``decided_under`` names the register and the site
as they were when it was last decided, so that nothing goes that was decided under others;
``old_news_at`` is when old news of it came that has not settled; ``unsaid`` counts suppressions."""

stay_event = Table(
    "stay_event",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("stay", String(36), nullable=False),
    Column("order_key", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("entry", BigInteger),
    Column("actor", Text),
    Column("body", Text, nullable=False),
    Column("learned_at", Instant, nullable=False),
    Index("ix_stay_event_order", "stay", "order_key"),
    Index("ix_stay_event_entry", "entry"),
)
"""Append-only: what the stay is folded from. ``kind`` is message, fact or answer; ``entry`` the
journal id, ``actor`` a person."""

suppression = Table(
    "suppression",
    metadata,
    Column("stay", String(36), primary_key=True),
    Column("registration", Text, primary_key=True),
    Column("code", String(40), primary_key=True),
    Column("why", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("entry", BigInteger),
    Index("ix_suppression_entry", "entry"),
)
"""What would be due and is not said, why, since when and by which message (``entry``); a row goes
when it is said or is not due any more."""

alert = Table(
    "alert",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("code", String(40), nullable=False),
    Column("stay", String(36), nullable=False, index=True),
    Column("registration", Text),
    Column("recipient_kind", String(16), nullable=False),
    Column("recipient", Text, nullable=False),
    Column("status", String(24), nullable=False),
    Column("state", String(24)),
    Column("authored_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("due_at", Instant),
    Column("entry", BigInteger),
    Column("subject", Text, nullable=False),
    Column("focus", String(36)),
    Column("version", Integer, nullable=False, default=1),
    Column("body", Text, nullable=False),
    Index("ix_alert_desk", "recipient_kind", "recipient", "status"),
    Index("ix_alert_registration", "registration"),
    Index("ix_alert_updated", "updated_at", "id"),
    Index("ix_alert_entry", "entry"),
    Index("ix_alert_subject", "subject"),
)
"""``kind`` is Task or Communication, ``body`` our record as JSON, ``version`` the one that stands;
``subject`` is ``system|value`` of whom it names; ``entry`` the journal entry that last
changed it (None: a clock or a person)."""

alert_version = Table(
    "alert_version",
    metadata,
    Column("alert", String(36), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("facts", Text, nullable=False),
    Column("rendered", Text, nullable=False),
    Column("cause", String(16), nullable=False),
    Column("by", Text),
    Column("at", Instant, nullable=False),
    Column("entry", BigInteger),
)
"""Append-only: every version that a reader was told, and the one place where its FHIR JSON stands.
``facts`` are those that it discloses, by which the next one is compared (empty in versions of the
release before); ``cause`` is what made it (``Cause``), ``by`` the person, ``entry`` the message."""

outbox = Table(
    "outbox",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("alert", String(36), nullable=False),
    Column("stay", String(36), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("version", Integer, nullable=False),
    Column("recipient_kind", String(16), nullable=False),
    Column("recipient", Text, nullable=False),
    Column("channel", String(16), nullable=False),
    Column("destination", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("refusals", Integer, nullable=False, default=0),
    Column("etag", Text, nullable=False, default=""),
    Column("in_doubt", Boolean, nullable=False, default=False),
    Column("next_at", Instant),
    Column("lease_until", Instant),
    Column("last_answer", Text, nullable=False, default=""),
    Column("created_at", Instant, nullable=False),
    Column("settled_at", Instant),
    Column("entry", BigInteger),
    Index("ix_outbox_due", "state", "next_at"),
    Index("ix_outbox_destination", "destination", "state", "id"),
    Index("ix_outbox_stay", "stay"),
    Index("ix_outbox_alert", "alert", "version", "channel", unique=True),
    Index("ix_outbox_entry", "entry"),
)
"""``state``: waiting, sending, sent, withdrawn, stuck (contract §2). ``attempts`` rises with each
claim, ``refusals`` with each time the receiver put the parcel off; ``etag`` is the receiver's name
for the version it took; ``in_doubt``: an attempt may have arrived though nobody said so."""

destination = Table(
    "destination",
    metadata,
    Column("name", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("paused_until", Instant),
    Column("failing_since", Instant),
    Column("why", Text, nullable=False),
)
"""One row for each receiver that has failed once; ``failures`` in a row, 0 while it is well."""

hold = Table(
    "hold",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("since", Instant, nullable=False),
    Column("why", Text, nullable=False),
    Column("released_at", Instant),
    Column("released_by", Text),
)
"""While one is not released nothing is carried, except to the inbox."""

gap = Table(
    "gap",
    metadata,
    Column("hold", BigInteger, primary_key=True, autoincrement=False),
    Column("feed", Text, primary_key=True),
    Column("newest_at", Instant, nullable=False),
)
"""When the newest message of each feed came that was known as sends were held."""

held_centre = Table(
    "held_centre",
    metadata,
    Column("hold", BigInteger, primary_key=True, autoincrement=False),
    Column("centre", Text, primary_key=True),
    Column("released_at", Instant),
    Column("released_by", Text),
    Column("register_of", Date),
)
"""Centres whose register was not imported since a restore: what rests on it stays held until a
person says of which day the register is (``register_of``)."""

policy_value = Table(
    "policy_value",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("name", String(64), nullable=False, index=True),
    Column("value", Float),
    Column("holds_from", Instant, nullable=False),
)
"""By the date from which they hold; no value means that the default holds again."""

token = Table(
    "token",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("role", String(24), nullable=False),
    Column("scope", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
)
"""``digest`` is SHA-256 of the token, ``scope`` one code a line."""

session = Table(
    "session",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("role", String(24), nullable=False),
    Column("scope", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("csrf", String(64), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
)
"""``id`` is SHA-256 of the cookie's value."""

audit = Table(
    "audit",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("at", Instant, nullable=False),
    Column("actor", Text, nullable=False),
    Column("role", String(24), nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("reason", Text, nullable=False),
)
"""Who looked at or did what; ``subject`` is one of our ids, never a patient's number."""
