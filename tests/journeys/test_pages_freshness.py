"""How old the news is: one answer on the ward, at both other desks and in the figures."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from ingest.feed_activity import FeedActivity
from service import probe
from service.database import Database
from service.gauges import Gauges
from tests.support.adt import Adt
from tests.support.line import START
from tests.support.pages import Website, a_website, text_of
from tests.support.people import JEAN

TRAK, ITK = b"|TRAK|", b"|ITKPAS|"
"""Senders of the demo site's two feeds."""


@pytest.fixture
def website(database: Database) -> Iterator[Website]:
    with a_website(database) as made:
        made.line.registered(JEAN)
        made.line.take(Adt())
        yield made


def _banners(website: Website) -> dict[str, bool]:
    desks = {"ward": ("ward:L302H/M7A", "/ward/L302H/M7A")}
    desks["coordinator"] = ("coordinator:L302H", "/coordinator/L302H")
    shown = {}
    for desk, (door, path) in desks.items():
        words = text_of(website.visitor().enter(door).open(path))
        shown[desk] = "No news from the hospital" in words
    return shown


def _gauge(website: Website) -> float:
    line = website.line
    feeds = tuple(feed.name for feed in line.site.feeds)
    found = Gauges(line.database, line.clock, activity=FeedActivity(feeds))()
    told = found["feed_last_timestamp_seconds"]
    assert isinstance(told, dict)
    return float(told[feeds[0]])


def test_what_is_no_news_of_the_hospital_leaves_the_banner(website: Website):
    line = website.line
    line.clock.at = START + timedelta(hours=3, minutes=24)
    assert _banners(website) == {"ward": True, "coordinator": True}
    since = _gauge(website)
    line.take(
        probe.admission(line.site, line.site.feeds[0], "PROBE20261123", line.clock.at),
        b"not hl7 at all",
        Adt(control_id="PARKED").raw().replace(b"9990000018^^^NHS^NH", b""),
        Adt(control_id="REFUSED", processing_id="T").raw(),
    )
    assert _banners(website) == {"ward": True, "coordinator": True}
    assert _gauge(website) == since
    engineer = website.visitor().enter("engineer")
    assert "in the last minute" not in text_of(engineer.open("/journal"))
    line.take(Adt(hospital="G405H", ward="9", visit="V2002").raw().replace(TRAK, ITK))
    assert _banners(website) == {"ward": True, "coordinator": True}


def test_the_worst_of_the_feeds_that_place_patients_in_a_hospital_is_shown(website: Website):
    line = website.line
    line.take(Adt(visit="V2002").raw().replace(TRAK, ITK))
    line.clock.at = START + timedelta(hours=3)
    line.take(Adt(trigger="A08", at=line.clock.at))
    assert _banners(website) == {"ward": True, "coordinator": True}
    line.take(Adt(trigger="A08", visit="V2002", at=line.clock.at).raw().replace(TRAK, ITK))
    assert _banners(website) == {"ward": False, "coordinator": False}


def test_the_next_settled_message_ends_the_banner_everywhere(website: Website):
    website.line.clock.at = START + timedelta(hours=3)
    website.line.take(Adt(trigger="A08", at=website.line.clock.at))
    assert _banners(website) == {"ward": False, "coordinator": False}
    assert _gauge(website) == website.line.clock.at.timestamp()
    engineer = website.visitor().enter("engineer")
    assert "Last settled message in the last minute" in text_of(engineer.open("/journal"))
