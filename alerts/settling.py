"""Old news: whether a backlog has been heard to its end (contract §7.1 "Old news")."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.policy import Policy


@dataclass(frozen=True, slots=True)
class Pace:
    """What a feed sends just now."""

    heard_at: datetime | None = None
    """When its newest message came that was settled."""
    fresh_at: datetime | None = None
    """When the newest of them came that was no old news."""
    is_behind: bool = False
    """Messages were taken in a while ago and are not read yet."""


def is_old_news(happened_at: datetime, now: datetime, policy: Policy) -> bool:
    """What is told of, by EVN-2 or else MSH-7, is older than ``stale_after``."""
    return now - happened_at > timedelta(hours=policy.stale_after)


def waits_until(told_at: datetime, pace: Pace, now: datetime, policy: Policy) -> datetime | None:
    """When to look again whether it has settled; None once it has.

    ``told_at`` is when the last old news of the stay came. It has settled when none came for
    ``settle_after``, and the feed has caught up since or has said nothing for as long.
    """
    settle = timedelta(hours=policy.settle_after)
    until = told_at + settle
    has_caught_up = pace.fresh_at is not None and pace.fresh_at > told_at
    if not has_caught_up:
        heard_at = now if pace.is_behind else min(pace.heard_at or told_at, now)
        until = max(until, heard_at + settle)
    return until if until > now else None
