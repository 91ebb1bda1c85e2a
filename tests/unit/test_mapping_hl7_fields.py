"""What each field of an ADT message means, in every version, and what is doubtful about it."""

from datetime import UTC, date, datetime

import pytest

from alerts.doubt_words import doubt_words
from alerts.model.doubts import Doubt, DoubtKind
from alerts.model.events import (
    CLEARED,
    AdtEvent,
    EventKind,
    Hiding,
    PatientClass,
    Place,
    PlannedDate,
)
from mapping.hl7.events import Dialect, read_event
from tests.support.adt_text import ARRIVED, PAS, a_message, a_segment, read

TIMES = [
    # EVN-6, EVN-2, MSH-7, occurred, recorded (hh:mm), comment
    ("20260302101000", "20260302101400", "20260302101500", "10:10", "10:14", "all three"),
    ("", "20260302101400", "20260302101500", "10:14", "10:14", "no EVN-6"),
    ("", "", "20260302101500", "10:15", "10:15", "MSH-7 alone"),
    ("", "", "", "10:20", "10:20", "none: the arrival"),
    ("20260231", "20260302101400", "20260302101500", "10:14", "10:14", "D7: impossible EVN-6"),
    ("202603", "20260302101400", "20260302101500", "10:14", "10:14", "EVN-6 without a day"),
    ('""', "20260302101400", "20260302101500", "10:14", "10:14", "EVN-6 cleared"),
]


@pytest.mark.parametrize(("evn6", "evn2", "msh7", "occurred", "recorded", "comment"), TIMES)
def test_the_event_time_falls_back_field_by_field(evn6, evn2, msh7, occurred, recorded, comment):
    message = a_message(evn={"f2": evn2, "f6": evn6}).replace("20260302101500||ADT", f"{msh7}||ADT")
    event = read(message)
    assert f"{event.occurred_at:%H:%M} {event.recorded_at:%H:%M}" == f"{occurred} {recorded}", (
        comment
    )
    assert event.occurred_at.date() == date(2026, 3, 2), comment


PLANS = [
    # PV2-9, planned, comment
    ("20260306", PlannedDate(date(2026, 3, 6)), "a day"),
    (
        "202603061400",
        PlannedDate(date(2026, 3, 6), datetime(2026, 3, 6, 14, tzinfo=UTC)),
        "an hour too",
    ),
    (
        "20260706003000",
        PlannedDate(date(2026, 7, 6), datetime(2026, 7, 5, 23, 30, tzinfo=UTC)),
        "the day is London's",
    ),
    ("", None, "D8: absent keeps"),
    ('""', CLEARED, "D8: null clears"),
    ("20260231", None, "D7"),
    ("202603", None, "no day"),
]


@pytest.mark.parametrize(("sent", "planned", "comment"), PLANS)
@pytest.mark.parametrize("version", ["2.2", "2.4", "2.8.2"])
def test_the_planned_date_is_read_in_any_version(sent, planned, comment, version):
    event = read(a_message("A16", a_segment("PV2", f9=sent), version=version))
    assert event.planned == planned, comment
    assert bool(event.doubts) is (planned is None and sent != ""), comment


def test_a_planned_discharge_without_pv2_is_fine():
    assert read(a_message("A16")).planned is None


CLASSES = [
    ("I", PatientClass.INPATIENT),
    ("i", PatientClass.INPATIENT),
    ("E", PatientClass.EMERGENCY),
    ("O", PatientClass.OUTPATIENT),
    ("P", PatientClass.PREADMIT),
    ("W", PatientClass.OTHER),
    ("R", PatientClass.OTHER),
    ("U", PatientClass.UNKNOWN),
    ("DAY CASE", PatientClass.DAY_CASE),
    ("outpatient", PatientClass.OUTPATIENT),
    ("THEATRE", PatientClass.UNKNOWN),
    ("", None),
    ('""', CLEARED),
]


@pytest.mark.parametrize(("sent", "known"), CLASSES)
def test_patient_classes(sent, known):
    assert read(a_message(pv1={"f2": sent})).patient_class == known


DEATHS = [
    # PID-29, PID-30, PV1-36, PV1-37, died, comment
    ("", "", "", "", None, "nothing said"),
    ("20260302", "", "", "", True, "a date of death"),
    ("20260231", "", "", "", True, "a wrong date of death is a death"),
    ("", "Y", "", "", True, "flag"),
    ("", "N", "", "", False, "flag"),
    ("20260302", "N", "", "", True, "the fields disagree: nobody is told that they come home"),
    ('""', '""', "", "", CLEARED, "taken back"),
    ("", "", "4", "79", True, "method and destination"),
    ("", "", "4", "", True, "method died"),
    ("", "", "04", "", True, "leading zero"),
    ("", "", "5", "", True, "stillbirth"),
    ("", "", "3", "19", None, "alive, below the boundary"),
    ("", "", "6", "19", None, "alive, above the boundary"),
    ("", "", "79", "1", True, "the fields swapped"),
    ("", "", "79", "", True, "destination in the method's field"),
    ("", "", "", "4", True, "method in the destination's field"),
    ("", "", "1", "4", None, "two single digits: the dialect decides"),
    ("", "", "Dead", "1", True, "free text"),
    ("", "", "Patient DIED", "", True, "free text"),
    ("", "", "", "deceased", True, "free text"),
    ("", "", "Undeadly", "Home", None, "part of another word"),
]


@pytest.mark.parametrize(("pid29", "pid30", "pv36", "pv37", "died", "comment"), DEATHS)
@pytest.mark.parametrize("version", ["2.2", "2.4", "2.7"])
def test_death_is_seen_wherever_it_is_said(pid29, pid30, pv36, pv37, died, comment, version):
    message = a_message(
        "A03", version=version, pid={"f29": pid29, "f30": pid30}, pv1={"f36": pv36, "f37": pv37}
    )
    assert read(message).died == died, comment


DISCHARGES = [
    # PV1-36, PV1-37, method, destination, dialect's method field, comment
    ("1", "19", "1", "19", 36, "as the dialect says"),
    ("19", "1", "1", "19", 36, "the values object"),
    ("1", "19", "1", "19", 37, "the values object to the other dialect"),
    ("19", "1", "1", "19", 37, "the other dialect"),
    ("Home", "1", "1", "Home", 36, "text beside a method"),
    ("1", "Home", "1", "Home", 36, "text beside a method"),
    ("Feeling great", "Home", "Feeling great", "Home", 36, "text alone"),
    ('""', "", CLEARED, None, 36, "cleared"),
]


@pytest.mark.parametrize(("pv36", "pv37", "method", "destination", "field", "comment"), DISCHARGES)
def test_method_and_destination_are_told_apart(pv36, pv37, method, destination, field, comment):
    dialect = Dialect("pas", discharge_method_field=field, discharge_destination_field=73 - field)
    event = read(a_message("A03", pv1={"f36": pv36, "f37": pv37}), dialect)
    assert (event.method, event.destination) == (method, destination), comment


GATES = [
    # PV1-16, ZU8-2, ZU8-4, sensitive, refused, hiding, doubt, comment
    ("", "", "", None, None, None, "", "nothing said"),
    ("Y", "", "", True, None, None, "", "PV1-16 asks"),
    ("vip", "", "", True, None, None, "", "lower case"),
    ("TRUE", "", "", True, None, None, "PV1-16", "a yes in another spelling"),
    ("N~Y", "", "", True, None, None, "PV1-16", "the strictest of two"),
    ("N", "", "", None, None, None, "PV1-16", "a no on every patient asks for nothing"),
    ("0", "", "", None, None, None, "PV1-16", "as a digit"),
    ('""', "", "", False, None, None, "", "PV1-16 cleared"),
    ("", "N", "", None, True, None, "", "consent refused"),
    ("", "2", "", None, True, None, "", "consent refused, as a code"),
    ("", "Y", "", None, False, None, "", "consent given"),
    ("", "D", "", None, True, None, "ZU8-2", "a code of no known table refuses"),
    ("", "0", "", None, True, None, "ZU8-2", "a code of no known table refuses"),
    ("", "Y~N", "", None, True, None, "ZU8-2", "the strictest of two"),
    ("", '""', "", None, None, None, "", "cleared is no yes"),
    ('""', "N", "", False, True, None, "", "cleared and refused"),
    ("", "", "0", None, None, Hiding.NONE, "", "no hiding"),
    ("", "", "1", None, None, Hiding.LOCAL, "", "local"),
    ("", "", "2", None, None, Hiding.NATIONAL, "", "national"),
    ("", "", "3", None, None, Hiding.NATIONAL, "ZU8-4", "unknown hides most"),
    ("", "", "0~1", None, None, Hiding.LOCAL, "ZU8-4", "the strictest of two"),
    ("", "", '""', None, None, CLEARED, "", "cleared"),
]


@pytest.mark.parametrize(
    ("vip", "consent", "hides", "sensitive", "refused", "hiding", "doubt", "comment"), GATES
)
def test_gates_close_when_in_doubt(vip, consent, hides, sensitive, refused, hiding, doubt, comment):
    event = read(a_message("A08", a_segment("ZU8", f2=consent, f4=hides), pv1={"f16": vip}))
    said = (event.sensitive, event.consent_refused, event.hiding)
    assert said == (sensitive, refused, hiding), comment
    assert {each.where for each in event.doubts} == ({doubt} if doubt else set()), comment


def test_a_second_segment_closes_a_gate_that_the_first_leaves_open():
    strict = "PV1||I|M7A^^^L302H|||||||||||||VIP"
    event = read(a_message("A08", "ZU8||Y||0", "ZU8||N||1", strict))
    assert event.hiding is Hiding.LOCAL
    assert (event.sensitive, event.consent_refused) == (True, True)
    repeated = {each.where for each in event.doubts if each.kind is DoubtKind.SEGMENT_REPEATED}
    assert repeated == {"PV1", "ZU8"}


def test_a_discharge_time_outside_a03_is_kept_and_discharges_nobody():
    event = read(a_message("A08", pv1={"f45": "20260302090000"}))
    assert event.kind is EventKind.UPDATED
    assert event.discharged_at == datetime(2026, 3, 2, 9, tzinfo=UTC)


PLACES = [
    ("M7A^2^4^L302H", Place("L302H", "M7A", "2", "4"), "whole"),
    ("M7A^^^L302H&1&ISO", Place("L302H", "M7A"), "facility with sub-components"),
    ("M7A", Place("", "M7A"), "ward alone"),
    ("^^^L302H", Place("L302H", ""), "hospital alone"),
    ("", None, "absent"),
    ('""', CLEARED, "cleared"),
]


@pytest.mark.parametrize(("sent", "place", "comment"), PLACES)
@pytest.mark.parametrize("version", ["2.1", "2.3", "2.4", "2.7"])
def test_places_are_read_as_sent_in_any_version(sent, place, comment, version):
    assert read(a_message("A02", version=version, pv1={"f3": sent})).place == place, comment


DOUBTS = [
    (
        a_message(pv1={"f44": "20260304"}),
        Doubt(DoubtKind.TIME_AHEAD, "PV1-44"),
        "D7: future admission",
    ),
    (
        a_message("A03", pv1={"f44": "20260301", "f45": "20260228"}),
        Doubt(DoubtKind.VALUES_CONFLICT, "PV1-45"),
        "D7: discharge before admission",
    ),
    (
        a_message() + "\rPID|||9990000026^^^NHS||Other",
        Doubt(DoubtKind.SEGMENT_REPEATED, "PID"),
        "D9: injected by a raw carriage return",
    ),
    (
        a_message(evn={"f2": "20250330013000"}),
        Doubt(DoubtKind.HOUR_SKIPPED, "EVN-2"),
        "E7",
    ),
    (a_message(version="2.9"), Doubt(DoubtKind.CODE_UNKNOWN, "MSH-12"), "newer"),
    (a_message(version=""), Doubt(DoubtKind.CODE_UNKNOWN, "MSH-12"), "blank"),
]


@pytest.mark.parametrize(("message", "doubt", "comment"), DOUBTS)
def test_what_is_doubtful_is_said(message, doubt, comment):
    event = read(message)
    assert event.doubts == (doubt,), comment
    assert event.patient.family == "Ogilvie", comment


def test_the_hour_that_comes_twice_is_read_nearest_to_the_arrival_and_flagged():
    message = a_message(evn={"f2": "20261025013000"}).encode()
    event = read_event(message, PAS, datetime(2026, 10, 25, 1, 31, tzinfo=UTC))
    assert isinstance(event, AdtEvent)
    assert event.recorded_at == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert event.doubts == (Doubt(DoubtKind.HOUR_TWICE, "EVN-2"),)


def test_an_escaped_carriage_return_in_a_name_makes_no_segment():
    event = read(a_message(pid={"f5": "Ogilvie\\X0D\\PV1\\F\\1^Mairi"}))
    assert event.patient.family == "Ogilvie\rPV1|1"
    assert event.place == Place("L302H", "M7A", "2", "4")


def test_a_raw_carriage_return_in_a_name_makes_no_segment():
    event = read(a_message(pid={"f5": "Ogilvie\rcalled Og^Mairi"}))
    assert (event.patient.family, event.patient.given) == ("Ogilvie\ncalled Og", "Mairi")


def test_other_separators_and_line_ends_are_read_as_declared():
    odd = a_message().translate(str.maketrans("|^", "#*")).replace("\r", "\r\n")
    usual, event = read(a_message()), read(odd)
    assert event == usual


def test_a_cp1252_name_of_a_feed_without_charset_is_kept_and_flagged():
    event = read_event(a_message(pid={"f5": "Zoë^B"}).encode("cp1252"), PAS, ARRIVED)
    assert isinstance(event, AdtEvent)
    assert event.patient.family == "Zoë"
    assert event.doubts == (Doubt(DoubtKind.CHARSET_DIFFERS, "MSH-18"),)


def test_no_reason_or_warning_repeats_a_value_of_the_patient():
    odd = "Secretvalue"
    message = a_message(
        "A01",
        a_segment("PV2", f9=odd),
        a_segment("ZU8", f4=odd),
        version=odd,
        evn={"f2": odd, "f6": odd},
        pid={"f3": f"{odd}^^^NHS~{odd}^^^CHI", "f7": odd, "f8": odd, "f29": odd, "f32": odd},
        pv1={"f2": odd, "f3": odd, "f44": odd, "f45": odd},
    )
    told = " ".join(doubt_words(doubt) for doubt in read(message).doubts)
    assert len(told) > 200
    assert odd.lower() not in told.lower()


def test_every_kind_of_doubt_has_words():
    words = {doubt_words(Doubt(kind, "PV2-9")) for kind in DoubtKind}
    assert len(words) == len(DoubtKind)
