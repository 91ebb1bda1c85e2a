"""How receivers are: pauses, whose turn it is to try, and what waits."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Connection

from alerts.delivery import GivenUp, Route
from alerts.store import claims, destinations, outbox
from service.database import Database, connect
from tests.support.outbox_rows import queue
from tests.support.records import NOW, WARD

SOON = NOW + timedelta(seconds=10)
LATER = NOW + timedelta(seconds=40)


@pytest.fixture
def tx(database: Database) -> Iterator[Connection]:
    """A transaction that may write."""
    with database.write() as opened:
        yield opened


def test_a_receiver_that_never_failed_may_be_tried_by_everybody(tx: Connection):
    assert destinations.take_turn(tx, "fhir", NOW, LATER)
    assert destinations.take_turn(tx, "fhir", NOW, LATER)
    assert destinations.failures(tx, "fhir") == 0


def test_a_receiver_that_failed_is_left_alone_and_then_tried_by_one(tx: Connection):
    destinations.failed(tx, "fhir", "503", NOW, SOON)
    assert not destinations.take_turn(tx, "fhir", SOON - timedelta(seconds=1), LATER)
    assert destinations.take_turn(tx, "fhir", SOON, LATER)
    assert not destinations.take_turn(tx, "fhir", SOON, LATER)
    destinations.give_back_turn(tx, "fhir", SOON)
    assert destinations.take_turn(tx, "fhir", SOON, LATER)
    destinations.answered(tx, "fhir")
    assert destinations.take_turn(tx, "fhir", SOON, LATER)
    assert destinations.take_turn(tx, "fhir", SOON, LATER)


def test_failures_in_a_row_are_counted_and_the_first_one_remembered(tx: Connection):
    destinations.failed(tx, "fhir", "503", NOW, SOON)
    destinations.failed(tx, "fhir", "no connection", SOON, LATER)
    [found] = destinations.queues(tx)
    assert destinations.failures(tx, "fhir") == 2
    assert (found.why, found.failing_since, found.paused_until) == ("no connection", NOW, LATER)


def test_the_queues_tell_what_waits_since_when_and_what_is_stuck(tx: Connection):
    for number, at in enumerate((NOW, SOON, LATER)):
        posting = outbox.Posting(
            f"task-{number}", f"stay-{number}", "Task", 1, WARD, Route("fhir", "fhir:A")
        )
        queue(tx, posting, at)
    [first, *_] = claims.claim_due(tx, claims.Claim("fhir:A", timedelta(minutes=1), 1, ""), LATER)
    claims.settle(tx, first, GivenUp("422"), LATER)
    inbox, fhir = destinations.queues(tx, ("inbox",))[::-1]
    assert (inbox.destination, inbox.waiting, inbox.oldest_at) == ("inbox", 0, None)
    assert (fhir.destination, fhir.waiting, fhir.stuck, fhir.oldest_at) == ("fhir:A", 2, 1, SOON)


@pytest.mark.postgresql
def test_of_two_processes_after_a_pause_only_one_tries(postgresql_url: str):
    with connect(postgresql_url) as database:
        with database.write() as tx:
            destinations.failed(tx, "fhir", "503", NOW, NOW)
        with database.write() as one:
            assert destinations.take_turn(one, "fhir", SOON, LATER)
        with database.write() as other:
            assert not destinations.take_turn(other, "fhir", SOON, LATER)
