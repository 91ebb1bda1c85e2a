"""The outbox: finished bytes for each receiver, carried at least once and in order per alert."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

from sqlalchemy import Connection, Row, and_, bindparam, exists, func, insert, or_, select, update

from alerts.delivery import GivenUp, Outcome, Parcel, Retry, Sent
from alerts.model.alert import Recipient, RecipientKind
from alerts.store.tables import outbox as outbox_table
from alerts.store.tables import utc

_earlier = outbox_table.alias("earlier")

_PUT = insert(outbox_table)

# Is this version of the alert queued for this channel already? Then a repeat adds nothing.
_QUEUED = select(outbox_table.c.id).where(
    outbox_table.c.alert == bindparam("alert"),
    outbox_table.c.version == bindparam("version"),
    outbox_table.c.channel == bindparam("channel"),
)

# Parcels to carry now: waiting and due, or in the hands of somebody whose lease ran out. An earlier
# parcel of the same alert and channel goes first, even while it waits for its next attempt. Rows
# that another claimer is just taking are left to them (SKIP LOCKED), so no two get the same one.
_DUE = (
    select(outbox_table)
    .where(
        or_(
            and_(outbox_table.c.state == "waiting", outbox_table.c.next_at <= bindparam("now")),
            and_(outbox_table.c.state == "sending", outbox_table.c.lease_until <= bindparam("now")),
        ),
        ~exists().where(
            _earlier.c.alert == outbox_table.c.alert,
            _earlier.c.channel == outbox_table.c.channel,
            _earlier.c.id < outbox_table.c.id,
            _earlier.c.state.in_(("waiting", "sending")),
        ),
    )
    .order_by(outbox_table.c.id)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True, of=outbox_table)
)
_LEASE = (
    update(outbox_table)
    .where(outbox_table.c.id == bindparam("parcel"))
    .values(
        state="sending",
        attempts=outbox_table.c.attempts + 1,
        lease_until=bindparam("until"),
        next_at=None,
    )
)

# Parcels that a process had in hand when it was killed.
_RELEASE = (
    update(outbox_table)
    .where(outbox_table.c.state == "sending")
    .values(state="waiting", next_at=bindparam("now"), lease_until=None)
)

# Only the holder of the lease settles: each claim raises ``attempts``, so a late settle of an
# earlier holder finds another number there and changes nothing.
_SETTLE = update(outbox_table).where(
    outbox_table.c.id == bindparam("parcel"),
    outbox_table.c.state == "sending",
    outbox_table.c.attempts == bindparam("attempt"),
)

# What was carried, waits or was given up goes again; what is in somebody's hands or was withdrawn
# does not.
_RESEND = (
    update(outbox_table)
    .where(
        outbox_table.c.id == bindparam("parcel"),
        outbox_table.c.state.in_(("sent", "stuck", "waiting")),
    )
    .values(state="waiting", attempts=0, next_at=bindparam("now"), settled_at=None)
)

# What nobody has taken yet is never carried.
_WITHDRAW = (
    update(outbox_table)
    .where(
        outbox_table.c.alert == bindparam("wanted"),
        outbox_table.c.state.in_(("waiting", "stuck")),
    )
    .values(state="withdrawn", next_at=None, settled_at=bindparam("now"))
)

# Notices of a stay that are still here: undone now, they need no correction.
_UNSENT = select(outbox_table.c.alert).where(
    outbox_table.c.stay == bindparam("stay"),
    outbox_table.c.kind == "Communication",
    outbox_table.c.state.in_(("waiting", "stuck")),
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
    channel: str
    payload: str
    entry: int | None = None


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
    payload: str
    state: str
    attempts: int
    next_at: datetime | None
    last_answer: str
    created_at: datetime
    settled_at: datetime | None
    entry: int | None


def put(tx: Connection, posting: Posting, now: datetime, sent: bool = False) -> None:
    """Queue a parcel, or note it as ``sent`` where deciding is sending; a repeat adds nothing."""
    key = {"alert": posting.alert, "version": posting.version, "channel": posting.channel}
    if tx.execute(_QUEUED, key).first() is not None:
        return
    tx.execute(
        _PUT,
        key
        | {
            "stay": posting.stay,
            "kind": posting.kind,
            "recipient_kind": posting.recipient.kind.value,
            "recipient": posting.recipient.code,
            "payload": posting.payload,
            "state": "sent" if sent else "waiting",
            "attempts": 0,
            "next_at": None if sent else now,
            "last_answer": "",
            "created_at": now,
            "settled_at": now if sent else None,
            "entry": posting.entry,
        },
    )


def claim_due(tx: Connection, now: datetime, lease_for: timedelta, limit: int) -> list[Parcel]:
    """Take what is due until the lease runs out, oldest first, one parcel an alert."""
    rows = tx.execute(_DUE, {"now": now, "limit": limit}).all()
    if rows:
        until = now + lease_for
        tx.execute(_LEASE, [{"parcel": row.id, "until": until} for row in rows])
    return [
        Parcel(
            id=row.id,
            alert=row.alert,
            kind=row.kind,
            version=row.version,
            recipient=_recipient(row),
            channel=row.channel,
            payload=row.payload,
            attempts=row.attempts,
        )
        for row in rows
    ]


def release(tx: Connection, now: datetime) -> int:
    """Let parcels in hand go again; only for who knows that nobody else carries. How many."""
    return tx.execute(_RELEASE, {"now": now}).rowcount


def settle(tx: Connection, parcel: Parcel, outcome: Outcome, now: datetime) -> bool:
    """Keep what came of an attempt; False where the lease is somebody else's by now."""
    values: dict[str, object] = {"lease_until": None}
    match outcome:
        case Sent(answer=answer):
            values |= {"state": "sent", "settled_at": now, "last_answer": answer}
        case Retry(at=at, why=answer):
            values |= {"state": "waiting", "next_at": at, "last_answer": answer}
        case GivenUp(why=answer):
            values |= {"state": "stuck", "settled_at": now, "last_answer": answer}
        case _:
            assert_never(outcome)
    key = {"parcel": parcel.id, "attempt": parcel.attempts + 1}
    return tx.execute(_SETTLE.values(**values), key).rowcount == 1


def resend(tx: Connection, parcel_id: int, now: datetime) -> bool:
    """Let a parcel go again from the first attempt; False if it may not or does not exist."""
    return tx.execute(_RESEND, {"parcel": parcel_id, "now": now}).rowcount == 1


def withdraw(tx: Connection, alert_id: str, now: datetime) -> int:
    """Never carry what still waits for this alert; how many parcels that were."""
    return tx.execute(_WITHDRAW, {"wanted": alert_id, "now": now}).rowcount


def unsent(tx: Connection, stay_id: str) -> list[str]:
    """Ids of the notices of this stay that nobody has carried yet."""
    return list(tx.execute(_UNSENT, {"stay": stay_id}).scalars())


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
        payload=row.payload,
        state=row.state,
        attempts=row.attempts,
        next_at=utc(row.next_at),
        last_answer=row.last_answer,
        created_at=utc(row.created_at),
        settled_at=utc(row.settled_at),
        entry=row.entry,
    )
