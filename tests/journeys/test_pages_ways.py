"""The engineers' page tells how each way out is, and what was given up."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.delivery import GivenUp, Route
from alerts.store import claims, destinations, outbox
from service.database import Database
from service.gauges import Gauges
from service.metrics import Metrics
from tests.support.line import TestLine
from tests.support.outbox_rows import queue
from tests.support.pages import Website, a_website, text_of
from tests.support.records import WARD


@pytest.fixture
def site(database: Database) -> Iterator[Website]:
    with a_website(database) as opened:
        yield opened


@pytest.fixture
def line(site: Website) -> TestLine:
    return site.line


def _journal(site: Website) -> str:
    return text_of(site.visitor().enter("engineer").open("/journal"))


def _put(line: TestLine, alert: str) -> None:
    posting = outbox.Posting(alert, f"stay-{alert}", "Task", 1, WARD, Route("fhir", "fhir"))
    with line.database.write() as tx:
        queue(tx, posting, line.clock.at)


def test_a_way_that_is_well_says_that_nothing_waits(site: Website, line: TestLine):
    site.desk = replace(site.desk, destinations=("fhir", "inbox"))
    text = _journal(site)
    assert "Ways out" in text
    assert text.count("Nothing waits") == 2


def test_a_way_that_takes_nothing_says_since_when_and_how_old_its_queue_is(
    site: Website, line: TestLine
):
    _put(line, "a")
    with line.database.write() as tx:
        at = line.clock.at
        destinations.failed(tx, "fhir", "503 Service Unavailable", at, at + timedelta(seconds=9))
    line.clock.at += timedelta(minutes=20)
    text = _journal(site)
    assert "Takes nothing since" in text
    assert "503 Service Unavailable" in text
    assert "1 waiting, the oldest for 20 min" in text


def test_what_was_given_up_is_listed_with_its_last_answer(site: Website, line: TestLine):
    _put(line, "a")
    with line.database.write() as tx:
        [parcel] = claims.claim_due(
            tx, claims.Claim("fhir", timedelta(minutes=1), 1, line.line.under), line.clock.at
        )
        claims.settle(tx, parcel, GivenUp("422 the server refuses it"), line.clock.at)
    text = _journal(site)
    assert "a person must look" in text
    assert "422 the server refuses it" in text
    assert re.search(rf" {parcel.id} .*fhir .*Task .*422 the server refuses it", text)


def test_others_do_not_see_the_ways(site: Website, line: TestLine):
    assert site.visitor().enter("ward:L302H/M7A").open("/journal").status_code == 404


def test_the_figures_name_each_destination_and_its_age(site: Website, line: TestLine):
    _put(line, "a")
    line.clock.at += timedelta(seconds=90)
    text = Metrics(Gauges(line.database, line.clock, ("inbox",))).text().decode()
    assert 'thinkcarer_outbox_oldest_seconds{destination="fhir"} 90.0' in text
    assert 'thinkcarer_destination_waiting{destination="inbox"} 0.0' in text
    assert "thinkcarer_outbox_waiting 1.0" in text
