"""Who carries a parcel now: claims with a lease, and how each attempt ended."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

from sqlalchemy import Connection, and_, bindparam, case, exists, func, or_, select, update

from alerts.delivery import (
    INBOX,
    LONGEST,
    OTHERS_FIRST,
    GivenUp,
    Held,
    Outcome,
    Parcel,
    Retry,
    Sent,
)
from alerts.model.alert import Recipient, RecipientKind
from alerts.store.holds import IS_HELD, IS_KEPT_FOR_ITS_REGISTER, OVERTAKEN
from alerts.store.register import UNDER
from alerts.store.tables import alert_version
from alerts.store.tables import outbox as outbox_table
from alerts.store.tables import stay as stay_table

UNDECIDED = "a fault in the service kept it from being decided again, and so from going"

_earlier = outbox_table.alias("earlier")

# Parcels to carry now: waiting and due, or in the hands of somebody whose lease ran out. An earlier
# parcel of the same stay and destination goes first, even while it waits for its next attempt. Rows
# that another claimer is just taking are left to them (SKIP LOCKED), so no two get the same one.
# While sends are held nothing is due, except for the inbox, which nobody outside sees.
# No index can help with the time as it is asked for here: those that wait are taken by their ids.
_next_at = func.coalesce(outbox_table.c.next_at, bindparam("now"))
_IS_WAITING = and_(
    outbox_table.c.state.between(
        "waiting", "waiting"
    ),  # a range, so that its index gives the order
    _next_at <= bindparam("now"),
)
_IS_LEFT = and_(outbox_table.c.state == "sending", outbox_table.c.lease_until <= bindparam("now"))
_MAY_GO = and_(
    outbox_table.c.destination == bindparam("destination"),
    or_(outbox_table.c.destination == INBOX, ~or_(IS_HELD, IS_KEPT_FOR_ITS_REGISTER)),
    ~exists().where(
        _earlier.c.stay == outbox_table.c.stay,
        _earlier.c.destination == outbox_table.c.destination,
        _earlier.c.id < outbox_table.c.id,
        _earlier.c.state.in_(("waiting", "sending")),
    ),
)
# Was the stay decided under another register or site than holds now, or is it due to be asked? Then
# what waits of it is decided again before it goes. A stay that is not there has nothing to decide.
_TO_ASK = exists().where(
    stay_table.c.id == outbox_table.c.stay,
    or_(
        stay_table.c.decided_under.is_(None),
        stay_table.c.decided_under != UNDER,
        stay_table.c.wake_at <= bindparam("now"),
    ),
)
_PAYLOAD = (
    select(alert_version.c.rendered)
    .where(
        alert_version.c.alert == outbox_table.c.alert,
        alert_version.c.version == outbox_table.c.version,
    )
    .scalar_subquery()
)
# What the destination called the version that it took last.
_TAKEN = (
    select(_earlier.c.etag)
    .where(
        _earlier.c.alert == outbox_table.c.alert,
        _earlier.c.destination == outbox_table.c.destination,
        _earlier.c.etag != "",
    )
    .order_by(_earlier.c.version.desc())
    .limit(1)
    .scalar_subquery()
)
_FIRST = (
    select(outbox_table, func.coalesce(_TAKEN, "").label("taken"), _PAYLOAD.label("payload"))
    .where(_MAY_GO)
    .order_by(outbox_table.c.destination, outbox_table.c.state, outbox_table.c.id)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True, of=outbox_table)
)
# Two questions, each answered along the index from its first row: with an OR between them every
# parcel that waits would be looked at, for each one that goes.
_LEFT, _WAITING = _FIRST.where(_IS_LEFT, ~_TO_ASK), _FIRST.where(_IS_WAITING, ~_TO_ASK)
_TAKEN_BEFORE = (
    select(_PAYLOAD)
    .select_from(outbox_table)
    .where(
        outbox_table.c.alert == bindparam("alert"),
        outbox_table.c.destination == bindparam("destination"),
        outbox_table.c.version < bindparam("version"),
        or_(outbox_table.c.state == "sent", outbox_table.c.in_doubt),
    )
    .order_by(outbox_table.c.version)
)
_DUE_TO_ASK = (
    select(outbox_table.c.stay, _TO_ASK.label("to_ask"))
    .where(_MAY_GO)
    .order_by(outbox_table.c.destination, outbox_table.c.state, outbox_table.c.id)
    .limit(bindparam("limit"))
)
_LEFT_TO_ASK, _WAITING_TO_ASK = _DUE_TO_ASK.where(_IS_LEFT), _DUE_TO_ASK.where(_IS_WAITING)
_LEASE = (
    update(outbox_table)
    .where(outbox_table.c.id == bindparam("parcel"))
    .values(
        # Where a lease ran out, its holder may have carried it before it died.
        in_doubt=or_(outbox_table.c.in_doubt, outbox_table.c.state == "sending"),
        state="sending",
        attempts=outbox_table.c.attempts + 1,
        lease_until=bindparam("until"),
        next_at=None,
    )
)

# What waits of a stay that could not be decided again, and what a dead carrier had in hand of it.
_PUT_OFF = (
    update(outbox_table)
    .where(
        outbox_table.c.stay == bindparam("wanted"),
        outbox_table.c.destination == bindparam("asked"),
        or_(_IS_LEFT, outbox_table.c.state == "waiting"),
    )
    .values(
        in_doubt=or_(outbox_table.c.in_doubt, outbox_table.c.state == "sending"),
        state="waiting",
        lease_until=None,
        next_at=bindparam("until"),
        last_answer=UNDECIDED,
    )
)

# Parcels that a process had in hand when it was killed; they may have arrived.
_RELEASE = (
    update(outbox_table)
    .where(outbox_table.c.state == "sending")
    .values(state="waiting", next_at=bindparam("now"), lease_until=None, in_doubt=True)
)

# Parcels put off, or in hand, for longer than anybody here puts them off: another clock did.
_HASTEN = (
    update(outbox_table)
    .where(
        outbox_table.c.destination == bindparam("asked"),
        outbox_table.c.state.in_(("waiting", "sending")),
        func.coalesce(outbox_table.c.lease_until, outbox_table.c.next_at) > bindparam("latest"),
    )
    .values(
        next_at=case((outbox_table.c.state == "waiting", bindparam("now")), else_=None),
        lease_until=case((outbox_table.c.state == "sending", bindparam("now")), else_=None),
    )
)
# Only the holder of the lease settles: each claim raises ``attempts``, so a late settle of an
# earlier holder finds another number there and changes nothing.
_SETTLE = update(outbox_table).where(
    outbox_table.c.id == bindparam("parcel"),
    outbox_table.c.state == "sending",
    outbox_table.c.attempts == bindparam("attempt"),
)

# A version that a newer one has overtaken while somebody had it in hand does not go again.
_newer = exists().where(
    _earlier.c.alert == outbox_table.c.alert, _earlier.c.version > outbox_table.c.version
)
_AWAY = {"state": "withdrawn", "next_at": None, "lease_until": None, "last_answer": OVERTAKEN}
_OVERTAKEN_IN_HAND = (
    update(outbox_table)
    .where(
        outbox_table.c.id == bindparam("parcel"),
        outbox_table.c.state.in_(("waiting", "stuck")),
        _newer,
    )
    .values(_AWAY | {"settled_at": bindparam("at")})
)
# The same for what a dead carrier had in hand: it may have arrived.
_OVERTAKEN_LEFT = (
    update(outbox_table)
    .where(
        outbox_table.c.destination == bindparam("asked"),
        or_(_IS_LEFT, outbox_table.c.state == "waiting"),
        _newer,
    )
    .values(
        _AWAY
        | {
            "settled_at": bindparam("now"),
            "in_doubt": or_(outbox_table.c.in_doubt, outbox_table.c.state == "sending"),
        }
    )
)

# A claim that still stands: nobody else has it, and its time is not up.
_HELD = select(outbox_table.c.id).where(
    outbox_table.c.id == bindparam("parcel"),
    outbox_table.c.state == "sending",
    outbox_table.c.attempts == bindparam("attempt"),
    outbox_table.c.lease_until > bindparam("now"),
)


@dataclass(frozen=True, slots=True)
class Claim:
    """What a carrier asks for: where to, how many at most, for how long, and what holds now."""

    destination: str
    lease_for: timedelta
    limit: int
    under: str
    """The site as it is; what was decided under another site or register is asked again first."""


def stays_due(tx: Connection, claim: Claim, now: datetime) -> dict[str, bool]:
    """Stays of which something is due there, oldest first; True: to be decided again before."""
    asked = {"destination": claim.destination, "now": now, "under": claim.under}
    found: dict[str, bool] = {}
    for query in (_LEFT_TO_ASK, _WAITING_TO_ASK):
        rows = tx.execute(query, asked | {"limit": claim.limit})
        found |= {row.stay: bool(row.to_ask) for row in rows}
    return found


def claim_due(tx: Connection, claim: Claim, now: datetime) -> list[Parcel]:
    """Take what is due there until the lease runs out, oldest first, one parcel a stay."""
    limit = claim.limit
    tx.execute(_OVERTAKEN_LEFT, {"asked": claim.destination, "now": now})
    asked = {
        "destination": claim.destination,
        "now": now,
        "limit": limit,
        "under": claim.under,
    }
    rows = list(tx.execute(_LEFT, asked))
    if len(rows) < limit:
        rows += tx.execute(_WAITING, asked | {"limit": limit - len(rows)})
    if rows:
        until = now + claim.lease_for
        tx.execute(_LEASE, [{"parcel": row.id, "until": until} for row in rows])
    return [
        Parcel(
            id=row.id,
            alert=row.alert,
            stay=row.stay,
            kind=row.kind,
            version=row.version,
            recipient=Recipient(RecipientKind(row.recipient_kind), row.recipient),
            channel=row.channel,
            destination=row.destination,
            payload=row.payload,
            attempts=row.attempts + 1,
            refusals=row.refusals,
            etag=row.taken,
        )
        for row in rows
    ]


def earlier(tx: Connection, parcel: Parcel) -> tuple[str, ...]:
    """The versions of the alert that the destination took, or may have, before; oldest first."""
    asked = {
        "alert": parcel.alert,
        "destination": parcel.destination,
        "version": parcel.version,
    }
    return tuple(tx.execute(_TAKEN_BEFORE, asked).scalars())


def put_off(tx: Connection, destination: str, stay_id: str, now: datetime, until: datetime) -> int:
    """Let what waits of a stay wait until then, since it could not be decided again; how many."""
    asked = {"asked": destination, "wanted": stay_id, "now": now, "until": until}
    return tx.execute(_PUT_OFF, asked).rowcount


def is_held(tx: Connection, parcel: Parcel, now: datetime) -> bool:
    """Is this claim still good, or is the parcel somebody else's by now."""
    asked = {"parcel": parcel.id, "attempt": parcel.attempts, "now": now}
    return tx.execute(_HELD, asked).first() is not None


def hasten(tx: Connection, destination: str, now: datetime) -> int:
    """Let go at once what waits there for longer than we ever put anything off; how many.

    A receiver that asked for more is asked once too early, and says so again.
    """
    asked = {"asked": destination, "latest": now + LONGEST, "now": now}
    return tx.execute(_HASTEN, asked).rowcount


def release(tx: Connection, now: datetime) -> int:
    """Let parcels in hand go again; only for who knows that nobody else carries. How many."""
    return tx.execute(_RELEASE, {"now": now}).rowcount


def _doubt(is_in_doubt: bool) -> dict[str, object]:
    """Once an attempt may have arrived, a later one that surely did not takes nothing back."""
    return {"in_doubt": True} if is_in_doubt else {}


def settle(tx: Connection, parcel: Parcel, outcome: Outcome, now: datetime) -> bool:
    """Keep what came of an attempt; False where the lease is somebody else's by now."""
    values: dict[str, object] = {"lease_until": None}
    match outcome:
        case Sent(answer=answer, etag=etag):
            values |= {"state": "sent", "settled_at": now, "last_answer": answer, "etag": etag}
        case Held(at=at, why=answer, is_in_doubt=is_in_doubt):
            values |= {"state": "waiting", "next_at": at + OTHERS_FIRST, "last_answer": answer}
            values |= _doubt(is_in_doubt)
        case Retry(at=at, why=answer, is_in_doubt=is_in_doubt):
            values |= {"state": "waiting", "next_at": at, "last_answer": answer}
            values |= {"refusals": parcel.refusals + 1} | _doubt(is_in_doubt)
        case GivenUp(why=answer, is_in_doubt=is_in_doubt):
            values |= {"state": "stuck", "settled_at": now, "last_answer": answer}
            values |= _doubt(is_in_doubt)
        case _:
            assert_never(outcome)
    asked = values | {"parcel": parcel.id, "attempt": parcel.attempts}
    if tx.execute(_SETTLE, asked).rowcount != 1:
        return False
    if not isinstance(outcome, Sent):
        tx.execute(_OVERTAKEN_IN_HAND, {"parcel": parcel.id, "at": now})
    return True
