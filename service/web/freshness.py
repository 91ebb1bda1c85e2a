"""How old the news of a feed is: one answer for every desk, card and banner."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection

from alerts.model.site import Site
from ingest.feed_activity import FeedHeard, feeds_heard, of_hospital
from service.web.access import Viewer
from service.web.words import Clock

SILENT_AFTER = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Freshness:
    """When a page was printed and since when the hospital's most silent feed sends nothing."""

    stamp: str
    news: str
    is_stale: bool


def freshness(_viewer: Viewer, tx: Connection, asked: tuple[Site, str], clock: Clock) -> Freshness:
    """For the line under the summary of one hospital's desk, ``asked``: the site and its code."""
    site, hospital = asked
    own = of_hospital(feeds_heard(tx, {feed.name for feed in site.feeds}), hospital)
    worst = own[0] if own else None
    return Freshness(
        stamp=clock.stamp(),
        news=clock.time(worst.at) if worst else "",
        is_stale=worst is not None and is_silent(worst, clock),
    )


def is_silent(heard: FeedHeard, clock: Clock) -> bool:
    """Nothing for too long, or from a time that has not come yet."""
    return abs(clock.now - heard.at) > SILENT_AFTER
