"""Carries what is due to one destination: claim, send with no transaction open, keep what came."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from alerts.delivery import (
    Accepted,
    Changed,
    Channel,
    Held,
    Outcome,
    Parcel,
    Receipt,
    Refused,
    TryLater,
    after,
)
from alerts.merging import InConflict, merge
from alerts.store import claims, destinations
from ingest.failpoints import passing
from service.clock import BELIEVED_AFTER, STEP
from service.database import DatabaseError, Rank
from service.pipeline import ASK_AGAIN_AFTER, Line, ask_again

log = structlog.get_logger()

OTHERS_FOLLOW = timedelta(seconds=BELIEVED_AFTER + 60)
"""After that no other process goes on with a time that was set back, or its clock is wrong."""
SLACK = timedelta(seconds=15)
"""How much longer than the channel's own patience a parcel in hand is nobody else's."""


@dataclass(frozen=True, slots=True)
class Outlet:
    """One destination: its channel, how many carry there at once, and how many parcels a turn.

    More than one parcel a turn is only for a channel that nobody outside sees and that cannot
    fail: between the turn and the send a parcel cannot be withdrawn any more, and where one fails
    all of the turn wait for the end of their lease.
    """

    destination: str
    channel: Channel
    carriers: int = 1
    at_once: int = 1


@dataclass(slots=True)
class Hand:
    """Which parcel is in hand, and the bug that met it: what to put back if a step fails."""

    parcel: Parcel | None = None
    asking: str | None = None
    """The stay that is decided again before anything of it goes."""
    failure: Exception | None = None
    looked_at: datetime | None = None
    """When this carrier last looked whether there is something."""
    mind_again_at: datetime | None = None


def deliver_next(line: Line, outlet: Outlet, hand: Hand) -> int:
    """Carry what is due there, if the destination takes anything now; how many parcels."""
    _put_back(line, outlet, hand)
    _mind_the_clock(line, outlet, hand)
    claim = _claim(line, outlet)
    with line.database.read() as tx:
        due = claims.stays_due(tx, claim, line.now())
    if not due:
        return 0
    for stay in (stay for stay, is_to_ask in due.items() if is_to_ask):
        hand.asking = stay
        ask_again(line, stay)
    hand.asking = None
    parcels, receipts = _claimed(line, outlet, claim), []
    for parcel in parcels:
        hand.parcel = parcel
        passing("before-send")
        receipts.append(_send(line, outlet.channel, parcel))
        passing("after-send")
    _settle(line, hand, list(zip(parcels, receipts, strict=True)))
    hand.parcel = None
    return len(parcels)


def _put_back(line: Line, outlet: Outlet, hand: Hand) -> None:
    """A parcel that a bug met is tried again like one that was put off, and given up in the end.

    What waits of a stay that cannot be decided does not go, and keeps nothing else waiting.
    """
    if hand.asking and hand.failure and not isinstance(hand.failure, DatabaseError):
        with line.database.write(Rank.WORK) as tx:
            now = line.now()
            claims.put_off(tx, outlet.destination, hand.asking, now, now + ASK_AGAIN_AFTER)
    hand.asking = None
    if hand.parcel and hand.failure:
        why = f"fault in the service: {type(hand.failure).__name__}"
        _settle(line, hand, [(hand.parcel, TryLater(why, is_in_doubt=True))])
    hand.parcel = hand.failure = None


def _mind_the_clock(line: Line, outlet: Outlet, hand: Hand) -> None:
    """What was put off by a clock that has been set back since would wait for as long as that."""
    now, before = line.now(), hand.looked_at
    hand.looked_at = now
    if before is None or now < before - STEP:
        hand.mind_again_at = now + OTHERS_FOLLOW
    elif hand.mind_again_at is None or now < hand.mind_again_at:
        return
    else:
        hand.mind_again_at = None
    with line.database.write(Rank.WORK) as tx:
        hastened = claims.hasten(tx, outlet.destination, now)
        destinations.hasten(tx, outlet.destination, now)
    if hastened:
        log.warning("parcels_hastened", channel=outlet.destination, count=hastened)


def _claim(line: Line, outlet: Outlet) -> claims.Claim:
    lease = outlet.channel.patience + SLACK
    return claims.Claim(outlet.destination, lease, outlet.at_once, line.under)


def _claimed(line: Line, outlet: Outlet, claim: claims.Claim) -> list[Parcel]:
    now = line.now()
    with line.database.write(Rank.WORK) as tx:
        if not destinations.take_turn(tx, outlet.destination, now, now + claim.lease_for):
            return []
        parcels = claims.claim_due(tx, claim, now)
        if not parcels:
            destinations.give_back_turn(tx, outlet.destination, now)
    if parcels:
        passing("parcel-claimed")
    return parcels


def _send(line: Line, channel: Channel, parcel: Parcel) -> Receipt:
    """One attempt; where somebody changed it there meanwhile, what both say is put together."""
    receipt = channel.send(parcel)
    if not isinstance(receipt, Changed):
        return receipt
    with line.database.read() as tx:
        if not claims.is_held(tx, parcel, line.now()):
            return receipt
        earlier = claims.earlier(tx, parcel)
    merged = merge(parcel.payload, receipt.theirs, earlier)
    if isinstance(merged, InConflict):
        return Refused(merged.why)
    if merged.is_there:
        return Accepted("what both say is there already", receipt.etag)
    return channel.send(replace(parcel, payload=merged.payload, etag=receipt.etag))


def _settle(line: Line, hand: Hand, carried: Sequence[tuple[Parcel, Receipt]]) -> None:
    """Keep what came of each in one transaction, so that many take no more turns than one."""
    if not carried:
        return
    now, outcomes = line.now(), []
    with line.database.write(Rank.WORK) as tx:
        for parcel, receipt in carried:
            hand.parcel = parcel
            failures = destinations.failures(tx, parcel.destination)
            outcome = after(parcel, receipt, now, failures, line.chance())
            claims.settle(tx, parcel, outcome, now)
            if isinstance(outcome, Held):
                destinations.failed(tx, parcel.destination, outcome.why, now, outcome.at)
            elif failures:
                destinations.answered(tx, parcel.destination)
            outcomes.append(outcome)
            passing("outcome-kept")
    passing("outcome-committed")
    for (parcel, _), outcome in zip(carried, outcomes, strict=True):
        _tell(line, parcel, outcome)


def _tell(line: Line, parcel: Parcel, outcome: Outcome) -> None:
    result = type(outcome).__name__.lower()
    line.metrics.deliveries.labels(parcel.channel, result).inc()
    if result != "sent":
        log.warning(
            "parcel_not_taken",
            outbox_id=parcel.id,
            alert_id=parcel.alert,
            channel=parcel.channel,
            attempts=parcel.attempts,
            state=result,
        )
