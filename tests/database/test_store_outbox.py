"""The outbox: leases, order, and what a person may do with a parcel."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection

from alerts.delivery import GivenUp, Held, Outcome, Parcel, Retry, Route, Sent
from alerts.store import claims, holds, outbox
from service.database import Database, connect
from tests.support.outbox_rows import queue
from tests.support.records import NOW, WARD

LEASE = timedelta(minutes=1)
EXPIRED = NOW + LEASE


@pytest.fixture
def tx(database: Database) -> Iterator[Connection]:
    """A transaction that may write."""
    with database.write() as opened:
        yield opened


def test_what_is_put_is_carried_with_its_bytes(tx: Connection):
    _put(tx, "task-1", payload='{"a": 1}')
    assert _claim(tx) == [
        Parcel(
            id=1,
            alert="task-1",
            kind="Task",
            version=1,
            recipient=WARD,
            payload='{"a": 1}',
            attempts=1,
            stay="stay-of-task-1",
            channel="inbox",
            destination="inbox",
        )
    ]


def test_what_is_carried_is_nobody_elses_until_the_lease_runs_out(tx: Connection):
    _put(tx, "task-1")
    assert _claim(tx)
    assert _claim(tx, EXPIRED - timedelta(seconds=1)) == []
    [again] = _claim(tx, EXPIRED)
    assert again.attempts == 2


def test_a_late_settle_of_an_expired_lease_changes_nothing(tx: Connection):
    _put(tx, "task-1")
    [slow] = _claim(tx)
    [quick] = _claim(tx, EXPIRED)
    assert not claims.settle(tx, slow, GivenUp("too slow"), EXPIRED)
    assert _state(tx, slow.id) == "sending"
    assert claims.settle(tx, quick, Sent("201"), EXPIRED)
    assert not claims.settle(tx, slow, GivenUp("too slow"), EXPIRED)
    assert _state(tx, slow.id) == "sent"


@pytest.mark.parametrize(
    ("outcome", "state", "answer"),
    [
        (Sent("201 Created"), "sent", "201 Created"),
        (Retry(NOW + timedelta(hours=1), "409"), "waiting", "409"),
        (Held(NOW + timedelta(hours=1), "503"), "waiting", "503"),
        (GivenUp("422"), "stuck", "422"),
    ],
)
def test_a_parcel_ends_as_its_outcome_says(
    tx: Connection, outcome: Outcome, state: str, answer: str
):
    _put(tx, "task-1")
    [parcel] = _claim(tx)
    assert claims.settle(tx, parcel, outcome, NOW)
    kept = outbox.get(tx, parcel.id)
    assert kept
    assert (kept.state, kept.last_answer, kept.attempts) == (state, answer, 1)
    assert outbox.counts(tx) == {state: 1}


def test_a_retry_waits_for_its_time(tx: Connection):
    _put(tx, "task-1")
    [parcel] = _claim(tx)
    claims.settle(tx, parcel, Retry(NOW + timedelta(hours=1), "503"), NOW)
    assert _claim(tx, NOW + timedelta(minutes=59)) == []
    assert [p.attempts for p in _claim(tx, NOW + timedelta(hours=1))] == [2]


def test_a_newer_version_overtakes_one_that_waits_and_one_that_was_given_up(tx: Connection):
    _put(tx, "task-1", version=1)
    _put(tx, "task-1", version=2)
    assert [p.version for p in _claim(tx)] == [2]
    [waited, _] = outbox.find(tx)
    assert (waited.state, waited.last_answer) == ("withdrawn", holds.OVERTAKEN)
    _put(tx, "task-2", version=1)
    [given_up] = _claim(tx)
    claims.settle(tx, given_up, GivenUp("422"), NOW)
    _put(tx, "task-2", version=2)
    assert outbox.find(tx, stuck=True) == []


def test_one_that_is_overtaken_in_hand_does_not_go_again(tx: Connection):
    _put(tx, "task-1", version=1)
    [first] = _claim(tx)
    _put(tx, "task-1", version=2)
    assert _claim(tx) == []
    claims.settle(tx, first, Retry(NOW + timedelta(hours=1), "503"), NOW)
    assert _state(tx, first.id) == "withdrawn"
    assert [p.version for p in _claim(tx)] == [2]


def test_one_that_is_overtaken_in_a_dead_carriers_hand_does_not_go_again(tx: Connection):
    _put(tx, "task-1", version=1)
    [first] = _claim(tx)
    _put(tx, "task-1", version=2)
    assert [p.version for p in _claim(tx, EXPIRED)] == [2]
    assert _state(tx, first.id) == "withdrawn"
    assert outbox.is_out(tx, "task-1")


def test_messages_of_one_stay_go_in_order_even_while_the_first_is_retried(tx: Connection):
    for alert in ("task-1", "task-2"):
        queue(tx, replace(_posting(alert), stay="one"), NOW)
    _put(tx, "task-3")
    first, other = _claim(tx)
    assert (first.alert, other.alert) == ("task-1", "task-3")
    claims.settle(tx, first, Retry(NOW + timedelta(hours=1), "503"), NOW)
    claims.settle(tx, other, Sent(""), NOW)
    assert _claim(tx, NOW + timedelta(minutes=30)) == []
    [first] = _claim(tx, NOW + timedelta(hours=1))
    assert first.alert == "task-1"
    claims.settle(tx, first, Sent(""), NOW)
    assert [p.alert for p in _claim(tx, NOW + timedelta(hours=1))] == ["task-2"]


def test_putting_the_same_version_twice_adds_nothing(tx: Connection):
    _put(tx, "task-1")
    _put(tx, "task-1")
    assert outbox.counts(tx) == {"waiting": 1}


def test_what_is_sent_by_deciding_is_never_carried(tx: Connection):
    queue(tx, _posting("notice-1"), NOW, sent=True)
    assert _claim(tx) == []
    assert outbox.counts(tx) == {"sent": 1}


def test_what_waits_can_be_withdrawn_and_what_went_out_cannot(tx: Connection):
    _put(tx, "task-1", version=1)
    [parcel] = _claim(tx)
    claims.settle(tx, parcel, Sent(""), NOW)
    _put(tx, "task-1", version=2)
    assert outbox.withdraw(tx, "task-1", NOW) == 1
    assert outbox.counts(tx) == {"sent": 1, "withdrawn": 1}
    assert _claim(tx) == []
    assert outbox.find(tx)[-1].last_answer == outbox.TAKEN_BACK


def test_a_person_may_send_a_stuck_parcel_again_with_its_refusals_forgotten(tx: Connection):
    _put(tx, "task-1")
    [parcel] = _claim(tx)
    claims.settle(tx, parcel, GivenUp("422"), NOW)
    assert [row.id for row in outbox.find(tx, stuck=True)] == [parcel.id]
    assert outbox.resend(tx, parcel.id, NOW)
    assert outbox.find(tx, stuck=True) == []
    assert [p.refusals for p in _claim(tx)] == [0]


def test_a_version_that_was_overtaken_is_not_sent_again(tx: Connection):
    _put(tx, "task-1", version=1)
    _put(tx, "task-1", version=2)
    for parcel in (*_claim(tx),):
        claims.settle(tx, parcel, GivenUp("422"), NOW)
    assert not outbox.resend(tx, 1, NOW)
    assert outbox.resend(tx, 2, NOW)


def test_one_stay_goes_in_order_whatever_its_alerts_and_others_are_not_held_up(tx: Connection):
    for alert, stay in (("notice-1", "one"), ("notice-2", "one"), ("notice-3", "other")):
        queue(tx, replace(_posting(alert), stay=stay), NOW)
    first, other = _claim(tx)
    assert (first.alert, other.alert) == ("notice-1", "notice-3")
    claims.settle(tx, other, Sent(""), NOW)
    claims.settle(tx, first, Held(NOW + timedelta(hours=1), "503"), NOW)
    assert _claim(tx) == []
    assert _claim(tx, NOW + timedelta(hours=1)) == []  # others may go first
    [again] = _claim(tx, NOW + timedelta(hours=1, seconds=1))
    assert (again.alert, again.attempts, again.refusals) == ("notice-1", 2, 0)


def test_a_destination_does_not_wait_for_another(tx: Connection):
    queue(tx, replace(_posting("task-1"), route=Route("kafka", "kafka"), stay="one"), NOW)
    queue(tx, replace(_posting("task-2"), stay="one"), NOW)
    assert [p.alert for p in _claim(tx)] == ["task-2"]
    assert claims.stays_due(tx, claims.Claim("kafka", timedelta(minutes=1), 1, ""), NOW)
    assert not claims.stays_due(tx, claims.Claim("smtp", timedelta(minutes=1), 1, ""), NOW)


def test_the_next_version_knows_what_the_receiver_called_the_last(tx: Connection):
    _put(tx, "task-1", version=1)
    [first] = _claim(tx)
    assert first.etag == ""
    claims.settle(tx, first, Sent("201", 'W/"1"'), NOW)
    _put(tx, "task-1", version=2)
    [second] = _claim(tx)
    assert second.etag == 'W/"1"'


def test_a_claim_is_held_until_its_lease_ends_or_somebody_else_has_it(tx: Connection):
    _put(tx, "task-1")
    [parcel] = _claim(tx)
    assert claims.is_held(tx, parcel, NOW)
    assert not claims.is_held(tx, parcel, EXPIRED)
    _claim(tx, EXPIRED)
    assert not claims.is_held(tx, parcel, NOW)


def test_what_waits_for_a_way_that_is_not_set_up_is_left_to_a_person(tx: Connection):
    queue(tx, replace(_posting("task-1"), route=Route("kafka", "kafka")), NOW)
    _put(tx, "task-2")
    assert outbox.strand(tx, ["inbox"], NOW) == 1
    [stuck] = outbox.find(tx, stuck=True)
    assert (stuck.alert, stuck.last_answer) == (
        "task-1",
        "no way out is set up for this destination",
    )


def test_what_a_dead_carrier_had_in_hand_for_a_way_that_is_gone_is_left_to_a_person(
    tx: Connection,
):
    queue(tx, replace(_posting("task-1"), route=Route("kafka", "kafka")), NOW)
    claims.claim_due(tx, claims.Claim("kafka", LEASE, 1, ""), NOW)
    assert outbox.strand(tx, ["inbox"], NOW) == 0
    assert outbox.strand(tx, ["inbox"], EXPIRED) == 1
    assert outbox.is_out(tx, "task-1")


def test_a_notice_of_which_a_version_left_is_not_unsent(tx: Connection):
    notice = replace(_posting("notice-1"), kind="Communication")
    queue(tx, notice, NOW)
    assert outbox.here(tx, notice.stay).unsent == {"notice-1"}
    [parcel] = _claim(tx)
    claims.settle(tx, parcel, Sent("201"), NOW)
    queue(tx, replace(notice, version=2), NOW)
    assert outbox.here(tx, notice.stay).unsent == frozenset()


def test_what_was_withdrawn_or_is_in_hand_or_is_not_there_is_not_sent_again(tx: Connection):
    _put(tx, "task-1")
    _put(tx, "task-2")
    outbox.withdraw(tx, "task-1", NOW)
    _claim(tx)
    assert not any(outbox.resend(tx, parcel_id, NOW) for parcel_id in (1, 2, 99))


def test_the_outbound_record_lists_every_parcel_oldest_first(tx: Connection):
    for alert in ("task-2", "task-1"):
        _put(tx, alert)
    assert [(row.alert, row.recipient) for row in outbox.find(tx)] == [
        ("task-2", WARD),
        ("task-1", WARD),
    ]
    assert outbox.get(tx, 99) is None


@pytest.mark.postgresql
def test_two_claimers_at_once_never_get_the_same_parcel(postgresql_url: str):
    with connect(postgresql_url) as database:
        with database.write() as tx:
            for number in range(20):
                _put(tx, f"task-{number}")
        with database.write() as one, database.write() as other:
            ours = {p.id for p in claims.claim_due(one, claims.Claim("inbox", LEASE, 12, ""), NOW)}
            theirs = {
                p.id for p in claims.claim_due(other, claims.Claim("inbox", LEASE, 12, ""), NOW)
            }
    assert (len(ours), len(theirs)) == (12, 8)
    assert not ours & theirs


@pytest.mark.postgresql
def test_a_second_claimer_does_not_overtake_the_version_in_hand(postgresql_url: str):
    claim = claims.Claim("inbox", LEASE, 10, "")
    with connect(postgresql_url) as database:
        with database.write() as tx:
            _put(tx, "task-1", version=1)
        with database.write() as one, database.write() as other:
            assert [p.version for p in claims.claim_due(one, claim, NOW)] == [1]
            assert claims.claim_due(other, claim, NOW) == []
        with database.write() as tx:
            _put(tx, "task-1", version=2)
            assert claims.claim_due(tx, claim, NOW) == []


def _posting(alert: str, version: int = 1) -> outbox.Posting:
    stay = f"stay-of-{alert}"
    return outbox.Posting(alert, stay, "Task", version, WARD, Route("inbox", "inbox"))


def _put(tx: Connection, alert: str, version: int = 1, payload: str = "{}") -> None:
    queue(tx, _posting(alert, version), NOW, payload)


def _claim(tx: Connection, now: datetime = NOW) -> list[Parcel]:
    return claims.claim_due(tx, claims.Claim("inbox", LEASE, 10, ""), now)


def _state(tx: Connection, parcel_id: int) -> str:
    found = outbox.get(tx, parcel_id)
    assert found
    return found.state
