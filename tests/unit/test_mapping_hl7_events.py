"""One ADT message to one event: triggers, times, gates and what makes a message unreadable."""

from datetime import UTC, datetime, timedelta

import pytest

from alerts.model.doubts import Doubt, DoubtKind
from alerts.model.events import (
    AdtEvent,
    EventKind,
    NotForUs,
    PatientClass,
    Place,
)
from mapping.hl7.events import TRIGGERS, Unreadable, Unusable, read_event, unusable
from tests.support.adt_text import ARRIVED, PAS, a_message, read


@pytest.mark.parametrize(("trigger", "kind"), TRIGGERS.items())
def test_each_of_the_events_is_read(trigger, kind):
    assert read(a_message(trigger)).kind is kind


def test_a_whole_message_becomes_one_event():
    event = read(a_message(evn={"f6": "20260302101000"}, pv1={"f44": "20260302093000"}))
    assert event == AdtEvent(
        kind=EventKind.ADMITTED,
        occurred_at=datetime(2026, 3, 2, 10, 10, tzinfo=UTC),
        recorded_at=datetime(2026, 3, 2, 10, 14, tzinfo=UTC),
        sent_at=datetime(2026, 3, 2, 10, 15, tzinfo=UTC),
        control_id="C1",
        feed="pas",
        visit="V1",
        patient=event.patient,
        place=Place("L302H", "M7A", "2", "4"),
        patient_class=PatientClass.INPATIENT,
        admitted_at=datetime(2026, 3, 2, 9, 30, tzinfo=UTC),
        visit_authority="TRAK|L302H",
    )
    assert (event.patient.family, event.patient.given) == ("Ogilvie", "Mairi")


@pytest.mark.parametrize("field", ["msh", "f2", "f6"])
def test_a_time_far_in_the_future_is_not_used(field):
    """One clock a year ahead must not make every later message of the stay old news."""
    late = "20270302101000"
    message = a_message("A01", **({} if field == "msh" else {"evn": {field: late}}))
    if field == "msh":
        message = message.replace("20260302101500", late)
    event = read(message)
    assert max(event.occurred_at, event.recorded_at, event.sent_at) <= ARRIVED + timedelta(days=1)
    where = {"msh": "MSH-7", "f2": "EVN-2", "f6": "EVN-6"}[field]
    assert event.doubts == (Doubt(DoubtKind.TIME_AHEAD, where),)


NOT_OURS = [
    # MSH-9, reason, comment
    ("ADT^A99", "ADT A99 is not used", "D2: unknown"),
    ("ORU^R01", "ORU^R01 is not an ADT message", "D2: a result"),
    ("ACK", "ACK is not an ADT message", "no trigger"),
    ("ADT^Mairi Ogilvie", "ADT (no code) is not used", "a value that is no code is not repeated"),
]


@pytest.mark.parametrize(("kind", "reason", "comment"), NOT_OURS)
def test_other_messages_are_not_for_us_and_say_why(kind, reason, comment):
    message = a_message().replace("ADT^A01", kind)
    assert read_event(message.encode(), PAS, ARRIVED) == NotForUs(reason), comment
    assert unusable(message.encode(), PAS) is None, comment


def test_the_trigger_is_msh_9_and_never_evn_1():
    assert read(a_message("A16", evn={"f1": "A01"})).kind is EventKind.DISCHARGE_PLANNED


STRUCTURES = [
    # MSH-9, EVN-1, kind, comment
    ("ADT_A01", "", EventKind.ADMITTED, "the structure alone"),
    ("ADT^ADT_A03", "", EventKind.DISCHARGED, "in the trigger's place"),
    ("ADT^^ADT_A03", "", EventKind.DISCHARGED, "in its own place, without a trigger"),
    ("ADT_A01", "A08", EventKind.UPDATED, "EVN-1 names an event of this structure"),
    ("ADT_A01", "A03", EventKind.ADMITTED, "EVN-1 names an event of another structure"),
]


@pytest.mark.parametrize(("sent", "evn1", "kind", "comment"), STRUCTURES)
def test_a_structure_where_the_trigger_belongs_is_read_and_flagged(sent, evn1, kind, comment):
    event = read(a_message(evn={"f1": evn1}).replace("ADT^A01", sent))
    assert event.kind is kind, comment
    assert event.doubts == (Doubt(DoubtKind.STRUCTURE_FOR_TRIGGER, "MSH-9"),), comment


def without(message, name):
    return "\r".join(line for line in message.split("\r") if not line.startswith(name))


MSH = "MSH|^~\\&|TRAK|L302H|||20260302101500||ADT^A01|C1|P|2.4"
UNREADABLE = [
    # message, reason, code, place, comment
    (MSH, "PID is missing", 101, "PID^1^3", "D3: MSH only"),
    (without(a_message(), "PID"), "PID is missing", 101, "PID^1^3", "D3"),
    (a_message(pid={"f3": ""}), "PID-3 is missing", 101, "PID^1^3", "D3: empty"),
    (a_message(pid={"f3": '""'}), "PID-3 is missing", 101, "PID^1^3", "nobody is nobody"),
    (a_message(pid={"f3": "^^^NHS"}), "PID-3 is missing", 101, "PID^1^3", "authority alone"),
    (without(a_message(), "PV1"), "PV1 is missing", 101, "PV1^1", "D5"),
    (
        a_message().replace("ADT^A01", "ADT"),
        "MSH-9.2, the trigger event, is missing",
        101,
        "MSH^1^9",
        "no trigger",
    ),
    (
        a_message().replace("ADT^A01", ""),
        "MSH-9.1, the message type, is missing",
        101,
        "MSH^1^9",
        "no type",
    ),
    (
        a_message() + "\r" + a_message(),
        "there are two messages in one frame",
        100,
        "MSH^1",
        "two in one",
    ),
    ("FHS|^~\\&|A", "the message does not begin with MSH", 100, "MSH^1", "a batch"),
    ("", "the message does not begin with MSH", 100, "MSH^1", "nothing"),
]


@pytest.mark.parametrize(("message", "reason", "code", "place", "comment"), UNREADABLE)
def test_an_unreadable_message_says_what_is_missing_and_where(
    message, reason, code, place, comment
):
    with pytest.raises(Unreadable) as fault:
        read_event(message.encode(), PAS, ARRIVED)
    assert str(fault.value) == reason, comment
    assert unusable(message.encode(), PAS) == Unusable(code, reason, place), comment


def test_a_usable_message_is_not_refused():
    assert unusable(a_message().encode(), PAS) is None


def test_a_message_without_a_visit_number_is_read_for_the_stay_that_is_open():
    event = read(a_message(pv1={"f19": "", "f44": "20260301"}))
    assert (event.visit, event.admitted_at) == (None, datetime(2026, 3, 1, tzinfo=UTC))
    event = read(a_message(pv1={"f19": ""}))
    assert (event.visit, event.admitted_at) == (None, None)
    event = read(a_message(pv1={"f19": "", "f44": "20260231"}))
    assert (event.visit, event.admitted_at) == (None, None)
    assert DoubtKind.TIME_UNREADABLE in {doubt.kind for doubt in event.doubts}
