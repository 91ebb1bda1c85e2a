"""The ways out as engineers see them: a card for each receiver, in words."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.store.destinations import Queue
from alerts.store.holds import Hold
from service.web.words import Clock

OLD_AFTER = timedelta(minutes=15)
"""An urgent alert that is older has missed its purpose (an age limit for what waits)."""


@dataclass(frozen=True, slots=True)
class WayCard:
    """One receiver: whether it takes anything, and how old the oldest is that waits for it."""

    name: str
    texts: tuple[str, ...]
    is_late: bool


def cards(queues: Iterable[Queue], clock: Clock) -> tuple[WayCard, ...]:
    """One for each receiver."""
    return tuple(_card(queue, clock) for queue in queues)


def told(hold: Hold, clock: Clock) -> tuple[str, ...]:
    """That nothing is sent, and what each feed is to be asked for."""
    return (
        f"Nothing is sent since {clock.exact(hold.since)}: {hold.why}",
        *(
            f"Everything from {feed} after {clock.exact(at)} may be missing"
            for feed, at in hold.newest.items()
        ),
    )


def _card(queue: Queue, clock: Clock) -> WayCard:
    texts = []
    if queue.failing_since is not None:
        texts.append(f"Takes nothing since {clock.time(queue.failing_since)}: {queue.why}")
    if queue.oldest_at is not None:
        texts.append(f"{queue.waiting} waiting, the oldest for {_age(clock.now, queue.oldest_at)}")
    if queue.stuck:
        texts.append(f"{queue.stuck} given up")
    is_old = queue.oldest_at is not None and clock.now - queue.oldest_at > OLD_AFTER
    is_late = is_old or queue.failing_since is not None or bool(queue.stuck)
    return WayCard(queue.destination, tuple(texts) or ("Nothing waits",), is_late)


def _age(now: datetime, since: datetime) -> str:
    minutes = max(0, (now - since) // timedelta(minutes=1))
    if minutes < 1:
        return "less than a minute"
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} hours"
