"""What follows from each receipt, and how long a channel waits."""

from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.channels import CHANNELS
from alerts.delivery import (
    BLAMED_AFTER,
    GIVE_UP_AFTER,
    Accepted,
    Changed,
    GivenUp,
    Held,
    Parcel,
    Refused,
    Retry,
    Sent,
    TryLater,
    Unavailable,
    after,
    route,
    routes_of,
)
from alerts.model.alert import Recipient, RecipientKind
from service.site import load_site
from tests.support.desk import MONDAY as NOW


def a_parcel(refusals: int = 0, attempts: int = 0) -> Parcel:
    centre = Recipient(RecipientKind.CENTRE, "LANCARERS")
    return Parcel(
        id=1,
        alert="A",
        kind="Task",
        version=1,
        recipient=centre,
        stay="S",
        channel="inbox",
        destination="inbox",
        payload="{}",
        attempts=attempts or refusals + 1,
        refusals=refusals,
    )


def test_what_was_accepted_is_sent():
    assert after(a_parcel(), Accepted("201"), NOW, 0, 0.5) == Sent("201")


def test_what_was_refused_is_stuck_at_once():
    assert after(a_parcel(), Refused("422"), NOW, 0, 0.5) == GivenUp("422")


PAUSES = [
    (0, 0.0, 5, "half of ten seconds at least"),
    (0, 1.0, 10, "ten seconds at most"),
    (3, 1.0, 80, "doubling"),
    (8, 1.0, 2560, "still under an hour"),
    (9, 1.0, 3600, "an hour at most"),
    (18, 1.0, 3600, "for ever after"),
    (18, 0.0, 1800, "spread over half of it"),
]


@pytest.mark.parametrize(("refusals", "jitter", "seconds", "comment"), PAUSES)
def test_the_pause_doubles_up_to_an_hour(refusals, jitter, seconds, comment):
    outcome = after(a_parcel(refusals), TryLater("409"), NOW, 0, jitter)
    assert outcome == Retry(NOW + timedelta(seconds=seconds), "409"), comment


@pytest.mark.parametrize(("wanted", "given"), [(600, 600), (1, 10)])
def test_a_recipient_may_ask_for_more_time_and_not_for_less(wanted, given):
    receipt = TryLater("450", NOW + timedelta(seconds=wanted))
    assert after(a_parcel(), receipt, NOW, 0, 1.0) == Retry(NOW + timedelta(seconds=given), "450")


def test_what_was_put_off_twenty_times_a_person_must_look_at():
    last, before = a_parcel(GIVE_UP_AFTER - 1), a_parcel(GIVE_UP_AFTER - 2)
    assert after(last, TryLater("409"), NOW, 0, 0.5) == GivenUp("409")
    assert isinstance(after(before, TryLater("409"), NOW, 0, 0.5), Retry)


HELD = [
    (0, 0.0, 0.5, "soon after the first failure"),
    (0, 1.0, 1, "a second at most"),
    (5, 1.0, 32, "doubling"),
    (6, 1.0, 60, "a minute at most, so that it is found soon when it is back"),
    (900, 1.0, 60, "for ever after"),
]


@pytest.mark.parametrize(("failures", "jitter", "seconds", "comment"), HELD)
def test_a_destination_that_takes_nothing_is_left_alone_and_nothing_is_given_up(
    failures, jitter, seconds, comment
):
    parcel = a_parcel(GIVE_UP_AFTER - 1)
    outcome = after(parcel, Unavailable("503"), NOW, failures, jitter)
    assert outcome == Held(NOW + timedelta(seconds=seconds), "503"), comment


def test_a_destination_may_say_when_to_come_back():
    at = NOW + timedelta(minutes=5)
    assert after(a_parcel(), Unavailable("429", at), NOW, 0, 1.0) == Held(at, "429")


def test_a_parcel_that_alone_finds_the_destination_away_is_put_off_by_itself():
    at = NOW + timedelta(minutes=5)
    fourth = a_parcel(refusals=2, attempts=2 + BLAMED_AFTER + 1)
    assert after(fourth, Unavailable("500", at, True), NOW, 0, 1.0) == Retry(at, "500", True)
    assert isinstance(after(fourth, Unavailable("500"), NOW, 1, 1.0), Held), "others fail too"
    third = a_parcel(refusals=2, attempts=2 + BLAMED_AFTER)
    assert isinstance(after(third, Unavailable("500"), NOW, 0, 1.0), Held)


def test_what_was_changed_twice_is_put_off():
    assert isinstance(after(a_parcel(), Changed("{}", 'W/"2"'), NOW, 0, 0.5), Retry)


WAYS = [
    ("ward", "inbox", "", False, "inbox", "without a hospital server a ward reads here"),
    ("ward", "inbox", "", True, "fhir", "a ward's Task goes to the hospital's server"),
    ("coordinator", "inbox", "", True, "fhir", "so does a coordinator's"),
    ("centre", "inbox", "", True, "inbox", "a centre has its own channel"),
    ("centre", "fhir", "", True, "fhir", "a centre without a server shares the hospital's"),
    ("centre", "fhir", "https://c.example", True, "fhir:LANCARERS", "its own server"),
    ("centre", "fhir", "https://c.example", False, "fhir:LANCARERS", "also alone"),
    ("centre", "kafka", "", False, "kafka", "one topic for all"),
    ("centre", "smtp", "", False, "smtp", "one mail server for all"),
]


@pytest.mark.parametrize(("kind", "channel", "url", "has_server", "to", "comment"), WAYS)
def test_each_recipient_has_one_way(kind, channel, url, has_server, to, comment):
    site = load_site(None)
    centre = replace(site.centres[0], code="LANCARERS", channel=channel, fhir_url=url)
    site = replace(site, centres=(centre,))
    way = route(Recipient(RecipientKind(kind), "LANCARERS"), site, has_server)
    assert way.destination == to, comment
    assert way in routes_of(site, has_server)


def test_a_centre_that_the_site_no_longer_names_keeps_its_inbox():
    way = route(Recipient(RecipientKind.CENTRE, "GONE"), load_site(None), True)
    assert way.destination == "inbox"


def test_the_inbox_has_arrived_when_it_was_decided():
    inbox = CHANNELS["inbox"]()
    assert isinstance(inbox.send(a_parcel()), Accepted)
    assert inbox.send(a_parcel()) == inbox.send(a_parcel(2))
