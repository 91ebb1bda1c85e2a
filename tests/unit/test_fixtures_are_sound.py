"""The fixture day keeps its own promises: nobody in it exists, and its story fits its files."""

import csv
import re
from datetime import date
from pathlib import Path

import nhs_number
import pytest
from nhs_number.validate import calculate_checksum

from mapping.register_csv import RegisterTerms, read

FIXTURES = Path(__file__).parents[2] / "fixtures"
FILES = sorted((FIXTURES / "hl7").rglob("*.hl7"), key=lambda path: path.name)
README = (FIXTURES / "README.md").read_text(encoding="utf-8")
REGISTER = FIXTURES / "register" / "lanarkshire.csv"
WRONG_CHECK_DIGIT = "9990000124"
NO_SUCH_DAY = "20270231"
AGAIN = ("003-a01-baird", "051-a01-baird-again")
REUSED = ("052-a08-carswell-earlier", "053-a08-carswell-control-id-again")
LATE = "050-a01-pollock-late"


def text_of(path: Path) -> str:
    coding = "cp1252" if path.parent.name == "pas" else "utf-8"
    return path.read_bytes().removeprefix(b"\xef\xbb\xbf").decode(coding)


def segment(path: Path, name: str) -> list[str]:
    """Fields by HL7 number: ``segment(path, "PID")[3]`` is PID-3."""
    lines = re.split(r"[\r\n]", text_of(path))
    fields = next((line.split("|") for line in lines if line.startswith(name)), [name])
    if name == "MSH":
        fields.insert(1, "|")
    return fields + [""] * (60 - len(fields))


def cells(title: str) -> list[list[str]]:
    """The rows of the README's table below a heading."""
    part = README.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in part.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[1:]]


def registered() -> list[dict[str, str]]:
    with REGISTER.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def test_every_nhs_number_is_of_the_test_range_and_can_be_right():
    texts = [text_of(path) for path in FILES] + [REGISTER.read_text(encoding="utf-8"), README]
    found = {number for text in texts for number in re.findall(r"\b999\d{7}\b", text)}
    assert {n for n in found if not nhs_number.is_valid(n)} == {WRONG_CHECK_DIGIT}
    sent = {n for text in texts for n in re.findall(r"(\d+)\^\^\^NHS|nhs:(\d+)", text)}
    assert all(number.startswith("999") for pair in sent for number in pair if number)


def test_every_chi_number_has_an_impossible_month_and_a_check_digit_that_fits():
    texts = [text_of(path) for path in FILES] + [REGISTER.read_text(encoding="utf-8")]
    found = {n for text in texts for n in re.findall(r"(\d{10})(?=\^\^\^CHI)", text)}
    found |= {n for text in texts for n in re.findall(r"chi:(\d{10})", text)}
    assert found
    for number in found:
        assert number[2:4] == "13"
        assert not nhs_number.is_valid(number)
        assert calculate_checksum(number[:9]) == int(number[9])


def test_phone_numbers_and_postcodes_belong_to_nobody():
    texts = [text_of(path) for path in FILES] + [REGISTER.read_text(encoding="utf-8")]
    for text in texts:
        phones = re.findall(r"\b0\d{3,4} \d{3,6}\b", text)
        assert all(re.fullmatch(r"07700 900\d{3}|01698 000\d{3}", p) for p in phones), phones
        postcodes = re.findall(r"\b(?:ML|G)\d+ \w{3}\b", text)
        assert all(postcode.endswith(" 0XX") for postcode in postcodes), postcodes
        assert all(found.endswith(".example") for found in re.findall(r"@([\w.]+)", text))


def test_the_register_is_taken_without_a_fault():
    terms = RegisterTerms(("LANCARERS", "YOUNGNL"), today=date(2026, 11, 23), synthetic=True)
    taken = read(REGISTER.read_bytes(), terms)
    assert not taken.faults
    assert len(taken.rows) == len(registered()) == len(cells("Carers"))


def test_the_cast_lists_every_carer_as_the_register_does():
    listed = {(row[0], row[1], row[2].split()[0]) for row in cells("Carers")}
    short = {"daughter": "DAUC", "son": "SONC"}
    assert {(a, b, short.get(c, c)) for a, b, c in listed} == {
        (
            row["registration_id"],
            f"{row['carer_given']} {row['carer_family']}",
            short.get(row["relationship"], row["relationship"]),
        )
        for row in registered()
    }


def test_the_cast_lists_every_patient_of_the_register():
    known = {number for row in cells("Patients") for number in row[4:6]}
    assert {row["patient_identifier"].split(":")[1] for row in registered()} <= known


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_cast_lists_the_patient_of_every_message(path: Path):
    pid = segment(path, "PID")
    family, given = pid[5].split("^")[:2]
    name = f"{given} {family}".replace("\\T\\", "&").replace("\\X27\\", "'")
    row = next(row for row in cells("Patients") if row[1] == name)
    assert pid[7] in (row[3].replace("-", ""), "18500505")
    numbers = {repetition.split("^")[0] for repetition in pid[3].split("~")}
    apart = {"", WRONG_CHECK_DIGIT, "9990000379"}
    assert numbers - apart <= set(row[4:7])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_story_has_a_row_for_every_message(path: Path):
    number, trigger = path.stem.split("-")[:2]
    row = next(row for row in cells("The story of the day") if row[0] == number)
    assert row[2] == f"{path.parent.name} {trigger.upper()}"
    assert segment(path, "MSH")[9].split("^")[1] == trigger.upper()
    sent = segment(path, "MSH")[7]
    if path.stem not in (LATE, *AGAIN):
        assert sent == f"20261123{row[1].replace(':', '')}00"


def test_numbers_run_from_one_without_a_gap_over_both_folders():
    assert [path.name[:3] for path in FILES] == [f"{n:03d}" for n in range(1, len(FILES) + 1)]
    assert [row[0] for row in cells("The story of the day")] == [p.name[:3] for p in FILES]


def test_a_control_id_comes_twice_only_where_the_story_wants_it():
    seen: dict[str, list[str]] = {}
    for path in FILES:
        seen.setdefault(segment(path, "MSH")[10], []).append(path.stem)
    assert seen.pop("") == ["044-a08-hendry-no-control-id"]
    assert {tuple(names) for names in seen.values() if len(names) > 1} == {AGAIN, REUSED}
    first, again = (FIXTURES / "hl7" / "pas" / f"{name}.hl7" for name in AGAIN)
    assert first.read_bytes() == again.read_bytes()


def test_every_segment_ends_in_a_carriage_return_but_in_one_file():
    for path in FILES:
        raw = path.read_bytes()
        assert raw.endswith(b"\n" if path.stem == "019-a01-obrien-lf" else b"\r")
        assert (b"\n" in raw) == (path.stem == "019-a01-obrien-lf")
        assert raw.count(b"MSH|") == 1


def test_every_date_of_the_day_is_one_that_the_demo_moves():
    for path in FILES:
        birth = segment(path, "PID")[7]
        stamps = set(re.findall(r"(?<=[|^~])(\d{8}|\d{12}|\d{14})(?=[|^~\r\n])", text_of(path)))
        assert all(s.startswith("202611") for s in stamps - {birth, NO_SUCH_DAY}), path.stem
