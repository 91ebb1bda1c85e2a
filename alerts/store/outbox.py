"""The outbox: finished bytes for each receiver, carried at least once and in order per alert."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, and_, bindparam, exists, func, insert, or_, select, update

from alerts.delivery import Route
from alerts.model.alert import Recipient, RecipientKind
from alerts.store.holds import IS_HELD, OVERTAKEN
from alerts.store.tables import alert as alert_table
from alerts.store.tables import outbox as outbox_table
from alerts.store.tables import utc

TAKEN_BACK = "no longer true before it was sent"
NO_WAY = "no way out is set up for this destination"

# While sends are held it may be a repeat of what was sent before: what undoes it is sent too.
_PUT = insert(outbox_table).values(in_doubt=select(IS_HELD).scalar_subquery())

# Every version of these alerts that is queued already, in no order: a repeat adds nothing.
_QUEUED = select(outbox_table.c.alert, outbox_table.c.version, outbox_table.c.channel).where(
    outbox_table.c.alert.in_(bindparam("alerts", expanding=True))
)

_other = outbox_table.alias("other")
# What was carried, waits or was given up goes again; what is in somebody's hands or was withdrawn
# does not, nor what a later version has overtaken: an old version must not be the last word.
_RESEND = (
    update(outbox_table)
    .where(
        outbox_table.c.id == bindparam("parcel"),
        outbox_table.c.state.in_(("sent", "stuck", "waiting")),
        ~exists().where(
            _other.c.alert == outbox_table.c.alert,
            _other.c.destination == outbox_table.c.destination,
            _other.c.version > outbox_table.c.version,
            _other.c.state != "withdrawn",
        ),
        ~exists().where(
            alert_table.c.id == outbox_table.c.alert,
            alert_table.c.version > outbox_table.c.version,
        ),
    )
    .values(
        state="waiting",
        refusals=0,
        next_at=bindparam("now"),
        settled_at=None,
        in_doubt=or_(outbox_table.c.in_doubt, outbox_table.c.state == "sent"),
    )
)

# Parcels for a destination that nobody here carries to, also what a dead carrier had in hand.
_STRAND = (
    update(outbox_table)
    .where(
        or_(
            outbox_table.c.state == "waiting",
            and_(outbox_table.c.state == "sending", outbox_table.c.lease_until <= bindparam("now")),
        ),
        outbox_table.c.destination.not_in(bindparam("known", expanding=True)),
    )
    .values(
        state="stuck",
        next_at=None,
        settled_at=bindparam("now"),
        lease_until=None,
        in_doubt=or_(outbox_table.c.in_doubt, outbox_table.c.state == "sending"),
        last_answer=bindparam("why"),
    )
)

# What nobody can have taken yet is never carried.
_WITHDRAW = (
    update(outbox_table)
    .where(
        outbox_table.c.alert == bindparam("wanted"),
        outbox_table.c.state.in_(("waiting", "stuck")),
        ~outbox_table.c.in_doubt,
    )
    .values(state="withdrawn", next_at=None, settled_at=bindparam("now"), last_answer=TAKEN_BACK)
)

# An earlier version is not sent any more once a newer one is queued. For many at once: no IN.
_OVERTAKE = (
    update(outbox_table)
    .where(
        outbox_table.c.alert == bindparam("wanted"),
        outbox_table.c.version < bindparam("than"),
        or_(outbox_table.c.state == "waiting", outbox_table.c.state == "stuck"),
    )
    .values(state="withdrawn", next_at=None, settled_at=bindparam("at"), last_answer=OVERTAKEN)
)

# Where the notices of a stay are. Locked, so that no carrier takes one until what was decided of it
# is kept.
_NOTICES = (
    select(outbox_table.c.alert, outbox_table.c.state, outbox_table.c.in_doubt)
    .where(outbox_table.c.stay == bindparam("stay"), outbox_table.c.kind == "Communication")
    .order_by(outbox_table.c.id)
    .with_for_update(of=outbox_table)
)

# Has somebody outside, or the inbox, any version of this alert, or may they have one?
_IS_OUT = select(outbox_table.c.id).where(
    outbox_table.c.alert == bindparam("wanted"),
    or_(outbox_table.c.state.in_(("sent", "sending")), outbox_table.c.in_doubt),
)

# Oldest first, without the payload's meaning: ids, desks and states.
_FIND = select(outbox_table).order_by(outbox_table.c.id)
_STUCK = _FIND.where(outbox_table.c.state == "stuck")
_GET = select(outbox_table).where(outbox_table.c.id == bindparam("parcel"))
_COUNTS = select(outbox_table.c.state, func.count().label("parcels")).group_by(outbox_table.c.state)
_BACKLOG = _COUNTS.where(outbox_table.c.state.in_(("waiting", "sending", "stuck")))


@dataclass(frozen=True, slots=True)
class Posting:
    """One version of a Task or notice for one receiver."""

    alert: str
    stay: str
    kind: str
    version: int
    recipient: Recipient
    route: Route
    entry: int | None = None
    is_sent: bool = False
    """Deciding is sending: nobody carries it."""

    @property
    def key(self) -> tuple[str, int, str]:
        """What there is one of in the outbox: a version of an alert for a channel."""
        return self.alert, self.version, self.route.channel


@dataclass(frozen=True, slots=True)
class ParcelRow:
    """A parcel as the outbound record shows it."""

    id: int
    alert: str
    stay: str
    kind: str
    version: int
    recipient: Recipient
    channel: str
    destination: str
    state: str
    attempts: int
    next_at: datetime | None
    last_answer: str
    created_at: datetime
    settled_at: datetime | None
    entry: int | None


@dataclass(frozen=True, slots=True)
class Here:
    """Notices that nobody outside has: surely, or unless an attempt arrived unconfirmed."""

    unsent: frozenset[str] = frozenset()
    in_doubt: frozenset[str] = frozenset()


def put(tx: Connection, postings: Sequence[Posting], now: datetime) -> None:
    """Queue versions in this order, or note them as sent; a repeat adds nothing.

    An earlier version that still waits for the same receiver, or was given up, is overtaken: it
    never goes, whether or not an attempt may have arrived.
    """
    asked = {"alerts": sorted({posting.alert for posting in postings})}
    queued = {tuple(row) for row in tx.execute(_QUEUED, asked)}
    new = {p.key: p for p in postings if p.key not in queued}
    later = [p for p in new.values() if p.version > 1]
    if later:
        overtaking = [{"wanted": p.alert, "than": p.version, "at": now} for p in later]
        tx.execute(_OVERTAKE, overtaking)
    if new:
        tx.execute(_PUT, [_row_of(posting, now) for posting in new.values()])


def _row_of(posting: Posting, now: datetime) -> dict[str, object]:
    return {
        "alert": posting.alert,
        "version": posting.version,
        "channel": posting.route.channel,
        "stay": posting.stay,
        "kind": posting.kind,
        "recipient_kind": posting.recipient.kind.value,
        "recipient": posting.recipient.code,
        "destination": posting.route.destination,
        "state": "sent" if posting.is_sent else "waiting",
        "attempts": 0,
        "next_at": None if posting.is_sent else now,
        "last_answer": "",
        "created_at": now,
        "settled_at": now if posting.is_sent else None,
        "entry": posting.entry,
    }


def strand(tx: Connection, known: Sequence[str], now: datetime, why: str = NO_WAY) -> int:
    """Leave to a person what waits for any destination but these; how many."""
    return tx.execute(_STRAND, {"known": list(known), "now": now, "why": why}).rowcount


def resend(tx: Connection, parcel_id: int, now: datetime) -> bool:
    """Let a parcel go again, its refusals forgotten; False if it may not or does not exist."""
    return tx.execute(_RESEND, {"parcel": parcel_id, "now": now}).rowcount == 1


def withdraw(tx: Connection, alert_id: str, now: datetime) -> int:
    """Never carry what still waits for this alert; how many parcels that were."""
    return tx.execute(_WITHDRAW, {"wanted": alert_id, "now": now}).rowcount


def is_out(tx: Connection, alert_id: str) -> bool:
    """A recipient has a version of this alert, or may have one."""
    return tx.execute(_IS_OUT, {"wanted": alert_id}).first() is not None


def here(tx: Connection, stay_id: str) -> Here:
    """Which notices of this stay did not leave for sure, or may have left."""
    states: dict[str, set[tuple[str, bool]]] = {}
    for row in tx.execute(_NOTICES, {"stay": stay_id}):
        states.setdefault(row.alert, set()).add((row.state, bool(row.in_doubt)))
    unsent, in_doubt = set(), set()
    for alert, found in states.items():
        if any(state in ("sent", "sending") and not doubt for state, doubt in found):
            continue
        if any(state == "sent" for state, _ in found):
            continue
        if any(doubt or state == "sending" for state, doubt in found):
            in_doubt.add(alert)
        elif any(state in ("waiting", "stuck") for state, _ in found):
            unsent.add(alert)
    return Here(frozenset(unsent), frozenset(in_doubt))


def find(tx: Connection, stuck: bool = False) -> list[ParcelRow]:
    """Every parcel, or those given up, oldest first."""
    return [_parcel_row(row) for row in tx.execute(_STUCK if stuck else _FIND)]


def get(tx: Connection, parcel_id: int) -> ParcelRow | None:
    """The parcel of that id, None if there is none."""
    row = tx.execute(_GET, {"parcel": parcel_id}).first()
    return None if row is None else _parcel_row(row)


def backlog(tx: Connection) -> Mapping[str, int]:
    """How many parcels are still here; those sent or withdrawn are not counted through."""
    return {row.state: row.parcels for row in tx.execute(_BACKLOG)}


def counts(tx: Connection) -> Mapping[str, int]:
    """How many parcels are in each state; a state without parcels is absent."""
    return {row.state: row.parcels for row in tx.execute(_COUNTS)}


def _recipient(row: Row[tuple[object, ...]]) -> Recipient:
    return Recipient(RecipientKind(row.recipient_kind), str(row.recipient))


def _parcel_row(row: Row[tuple[object, ...]]) -> ParcelRow:
    return ParcelRow(
        id=row.id,
        alert=row.alert,
        stay=row.stay,
        kind=row.kind,
        version=row.version,
        recipient=_recipient(row),
        channel=row.channel,
        destination=row.destination,
        state=row.state,
        attempts=row.attempts,
        next_at=utc(row.next_at),
        last_answer=row.last_answer,
        created_at=utc(row.created_at),
        settled_at=utc(row.settled_at),
        entry=row.entry,
    )
