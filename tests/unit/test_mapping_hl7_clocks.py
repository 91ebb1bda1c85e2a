"""When it happened: which of a message's times is the event's own."""

from datetime import UTC, datetime

import pytest

from alerts.model.doubts import Doubt, DoubtKind
from alerts.model.events import EventKind
from mapping.hl7.events import Dialect
from tests.support.adt_text import a_message, a_segment, read


def at(clock):
    """That time on 2 March 2026, or None."""
    return datetime.strptime(f"20260302{clock}", "%Y%m%d%H:%M").replace(tzinfo=UTC)


OWN = [
    # trigger, EVN-2, EVN-6, PV1-44, PV1-45, happened, cancels, comment
    ("A13", "202603021000", "202603020830", "", "", "10:00", "08:30", "a late cancel"),
    ("A11", "202603021000", "202603020830", "", "", "10:00", "08:30", "an admission cancelled"),
    ("A13", "20260302", "202603020830", "", "", "10:15", "08:30", "EVN-2 without an hour: MSH-7"),
    ("A08", "202603021000", "202603020830", "", "", "10:00", None, "an update happens when told"),
    ("A03", "202603021000", "20260302", "", "202603020945", "09:45", None, "PV1-45 of that day"),
    ("A03", "202603021000", "20260302", "", "20260302", "10:00", None, "PV1-45 has no hour either"),
    ("A03", "202603021000", "20260302", "", "202603010945", "10:00", None, "PV1-45 of another day"),
    ("A03", "202603021000", "20260302000000", "", "202603020945", "09:45", None, "filled up"),
    ("A01", "202603021000", "20260302", "202603020700", "", "07:00", None, "PV1-44 of that day"),
    ("A02", "202603021000", "20260302", "202603020700", "", "10:00", None, "a move: EVN-2"),
    ("A02", "20260302", "", "", "", "10:15", None, "EVN-2 without an hour: MSH-7"),
    ("A01", "20260302", "", "202603020700", "", "07:00", None, "EVN-2 without an hour: PV1-44"),
    ("A03", "202603021000", "202603020800", "", "202603020945", "08:00", None, "EVN-6 is exact"),
]


@pytest.mark.parametrize(
    ("trigger", "evn2", "evn6", "pv44", "pv45", "happened", "cancels", "comment"), OWN
)
def test_an_event_has_its_own_time(trigger, evn2, evn6, pv44, pv45, happened, cancels, comment):
    pv1 = {"f44": pv44, "f45": pv45}
    event = read(a_message(trigger, evn={"f2": evn2, "f6": evn6}, pv1=pv1))
    assert event.occurred_at == at(happened), comment
    assert event.cancels_at == (cancels and at(cancels)), comment
    assert event.doubts == (), comment


def test_a_planned_date_that_is_cancelled_may_lie_ahead():
    event = read(a_message("A25", evn={"f2": "202603021000", "f6": "202603061000"}))
    assert (event.kind, event.occurred_at) == (EventKind.PLAN_CANCELLED, at("10:00"))
    assert event.cancels_at == datetime(2026, 3, 6, 10, tzinfo=UTC)
    assert event.doubts == ()


def test_a_message_that_names_only_days_never_happened_at_midnight():
    message = a_message("A02", evn={"f2": "20260302"}).replace(
        "20260302101500||ADT", "20260302||ADT"
    )
    assert read(message).occurred_at == at("10:20"), "the arrival"
    older = a_message("A02", evn={"f2": "20260301"}).replace("20260302101500||ADT", "20260301||ADT")
    assert read(older).occurred_at > datetime(2026, 3, 1, 23, 59, tzinfo=UTC)


PEOPLE = [
    ("A31", None, "a person updated"),
    ("A28", None, "a person added"),
    ("A40", None, "who stays after a merge"),
    ("A08", {"f2": "N", "f19": "V1"}, "PV1-2 says no visit"),
    ("A08", {"f2": "", "f3": "", "f19": ""}, "no visit number and no admission"),
    ("A08", {"f2": "I", "f19": "0"}, "a visit number that only fills the field"),
    ("A08", {"f2": "I", "f19": "", "f44": "02/03/2026"}, "an admission that cannot be read"),
    ("A08", None, "no PV1"),
]


@pytest.mark.parametrize(("trigger", "pv1", "comment"), PEOPLE)
def test_a_message_about_the_person_alone_is_read_as_such(trigger, pv1, comment):
    message = a_message(trigger, pid={"f30": "Y"}, pv1=pv1)
    if pv1 is None:
        message = "\r".join(line for line in message.split("\r") if not line.startswith("PV1"))
    event = read(message)
    assert (event.kind, event.visit, event.place) == (EventKind.PERSON_UPDATED, None, None), comment
    assert event.died is True, comment


@pytest.mark.parametrize("number", ["0", "1", "999", "00000000", "NONE", "unknown", "111111"])
def test_a_number_that_fills_the_field_is_no_visit(number):
    event = read(a_message(pv1={"f19": number, "f44": "202603010800"}))
    assert (event.visit, event.doubts) == (
        None,
        (Doubt(DoubtKind.VISIT_NUMBER_PLACEHOLDER, "PV1-19"),),
    )


@pytest.mark.parametrize("number", ["777", "10", "V1", "1234567", "19990"])
def test_a_short_number_is_a_visit(number):
    assert read(a_message(pv1={"f19": number})).visit == number


AUTHORITIES = [
    ("V1^^^H1^VN", Dialect("pas"), "H1", True, "sent"),
    ("V1^^^&1.2.3&ISO", Dialect("pas"), "1.2.3", True, "sent as an OID alone"),
    ("V1", Dialect("pas", visit_authority="L302H"), "L302H", False, "the feed's"),
    ("V1", Dialect("pas"), "TRAK|L302H", False, "the sender as sent"),
]


@pytest.mark.parametrize(("sent", "dialect", "authority", "was_sent", "comment"), AUTHORITIES)
def test_a_visit_number_has_an_authority(sent, dialect, authority, was_sent, comment):
    event = read(a_message(pv1={"f19": sent}), dialect)
    assert (event.visit, event.visit_authority) == ("V1", authority), comment
    assert event.visit_authority_sent is was_sent, comment


def test_a_movement_has_its_own_key():
    assert read(a_message("A02", a_segment("ZBE", f1="77^PAS"))).movement == "77^PAS"
    assert read(a_message("A02")).movement is None


@pytest.mark.parametrize(
    ("trigger", "pv45", "kind"),
    [
        ("A08", "202603020900", EventKind.DISCHARGED),
        ("A02", "202603020900", EventKind.DISCHARGED),
        ("A08", "202603050900", EventKind.UPDATED),
        ("A08", "", EventKind.UPDATED),
        ("A13", "202603020900", EventKind.DISCHARGE_CANCELLED),
    ],
)
def test_a_feed_may_discharge_by_pv1_45_alone(trigger, pv45, kind):
    message = a_message(trigger, pv1={"f45": pv45})
    assert read(message, Dialect("pas", discharge_outside_a03=True)).kind is kind
    assert read(message).kind is not EventKind.DISCHARGED
