"""What follows from each receipt, and how long a channel waits."""

from datetime import timedelta

import pytest

from alerts.channels import CHANNELS
from alerts.delivery import (
    GIVE_UP_AFTER,
    Accepted,
    GivenUp,
    Parcel,
    Refused,
    Retry,
    Sent,
    TryLater,
    after,
)
from alerts.model.alert import Recipient, RecipientKind
from tests.support.desk import MONDAY as NOW


def a_parcel(attempts: int = 1) -> Parcel:
    centre = Recipient(RecipientKind.CENTRE, "LANCARERS")
    return Parcel(
        id=1,
        alert="A",
        kind="Task",
        version=1,
        recipient=centre,
        channel="inbox",
        payload="{}",
        attempts=attempts,
    )


def test_what_was_accepted_is_sent():
    assert after(a_parcel(), Accepted("201"), NOW, 0.5) == Sent("201")


def test_what_was_refused_is_stuck_at_once():
    assert after(a_parcel(), Refused("422"), NOW, 0.5) == GivenUp("422")


PAUSES = [
    (1, 0.0, 5, "half of ten seconds at least"),
    (1, 1.0, 10, "ten seconds at most"),
    (4, 1.0, 80, "doubling"),
    (9, 1.0, 2560, "still under an hour"),
    (10, 1.0, 3600, "an hour at most"),
    (19, 1.0, 3600, "for ever after"),
    (19, 0.0, 1800, "spread over half of it"),
]


@pytest.mark.parametrize(("attempts", "jitter", "seconds", "comment"), PAUSES)
def test_the_pause_doubles_up_to_an_hour(attempts, jitter, seconds, comment):
    outcome = after(a_parcel(attempts), TryLater("503"), NOW, jitter)
    assert outcome == Retry(NOW + timedelta(seconds=seconds), "503"), comment


@pytest.mark.parametrize(("wanted", "given"), [(600, 600), (1, 10)])
def test_a_recipient_may_ask_for_more_time_and_not_for_less(wanted, given):
    receipt = TryLater("429", NOW + timedelta(seconds=wanted))
    assert after(a_parcel(), receipt, NOW, 1.0) == Retry(NOW + timedelta(seconds=given), "429")


def test_after_twenty_attempts_a_person_must_look():
    last, before = a_parcel(GIVE_UP_AFTER), a_parcel(GIVE_UP_AFTER - 1)
    assert after(last, TryLater("timeout"), NOW, 0.5) == GivenUp("timeout")
    assert isinstance(after(before, TryLater("timeout"), NOW, 0.5), Retry)


@pytest.mark.parametrize("name", CHANNELS)
def test_every_channel_answers_a_parcel_and_its_repeat_alike(name):
    channel = CHANNELS[name]
    assert channel.send(a_parcel()) == channel.send(a_parcel(2))


def test_the_inbox_has_arrived_when_it_was_decided():
    assert isinstance(CHANNELS["inbox"].send(a_parcel()), Accepted)
