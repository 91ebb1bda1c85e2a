"""How old the news from the hospital system is, at the top of each desk."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection

from service.web.access import Viewer
from service.web.queries.bedsides import last_news
from service.web.words import Clock

SILENT_AFTER = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Freshness:
    """When a page was printed and when the hospital last sent something."""

    stamp: str
    news: str
    is_stale: bool


def freshness(viewer: Viewer, tx: Connection, clock: Clock) -> Freshness:
    """For the line under the summary."""
    news = last_news(viewer, tx)
    return Freshness(
        stamp=clock.stamp(),
        news=clock.time(news) if news else "",
        is_stale=news is not None and abs(clock.now - news) > SILENT_AFTER,
    )
