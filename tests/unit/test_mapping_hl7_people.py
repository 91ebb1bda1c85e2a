"""PID and NK1: numbers and their check digits, verification, demographics, next of kin."""

from datetime import UTC, date, datetime

import pytest

from alerts.model.doubts import Doubt, DoubtKind
from alerts.model.events import CLEARED, AdtEvent
from alerts.model.identity import Identifier, IdentifierKind, NextOfKin, Sex
from mapping.hl7.events import Dialect, read_event

ARRIVED = datetime(2026, 3, 2, 10, 20, tzinfo=UTC)
PAS = Dialect("pas")
NHS, CHI, LOCAL = IdentifierKind.NHS, IdentifierKind.CHI, IdentifierKind.LOCAL
NO_NHS_RANGE = "943476" + "5919"
"""Its check digit is right; in two parts, so that no tool takes it for a person."""
GOOD, OTHER = "9990000018", "9990000026"
WIDE = "\uff19\uff19\uff190000018"


def read(pid, *extra, dialect=PAS, version="2.4"):
    """The event of an admission with these PID fields, by number."""
    fields = "|".join(pid.get(n, "") for n in range(1, max(pid) + 1))
    head = f"MSH|^~\\&|TRAK|L302H|||20260302101500||ADT^A01|C1|P|{version}"
    lines = (head, "EVN||20260302101400", f"PID|{fields}", "PV1||I|M7A^^^L302H" + "|" * 16 + "V1")
    event = read_event("\r".join((*lines, *extra)).encode(), dialect, ARRIVED)
    assert isinstance(event, AdtEvent)
    return event


def number(kind, value, authority="", verified=True, type_code=""):
    return Identifier(kind, value, authority, verified, type_code)


NUMBERS = [
    # PID-3, identifiers, is it flagged, comment
    (f"{GOOD}^^^NHS^NH", [number(NHS, GOOD)], False, "as it should be"),
    (f"{GOOD}^^^nhs", [number(NHS, GOOD)], False, "the alias in lower case"),
    (f"{GOOD}^^^NHS&2.16&ISO^NH", [number(NHS, GOOD)], False, "authority with an OID"),
    ("999 000 0018^^^NHS", [number(NHS, GOOD)], False, "spaces"),
    ("999-000-0018^^^NHSNMBR", [number(NHS, GOOD)], False, "hyphens"),
    (f"{GOOD}^^^NHS~{GOOD}^^^NHS", [number(NHS, GOOD)], False, "twice the same"),
    (f"{GOOD}^^^NHS~{OTHER}^^^NHS", [number(NHS, GOOD), number(NHS, OTHER)], True, "D6: two"),
    (f"{GOOD}^^^NHS~L1^^^TRAK", [number(NHS, GOOD), number(LOCAL, "L1", "TRAK")], False, "a local"),
    ("9990000019^^^NHS", [number(LOCAL, "9990000019", "NHS")], True, "D6: check digit"),
    ("9999999999^^^NHS", [number(LOCAL, "9999999999", "NHS")], True, "D6: all the same digit"),
    ("0000000000^^^NHS", [number(LOCAL, "0000000000", "NHS")], True, "D6: zeros"),
    ("9876543210^^^NHS", [number(LOCAL, "9876543210", "NHS")], True, "typed; check digit passes"),
    ("999000001^^^NHS", [number(LOCAL, "999000001", "NHS")], True, "D6: nine digits"),
    ("99900000180^^^NHS", [number(LOCAL, "99900000180", "NHS")], True, "eleven digits"),
    (f"{WIDE}^^^NHS", [number(LOCAL, WIDE, "NHS")], True, "full-width digits"),
    (
        f"{GOOD}^^^HOSP^NH",
        [number(LOCAL, GOOD, "HOSP", type_code="NH")],
        False,
        "an unlisted authority is local",
    ),
    (f"{GOOD}^^^^NH", [number(NHS, GOOD)], True, "type NH without authority is a hint"),
    (
        "9990000019^^^^NH",
        [number(LOCAL, "9990000019", type_code="NH")],
        False,
        "the hint needs the check digit",
    ),
    (f"{GOOD}^^^^MR", [number(LOCAL, GOOD, type_code="MR")], False, "another type says what it is"),
    (GOOD, [number(NHS, GOOD)], True, "bare: last resort"),
    (NO_NHS_RANGE, [number(LOCAL, NO_NHS_RANGE)], False, "bare, valid, of no NHS range"),
    ("L1", [number(LOCAL, "L1")], False, "bare local"),
    ("1111111111^^^CHI", [number(LOCAL, "1111111111", "CHI")], True, "a date, but a placeholder"),
    ("0113500017^^^CHI", [number(LOCAL, "0113500017", "CHI")], True, "month 13 at a real site"),
    (f"{GOOD}^^^NHS^NH{{status:01}}", [number(NHS, GOOD)], False, "its own status: verified"),
    (
        f"{GOOD}^^^NHS^NH{{status:02}}",
        [number(NHS, GOOD, verified=False)],
        True,
        "its own status: not verified",
    ),
]


@pytest.mark.parametrize(("pid3", "identifiers", "flagged", "comment"), NUMBERS)
@pytest.mark.parametrize("version", ["2.1", "2.4", "2.8"])
def test_numbers_are_told_apart_and_checked(pid3, identifiers, flagged, comment, version):
    event = read({3: pid3}, version=version)
    assert event.patient.identifiers == tuple(identifiers), comment
    assert bool(event.doubts) is flagged, comment


SYNTHETIC = Dialect("pas", synthetic=True)
CHIS = [
    # PID-3.1, dialect, value or None for refused, flagged, comment
    ("0113500017", SYNTHETIC, "0113500017", False, "month 13 at a synthetic site"),
    ("113500017", SYNTHETIC, "0113500017", True, "the leading zero was lost"),
    ("0113500018", SYNTHETIC, None, True, "the check digit is still required"),
    ("13500017", SYNTHETIC, None, True, "eight digits"),
    ("0013500011", SYNTHETIC, None, True, "day 00"),
    (GOOD, SYNTHETIC, None, True, "an NHS number under the name CHI"),
    ("3102500005", SYNTHETIC, None, True, "31 February is no invented month"),
    ("3102500005", PAS, None, True, "31 February"),
]


@pytest.mark.parametrize(("sent", "dialect", "value", "flagged", "comment"), CHIS)
def test_chi_numbers_begin_with_a_date(sent, dialect, value, flagged, comment):
    event = read({3: f"{sent}^^^CHI"}, dialect=dialect)
    expected = number(CHI, value) if value else number(LOCAL, sent, "CHI")
    assert event.patient.identifiers == (expected,), comment
    assert bool(event.doubts) is flagged, comment


def test_the_aliases_of_a_feed_replace_the_usual_ones():
    dialect = Dialect("old", identifiers={"Nat": NHS})
    assert read({3: f"{GOOD}^^^NAT"}, dialect=dialect).patient.identifiers == (number(NHS, GOOD),)
    assert read({3: f"{GOOD}^^^NHS"}, dialect=dialect).patient.identifiers == (
        number(LOCAL, GOOD, "NHS"),
    )


STATUSES = [
    # PID-32, ZU1-27, verified, comment
    ("", "", True, "no status counts as verified"),
    ("NSTS01", "", True, "present and verified"),
    ("PDS01", "", True, "present and verified"),
    ("01", "", True, "present and verified"),
    ("1", "", True, "the zero lost"),
    ("NSTS02", "", False, "D6: present, not traced"),
    ("PDS03", "", False, "trace required"),
    ("02", "", False, "not traced"),
    ("08", "", False, "the last of the list"),
    ("NSTS1~US", "", False, "one of two says no"),
    ("UA", "", False, "table 0445"),
    ("UD", "", False, "table 0445"),
    ("US", "", False, "table 0445"),
    ("AL", "", False, "table 0445: an alias"),
    ("WHAT", "", False, "a code that we do not know vouches for nothing"),
    ('""', "", True, "cleared"),
    ("", "02", False, "ZU1-27"),
    ("", "01", True, "ZU1-27"),
    ("01", "02", False, "one of two says no"),
]


@pytest.mark.parametrize(("pid32", "zu1", "verified", "comment"), STATUSES)
def test_a_status_can_say_that_the_number_is_not_verified(pid32, zu1, verified, comment):
    event = read({3: f"{GOOD}^^^NHS~L1^^^TRAK", 32: pid32}, "ZU1" + "|" * 27 + zu1)
    assert event.patient.identifiers == (
        number(NHS, GOOD, verified=verified),
        number(LOCAL, "L1", "TRAK"),
    ), comment
    unverified = Doubt(DoubtKind.NUMBER_UNVERIFIED, "PID-3")
    assert (unverified in event.doubts) is not verified, comment


DEMOGRAPHICS = [
    # PID field, sent, attribute, value, comment
    (5, "Ogilvie^Mairi^Jane", "family", "Ogilvie", "family name"),
    (5, "Ogilvie&van&Og^Mairi", "family", "Ogilvie", "FN: its first sub-component"),
    (5, " Ogilvie ^Mairi", "family", "Ogilvie", "blanks"),
    (5, "O\\T\\B^M", "family", "O&B", "escape"),
    (5, "Ogilvie^Mairi~Other^Name", "family", "Ogilvie", "the first repetition"),
    (5, '""', "family", CLEARED, "D8: the whole name cleared"),
    (5, '""', "given", CLEARED, "D8: the whole name cleared"),
    (5, '""^^', "given", CLEARED, "separators at the end say nothing"),
    (5, 'Ogilvie^""', "given", CLEARED, "one component cleared"),
    (5, "Ogilvie", "given", None, "D8: absent"),
    (5, "\\X2222\\", "family", '""', "quotation marks by escape are data"),
    (7, "19430212", "birth_date", date(1943, 2, 12), "date"),
    (7, '""', "birth_date", CLEARED, "cleared"),
    (7, "18500101", "birth_date", None, "D7: too early"),
    (8, "F", "sex", Sex.FEMALE, "table 0001"),
    (8, "m", "sex", Sex.MALE, "lower case"),
    (8, "9", "sex", Sex.OTHER, "NHS data dictionary"),
    (8, "Q", "sex", Sex.UNKNOWN, "no code"),
    (8, '""', "sex", CLEARED, "cleared"),
    (11, "1 Way^^Airdrie^^ml6 0aa", "postcode", "ML6 0AA", "upper case"),
    (11, "1 Way^^Airdrie", "postcode", None, "no postcode"),
    (13, "01236 000000", "phone", "01236 000000", "plain"),
    (13, "^NET^Internet^a@b.example~01236 000000^PRN", "phone", "01236 000000", "after an e-mail"),
    (13, "^PRN^PH^^^^^^^^^01236000000", "phone", "01236000000", "unformatted, 2.7"),
    (13, '""', "phone", CLEARED, "cleared"),
]


@pytest.mark.parametrize(("field", "sent", "name", "value", "comment"), DEMOGRAPHICS)
@pytest.mark.parametrize("version", ["2.2", "2.4", "2.7"])
def test_demographics_are_new_cleared_or_unchanged(field, sent, name, value, comment, version):
    event = read({3: f"{GOOD}^^^NHS", field: sent}, version=version)
    assert getattr(event.patient, name) == value, comment


KIN = [
    # NK1 lines, people, comment
    ([], None, "no NK1: the message does not say"),
    (["NK1|1|"], (), "a blank NK1 names nobody"),
    (['NK1|""'], (), "the list cleared"),
    (
        ["NK1|1|Ogilvie^Ewan|SON^Son|1 Way^^^^ml6 0aa|01236 000000||EC"],
        (NextOfKin("Ogilvie", "Ewan", "SON", "EC", "01236 000000", "ML6 0AA"),),
        "whole",
    ),
    (
        ["NK1|1|A^B|CGV", "NK1|2|C^D|SPO"],
        (NextOfKin("A", "B", "CGV", named_as_carer=True), NextOfKin("C", "D", "SPO")),
        "two",
    ),
    (["NK1|1|A|20"], (NextOfKin("A", None, "20", named_as_carer=True),), "carer by code"),
    (["NK1|1|A|020"], (NextOfKin("A", None, "020", named_as_carer=True),), "leading zero"),
    (["NK1|1|A|cgv"], (NextOfKin("A", None, "CGV", named_as_carer=True),), "lower case"),
    (["NK1|1|A|SON||||20"], (NextOfKin("A", None, "SON", "20", named_as_carer=True),), "by role"),
    (["NK1|1|A|SON||||2"], (NextOfKin("A", None, "SON", "2"),), "another role"),
    (["NK1|1|A|SON||||||20260301"], (), "ended yesterday"),
    (["NK1|1|A|SON||||||20260302"], (NextOfKin("A", None, "SON"),), "ends today"),
]


@pytest.mark.parametrize(("lines", "people", "comment"), KIN)
def test_next_of_kin_are_hints_and_never_proof(lines, people, comment):
    assert read({3: f"{GOOD}^^^NHS"}, *lines).next_of_kin == people, comment
