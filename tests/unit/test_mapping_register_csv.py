"""A register file is taken whole, or every fault in it is named with its line and column."""

from dataclasses import replace
from datetime import date

import pytest

from alerts.model.identity import Identifier, IdentifierKind
from alerts.model.register import CaredFor, Carer, Registration, Sharing
from mapping.register_csv import RowFault, read
from tests.support.register_file import OPTIONAL, SOUND, TERMS, a_file, faults


def test_the_required_columns_alone_make_a_registration() -> None:
    found = read(a_file(SOUND), TERMS)
    assert found.faults == ()
    assert found.rows == (
        Registration(
            registration_id="LC-1",
            centre="LANCARERS",
            carer=Carer("Ann", "Smith"),
            patient=CaredFor(
                Identifier(IdentifierKind.NHS, "9990000018"), "Mary", "Smith", date(1941, 5, 5)
            ),
            relationship="CHILD",
            agrees_hospital=True,
            agrees_events=False,
            sharing=Sharing.FULL,
            registered_on=date(2026, 1, 2),
        ),
    )


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("patient_birth_date", "1900-01-01"),
        ("patient_birth_date", "1901-01-01"),
        ("patient_family", "UNKNOWN"),
        ("patient_family", "ZZZTEST"),
        ("patient_given", "Baby"),
        ("patient_given", "Baby of Nadia"),
    ],
)
def test_what_stands_for_nobody_is_taken_and_named(column: str, cell: str) -> None:
    found = read(a_file(SOUND, SOUND | {"registration_id": "LC-2", column: cell}), TERMS)
    assert (len(found.rows), found.faults) == (2, ())
    (doubt,) = found.doubts
    assert (doubt.line, doubt.column) == (3, column)
    assert doubt.reason.endswith("a coordinator is asked before anybody is told")
    assert cell not in doubt.reason


def test_a_sound_row_has_nothing_doubtful() -> None:
    assert read(a_file(SOUND | OPTIONAL), TERMS).doubts == ()


def test_every_optional_column_finds_its_place() -> None:
    found = read(a_file(SOUND | OPTIONAL), TERMS)
    assert found.faults == ()
    row = found.rows[0]
    assert row.carer == Carer(
        given="Ann",
        family="Smith",
        birth_date=date(1970, 2, 28),
        identifier=Identifier(IdentifierKind.NHS, "9990000026"),
        phone="07700 900001",
        email="ann@example.com",
        postcode="ML1 1AA",
        contact_by="phone",
        contact_times="after 5, not Fridays",
        format="large-print",
        language="pt-BR",
        is_young=False,
        at_school=False,
    )
    assert row == replace(
        read(a_file(SOUND), TERMS).rows[0],
        carer=row.carer,
        patient=replace(row.patient, postcode="ML1 1AB"),
        topics=("discharge", "medication"),
        is_main=True,
        has_emergency_plan=True,
        has_support_plan=False,
        passport_scheme="Carer Passport",
        passport_number="P-1",
        passport_expires_on=date(2027, 1, 1),
        preferred_service="Lanarkshire Carers",
        wants_feedback=True,
        review_on=date(2027, 1, 1),
        ended_on=date(2026, 12, 1),
    )


def test_an_empty_optional_cell_says_nothing() -> None:
    assert read(a_file(SOUND | dict.fromkeys(OPTIONAL, "")), TERMS) == read(a_file(SOUND), TERMS)


def test_column_order_is_free() -> None:
    turned = dict(reversed(list(SOUND.items())))
    assert read(a_file(turned), TERMS) == read(a_file(SOUND), TERMS)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_and_a_byte_order_mark_do_not_matter(end: str) -> None:
    data = b"\xef\xbb\xbf" + a_file(SOUND, end=end)
    assert read(data, TERMS) == read(a_file(SOUND), TERMS)


@pytest.mark.parametrize(
    "cell", ["Sm\x07ith", "nhs:9990000019", "12/05/1941", "Morningside", "Smith "]
)
def test_a_fault_never_quotes_the_cell(cell: str) -> None:
    bad = dict.fromkeys(SOUND | OPTIONAL, cell)
    for fault in read(a_file(bad), TERMS).faults:
        assert cell not in fault.reason
        assert cell not in fault.column


def test_all_faults_of_all_rows_are_told_at_once() -> None:
    bad = SOUND | {"centre": "X", "patient_birth_date": "X", "registered_on": "X"}
    also_bad = SOUND | {"registration_id": "LC-3", "relationship": "X", "carer_family": ""}
    assert faults(a_file(bad, SOUND | {"registration_id": "LC-2"}, also_bad)) == [
        (2, "centre"),
        (2, "patient_birth_date"),
        (2, "registered_on"),
        (4, "relationship"),
        (4, "carer_family"),
    ]


def test_rows_of_another_centre_are_refused_when_one_is_named() -> None:
    terms = replace(TERMS, only_centre="YOUNGNL")
    other = SOUND | {"registration_id": "LC-2", "centre": "YOUNGNL"}
    assert faults(a_file(SOUND, other), terms) == [(2, "centre")]


def test_an_id_may_not_stand_twice_in_one_file() -> None:
    found = read(a_file(SOUND, SOUND), TERMS)
    assert [(f.line, f.column) for f in found.faults] == [(3, "registration_id")]
    assert "line 2" in found.faults[0].reason


def test_two_centres_may_use_the_same_id() -> None:
    assert faults(a_file(SOUND, SOUND | {"centre": "YOUNGNL"})) == []


def test_an_unknown_column_is_a_fault_and_the_rest_is_still_checked() -> None:
    bad = SOUND | {"shoe_size": "7", "centre": "X"}
    assert faults(a_file(bad)) == [(1, "shoe_size"), (2, "centre")]


@pytest.mark.parametrize("name", ["Mary Smith", "Smith"])
def test_a_column_name_that_may_be_a_person_is_not_repeated(name: str) -> None:
    assert faults(a_file(SOUND | {name: ""})) == [(1, "column 14")]


def test_a_missing_column_is_a_fault_once_and_not_in_every_row() -> None:
    less = {name: cell for name, cell in SOUND.items() if name != "registered_on"}
    found = read(a_file(less), TERMS)
    assert [(f.line, f.column) for f in found.faults] == [(1, "registered_on")]
    assert found.rows == ()


def test_a_column_twice_is_a_fault() -> None:
    header, row = a_file(SOUND).decode().splitlines()
    assert faults(f"{header},centre\n{row},YOUNGNL\n".encode()) == [(1, "centre")]


@pytest.mark.parametrize(
    "data",
    [b"", b"\n", b"\xef\xbb\xbf", a_file(SOUND).splitlines()[1], b"a;b;c\n1;2;3\n"],
    ids=["empty", "a blank line", "a mark alone", "no header", "semicolons"],
)
def test_a_file_without_a_header_is_one_fault(data: bytes) -> None:
    assert faults(data) == [(1, "row")]


def test_a_header_alone_is_a_register_of_nobody() -> None:
    assert read(a_file(SOUND).splitlines()[0], TERMS).faults == ()


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("LC-1,LANCARERS", "has 2 cells"),
        (",".join(["x"] * 14), "has 14 cells"),
        ("," * 12, "empty"),
    ],
)
def test_a_row_of_another_shape_is_a_fault(row: str, reason: str) -> None:
    found = read(a_file(SOUND) + row.encode() + b"\n", TERMS)
    assert [(f.line, f.column) for f in found.faults] == [(3, "row")]
    assert reason in found.faults[0].reason


def test_blank_lines_hold_nothing() -> None:
    assert faults(a_file(SOUND) + b"\n\n") == []


def test_lines_are_counted_as_the_file_has_them() -> None:
    long = SOUND | {"contact_times": "after 5\r\nnot Fridays"}
    bad = SOUND | {"registration_id": "LC-2", "centre": "X", "contact_times": ""}
    header, _, row = a_file(long).partition(b"\n")
    data = header + b"\n\n" + row + a_file(bad).partition(b"\n")[2]
    assert faults(data) == [(3, "contact_times"), (5, "centre")]


def test_quotes_that_do_not_fit_are_a_fault_of_their_line() -> None:
    data = a_file(SOUND) + b'"LC-2"x,LANCARERS\n"LC-3,LANCARERS\n'
    assert faults(data) == [(3, "row"), (4, "row")]


def test_text_that_is_not_utf_8_is_a_fault_of_its_line() -> None:
    row = SOUND | {"registration_id": "LC-2", "carer_given": "Zoë"}
    data = a_file(SOUND, row).replace("ë".encode(), b"\xeb")
    assert (3, "row") in faults(data)
    assert read(data, TERMS).faults[0] == RowFault(
        3, "row", "is not UTF-8 text; save the file as CSV UTF-8"
    )


def test_a_spreadsheets_unicode_text_is_one_fault() -> None:
    assert faults(a_file(SOUND).decode().encode("utf-16")) == [(1, "row")]
