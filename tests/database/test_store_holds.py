"""While sends are held nothing is due but the inbox, and only the newest goes afterwards."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import Connection

from alerts.delivery import Parcel, Route
from alerts.model.register import Registration
from alerts.store import alerts as alert_store
from alerts.store import claims, holds, imports, outbox, register
from service.database import Database
from tests.support.outbox_rows import queue, told
from tests.support.people import JEAN
from tests.support.records import NOW, WARD, a_task

WHY = "restored from a backup"
RELEASE = holds.Release("A. Engineer", NOW)
LATER = NOW + timedelta(hours=1)
EARLIER = NOW - timedelta(days=3)


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
    assert holds.release(tx, RELEASE) == ()
    assert holds.standing(tx) is None
    assert holds.release(tx, RELEASE) is None
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
    holds.release(tx, RELEASE)
    _put(tx, "after")
    assert outbox.withdraw(tx, "after", NOW) == 1


def test_of_what_changed_while_sends_were_held_only_the_newest_goes(tx: Connection):
    holds.hold(tx, WHY, {}, NOW)
    _put(tx, "a")
    _put(tx, "a", version=2)
    _put(tx, "b")
    holds.release(tx, RELEASE)
    states = [(parcel.alert, parcel.version, parcel.state) for parcel in outbox.find(tx)]
    assert states == [("a", 1, "withdrawn"), ("a", 2, "waiting"), ("b", 1, "waiting")]
    assert outbox.find(tx)[0].last_answer == holds.OVERTAKEN


def test_a_second_hold_leaves_the_first_as_it_is(tx: Connection):
    first = holds.hold(tx, WHY, {"pas": NOW}, NOW)
    assert holds.hold(tx, "again", {}, NOW + timedelta(hours=1)) == first


def test_what_rests_on_a_register_older_than_the_restore_waits_for_a_person(tx: Connection):
    _rests_on_a_register(tx, "a", JEAN)
    _rests_on_a_register(tx, "b", replace(JEAN, centre="YOUNGNL", registration_id="Y-1"))
    holds.hold(tx, WHY, {}, NOW)
    register.upsert(tx, [_changed(JEAN)], LATER)
    assert holds.release(tx, holds.Release("A. Engineer", LATER)) == ("YOUNGNL",)
    assert [parcel.alert for parcel in _claimed(tx)] == ["a"]
    assert holds.kept_centres(tx) == ("YOUNGNL",)
    named = holds.Release("A. Engineer", LATER, {"YOUNGNL": date(2026, 11, 20)})
    assert holds.release(tx, named) == ()
    assert [parcel.alert for parcel in _claimed(tx)] == ["b"]


def test_a_register_that_is_imported_after_the_release_lets_its_items_go(tx: Connection):
    _rests_on_a_register(tx, "a", JEAN)
    holds.hold(tx, WHY, {}, NOW)
    assert holds.release(tx, RELEASE) == ("LANCARERS",)
    assert _claimed(tx) == []
    register.upsert(tx, [_changed(JEAN)], LATER)
    assert holds.release(tx, holds.Release("A. Engineer", LATER)) == ()
    assert [parcel.alert for parcel in _claimed(tx)] == ["a"]


def test_a_register_that_is_imported_unchanged_lets_its_items_go_too(tx: Connection):
    _rests_on_a_register(tx, "a", JEAN)
    holds.hold(tx, WHY, {}, NOW)
    assert holds.release(tx, RELEASE) == ("LANCARERS",)
    known = imports.begin(tx, LATER)
    assert known is not None
    assert imports.bring(tx, known, [JEAN], LATER) == register.Imported(0, 0, 1)
    assert holds.release(tx, holds.Release("A. Engineer", LATER)) == ("LANCARERS",)
    imports.show(tx, known, {"LANCARERS"}, LATER)
    assert holds.release(tx, holds.Release("A. Engineer", LATER)) == ()
    assert [parcel.alert for parcel in _claimed(tx)] == ["a"]


def _rests_on_a_register(tx: Connection, name: str, registration: Registration) -> None:
    register.upsert(tx, [registration], EARLIER)
    task = replace(a_task(), id=name, registration=registration.key)
    alert_store.record(tx, [(task, told())])
    _put(tx, name)


def _changed(registration: Registration) -> Registration:
    return replace(registration, agrees_events=False)


def _put(tx: Connection, alert: str, version: int = 1, where: str = "fhir") -> None:
    route = Route("inbox" if where == "inbox" else "fhir", where)
    queue(tx, outbox.Posting(alert, f"stay-{alert}", "Task", version, WARD, route), NOW)


def _claimed(tx: Connection, where: str = "fhir") -> list[Parcel]:
    return claims.claim_due(tx, claims.Claim(where, timedelta(minutes=1), 9, ""), NOW)
