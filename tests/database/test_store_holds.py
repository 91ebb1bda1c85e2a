"""While sends are held nothing is due but the inbox, and only the newest goes afterwards."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Connection

from alerts.delivery import Parcel, Route
from alerts.store import claims, holds, outbox
from service.database import Database
from tests.support.records import NOW, WARD

WHY = "restored from a backup"


@pytest.fixture
def tx(database: Database) -> Iterator[Connection]:
    """A transaction that may write."""
    with database.write() as opened:
        yield opened


def test_what_is_held_is_not_due_and_goes_once_it_is_released(tx: Connection):
    _put(tx, "a")
    holds.hold(tx, WHY, {"pas": NOW}, NOW)
    assert not claims.stays_due(tx, claims.Claim("fhir", timedelta(minutes=1), 1, ""), NOW)
    assert _claimed(tx) == []
    assert holds.standing(tx) == holds.Hold(NOW, WHY, {"pas": NOW})
    assert holds.release(tx, "A. Engineer", NOW)
    assert holds.standing(tx) is None
    assert not holds.release(tx, "A. Engineer", NOW)
    assert [parcel.alert for parcel in _claimed(tx)] == ["a"]


def test_the_inbox_goes_on_while_sends_are_held(tx: Connection):
    holds.hold(tx, WHY, {}, NOW)
    _put(tx, "a", where="inbox")
    assert [parcel.alert for parcel in _claimed(tx, "inbox")] == ["a"]


def test_what_may_have_been_sent_before_a_restore_is_not_silently_taken_back(tx: Connection):
    _put(tx, "before")
    holds.hold(tx, WHY, {}, NOW)
    _put(tx, "meanwhile")
    assert outbox.withdraw(tx, "before", NOW) == outbox.withdraw(tx, "meanwhile", NOW) == 0
    assert outbox.is_out(tx, "before")
    assert outbox.is_out(tx, "meanwhile")
    holds.release(tx, "A. Engineer", NOW)
    _put(tx, "after")
    assert outbox.withdraw(tx, "after", NOW) == 1


def test_of_what_changed_while_sends_were_held_only_the_newest_goes(tx: Connection):
    holds.hold(tx, WHY, {}, NOW)
    _put(tx, "a")
    _put(tx, "a", version=2)
    _put(tx, "b")
    holds.release(tx, "A. Engineer", NOW)
    states = [(parcel.alert, parcel.version, parcel.state) for parcel in outbox.find(tx)]
    assert states == [("a", 1, "withdrawn"), ("a", 2, "waiting"), ("b", 1, "waiting")]


def test_a_second_hold_leaves_the_first_as_it_is(tx: Connection):
    first = holds.hold(tx, WHY, {"pas": NOW}, NOW)
    assert holds.hold(tx, "again", {}, NOW + timedelta(hours=1)) == first


def _put(tx: Connection, alert: str, version: int = 1, where: str = "fhir") -> None:
    route = Route("inbox" if where == "inbox" else "fhir", where)
    outbox.put(tx, outbox.Posting(alert, f"stay-{alert}", "Task", version, WARD, route, "{}"), NOW)


def _claimed(tx: Connection, where: str = "fhir") -> list[Parcel]:
    return claims.claim_due(tx, claims.Claim(where, timedelta(minutes=1), 9, ""), NOW)
