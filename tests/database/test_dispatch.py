"""Carrying: what each answer leaves behind, whom a fault stops, and what is never sent late."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.delivery import (
    GIVE_UP_AFTER,
    Accepted,
    Changed,
    Parcel,
    Receipt,
    Refused,
    Route,
    TryLater,
    Unavailable,
)
from alerts.store import destinations, outbox
from service.database import Database
from service.dispatch import Hand, Outlet, deliver_next
from service.workers import Bell, deliver
from tests.support.channels import Scripted
from tests.support.line import TestLine
from tests.support.outbox_rows import queue
from tests.support.records import WARD

KAFKA = Route("kafka", "kafka")


@pytest.fixture
def line(database: Database) -> TestLine:
    return TestLine(database)


def test_what_was_taken_is_sent_with_the_name_that_the_receiver_gave_it(line: TestLine):
    _put(line, "a")
    assert _carry(line, Accepted("201", 'W/"1"')) == 1
    assert _states(line) == {"a": "sent"}
    _put(line, "a", version=2)
    channel = Scripted()
    _carry(line, channel=channel)
    assert [parcel.etag for parcel in channel.carried] == ['W/"1"']


def test_a_destination_that_takes_nothing_is_left_alone_and_tried_with_one(line: TestLine):
    for alert in ("a", "b", "c"):
        _put(line, alert)
    assert _carry(line, Unavailable("503")) == 1
    assert _carry(line) == 0
    line.clock.at += timedelta(seconds=2)
    assert _carry(line, Unavailable("503")) == 1
    assert _carry(line) == 0
    line.clock.at += timedelta(minutes=1)
    assert [_carry(line) for _ in range(4)] == [1, 1, 1, 0]
    assert set(_states(line).values()) == {"sent"}
    assert _queue(line).failing_since is None


def test_a_hundred_failures_give_nothing_up(line: TestLine):
    _put(line, "a")
    for _ in range(100):
        assert _carry(line, Unavailable("503")) == 1
        line.clock.at += timedelta(minutes=2)
    assert _states(line) == {"a": "waiting"}
    assert _queue(line).why == "503"
    _carry(line)
    assert _states(line) == {"a": "sent"}


def test_nothing_is_sent_before_the_time_that_the_destination_asked_for(line: TestLine):
    _put(line, "a")
    _put(line, "b")
    at = line.clock.at + timedelta(minutes=3)
    _carry(line, Unavailable("429", at))
    line.clock.at = at - timedelta(seconds=1)
    assert _carry(line) == 0
    line.clock.at = at
    assert _carry(line) == 1


def test_one_that_is_refused_is_stuck_and_the_others_go_on(line: TestLine):
    _put(line, "a")
    _put(line, "b")
    channel = Scripted([Refused("422")])
    while _carry(line, channel=channel):
        pass
    assert _states(line) == {"a": "stuck", "b": "sent"}
    assert len(channel.carried) == 2


def test_what_is_carried_together_is_kept_together_each_as_it_was_answered(
    line: TestLine, passed: Counter[str]
):
    for alert in ("a", "b", "c"):
        _put(line, alert)
    channel = Scripted([Accepted("1"), Refused("2"), TryLater("3")])
    assert deliver_next(line.line, Outlet("kafka", channel, at_once=5), Hand()) == 3
    assert _states(line) == {"a": "sent", "b": "stuck", "c": "waiting"}
    assert [row.last_answer for row in _rows(line)] == ["1", "2", "3"]
    assert (passed["outcome-kept"], passed["outcome-committed"]) == (3, 1)


def test_one_that_is_put_off_does_not_stop_the_destination(line: TestLine):
    _put(line, "a")
    _put(line, "b")
    _carry(line, TryLater("450"))
    assert _carry(line) == 1
    assert _states(line) == {"a": "waiting", "b": "sent"}


def test_one_that_the_destination_never_answers_does_not_stop_it_for_the_others(line: TestLine):
    _put(line, "bad")
    channel = OnlyFails("bad")
    for tick in range(240):
        if tick % 8 == 0:
            _put(line, f"good-{tick}")
        while _carry(line, channel=channel):
            pass
        line.clock.at += timedelta(seconds=0.25)
    assert [row.alert for row in _rows(line) if row.state == "waiting"] == ["bad"]
    tries = [parcel.alert for parcel in channel.carried]
    assert tries[:2] == ["bad", "good-0"], "who met the pause is not the next to be tried"
    assert tries.count("bad") < 10, "it is tried less and less"
    for _ in range(GIVE_UP_AFTER):
        line.clock.at += timedelta(hours=1)
        _carry(line, channel=channel)
    assert _states(line)["bad"] == "stuck"


def test_a_dead_destination_does_not_delay_another(line: TestLine):
    _put(line, "a")
    _put(line, "b", way=Route("smtp", "smtp"))
    _carry(line, Unavailable("no connection"))
    assert deliver_next(line.line, Outlet("smtp", Scripted()), Hand()) == 1
    assert _states(line) == {"a": "waiting", "b": "sent"}


def test_what_was_changed_there_is_put_together_and_sent_with_its_etag(line: TestLine):
    ours = '{"resourceType":"Task","status":"requested","location":{"display":"B"}}'
    theirs = '{"resourceType":"Task","status":"in-progress","location":{"display":"A"}}'
    _put(line, "a", payload=ours)
    channel = Scripted([Changed(theirs, 'W/"4"')])
    _carry(line, channel=channel)
    first, second = channel.carried
    assert (first.etag, second.etag) == ("", 'W/"4"')
    assert '"in-progress"' in second.payload
    assert '"B"' in second.payload
    assert _states(line) == {"a": "sent"}


def test_a_completion_there_is_not_overwritten_and_a_person_looks(line: TestLine):
    ours = '{"resourceType":"Task","status":"cancelled"}'
    theirs = '{"resourceType":"Task","status":"completed"}'
    _put(line, "a", payload=ours)
    channel = Scripted([Changed(theirs, 'W/"4"')])
    _carry(line, channel=channel)
    assert len(channel.carried) == 1
    assert _states(line) == {"a": "stuck"}


def test_who_lost_the_parcel_meanwhile_does_not_send_it_merged(line: TestLine):
    _put(line, "a", payload='{"resourceType":"Task","status":"requested"}')

    class Slow(Scripted):
        def send(self, parcel):
            line.clock.at += timedelta(minutes=10)
            return super().send(parcel)

    channel = Slow([Changed('{"resourceType":"Task","status":"received"}', 'W/"4"')])
    _carry(line, channel=channel)
    assert len(channel.carried) == 1


def test_a_bug_in_a_channel_puts_the_parcel_off_and_in_the_end_to_a_person(line: TestLine):
    _put(line, "a")
    hand, outlet = Hand(), Outlet("kafka", Scripted([KeyError("x")] * 20))
    for _ in range(20):
        with pytest.raises(KeyError):
            deliver_next(line.line, outlet, hand)
        hand.failure = KeyError("x")
        deliver_next(line.line, replace(outlet, destination="other"), hand)
        line.clock.at += timedelta(hours=1)
    [row] = _rows(line)
    assert (row.state, row.last_answer) == ("stuck", "fault in the service: KeyError")


def test_the_loop_goes_on_after_a_bug(line: TestLine):
    _put(line, "a")
    _put(line, "b")
    bell = Bell()

    class Failing(Scripted):
        def send(self, parcel):
            if len(self.carried) == 2:
                bell.stop()
            return super().send(parcel)

    channel = Failing([KeyError("x")])
    fast = replace(line.line, now=_ticking(line))
    deliver(fast, Outlet("kafka", channel), bell)
    assert sorted(parcel.alert for parcel in channel.carried) == ["a", "a", "b"]


def test_what_is_withdrawn_before_it_is_claimed_is_not_sent(line: TestLine):
    _put(line, "a")
    with line.database.write() as tx:
        outbox.withdraw(tx, "a", line.clock.at)
    channel = Scripted()
    assert _carry(line, channel=channel) == 0
    assert channel.carried == []


def test_an_empty_queue_does_not_use_up_the_turn_to_try(line: TestLine):
    with line.database.write() as tx:
        destinations.failed(tx, "kafka", "503", line.clock.at, line.clock.at)
    assert _carry(line) == 0
    _put(line, "a")
    assert _carry(line) == 1


class OnlyFails(Scripted):
    """Takes everything but one."""

    def __init__(self, alert: str) -> None:
        super().__init__()
        self.alert = alert

    def send(self, parcel: Parcel) -> Receipt:
        taken = super().send(parcel)
        return Unavailable("500", is_in_doubt=True) if parcel.alert == self.alert else taken


def _ticking(line: TestLine):
    def now():
        line.clock.at += timedelta(seconds=5)
        return line.clock.at

    return now


def _put(
    line: TestLine, alert: str, version: int = 1, payload: str = "{}", way: Route = KAFKA
) -> None:
    posting = outbox.Posting(alert, f"stay-{alert}", "Task", version, WARD, way)
    with line.database.write() as tx:
        queue(tx, posting, line.clock.at, payload)


def _carry(line: TestLine, *answers: Receipt, channel: Scripted | None = None) -> int:
    return deliver_next(line.line, Outlet("kafka", channel or Scripted([*answers])), Hand())


def _rows(line: TestLine) -> list[outbox.ParcelRow]:
    with line.database.read() as tx:
        return outbox.find(tx)


def _states(line: TestLine) -> dict[str, str]:
    return {row.alert: row.state for row in _rows(line)}


def _queue(line: TestLine) -> destinations.Queue:
    with line.database.read() as tx:
        [found] = destinations.queues(tx, ("kafka",))
    return found
