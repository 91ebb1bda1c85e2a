"""Each column of a register file takes what contract and sense allow, and says what to write."""

from dataclasses import replace

import pytest

from mapping.register_csv import read
from tests.support.register_file import SOUND, TERMS, a_file, faults

# column, cell, comment
GOOD_CELLS = [
    ("patient_identifier", "nhs:9990000085", "the test range is taken everywhere"),
    ("patient_birth_date", "2026-11-23", "born today"),
    ("patient_birth_date", "2024-02-29", "a leap day"),
    ("patient_birth_date", "1896-01-01", "130 years old this year"),
    ("registered_on", "2026-11-24", "already tomorrow in London"),
    ("patient_agrees_sharing", "unknown", "the last of the four"),
    ("carer_family", "O'Neill-Ní Dhomhnaill", "letters and marks of names"),
    ("carer_given", "=HYPERLINK(1)", "a formula is only text"),
    ("carer_given", "N" * 500, "the longest"),
    ("relationship", "daughter", "a word"),
    ("carer_phone", "+44 (0)1698 000000 ext 12", "as people write it"),
    ("contact_by", "none", "the last of them"),
    ("format", "bsl", "the last of them"),
    ("language", "sgn-GB", "a language with a region"),
    ("passport_topics", "medication;diagnosis;prognosis;discharge", "all of them"),
]


@pytest.mark.parametrize(("column", "cell", "comment"), GOOD_CELLS)
def test_a_cell_that_fits_is_taken(column: str, cell: str, comment: str) -> None:
    assert faults(a_file(SOUND | {column: cell})) == [], comment


# column, cell, what the reason says
BAD_CELLS = [
    ("registration_id", "", "required"),
    ("carer_given", "", "required"),
    ("centre", "NOWHERE", "site file"),
    ("centre", "lancarers", "site file"),
    ("relationship", "landlord", "daughter"),
    ("relationship", "ONESELF", "daughter"),
    ("relationship", "dauc", "daughter"),
    ("patient_identifier", "9990000018", "nhs: or chi:"),
    ("patient_identifier", "NHS:9990000018", "nhs: or chi:"),
    ("patient_identifier", "local:123", "nhs: or chi:"),
    ("patient_identifier", "nhs:999 000 0018", "not ten digits"),
    ("patient_identifier", "nhs:999000001", "not ten digits"),
    ("patient_identifier", "nhs:99900000180", "not ten digits"),
    ("patient_identifier", "nhs:\uff19990000018", "not ten digits"),
    ("patient_identifier", "nhs:9990000019", "check digit"),
    ("patient_identifier", "nhs:0000000000", "only a placeholder"),
    ("patient_identifier", "nhs:9999999999", "only a placeholder"),
    ("patient_identifier", "chi:0113500017", "no date of birth"),
    ("patient_identifier", "chi:3102500005", "no date of birth"),
    ("patient_birth_date", "05/05/1941", "2026-11-22"),
    ("patient_birth_date", "1941-5-5", "2026-11-22"),
    ("patient_birth_date", "19410505", "2026-11-22"),
    ("patient_birth_date", "1941-05-05T00:00:00", "2026-11-22"),
    ("patient_birth_date", "2025-02-29", "2026-11-22"),
    ("patient_birth_date", "2026-11-24", "future"),
    ("patient_birth_date", "1895-12-31", "130 years"),
    ("registered_on", "2026-11-25", "future"),
    ("registered_on", "0001-01-01", "year"),
    ("carer_agrees_hospital", "Yes", "yes or no"),
    ("carer_agrees_hospital", "y", "yes or no"),
    ("carer_agrees_events", "true", "yes or no"),
    ("carer_agrees_events", "1", "yes or no"),
    ("patient_agrees_sharing", "some", "full"),
    ("patient_agrees_sharing", "FULL", "full"),
    ("carer_family", "Smith ", "space"),
    ("carer_family", "\u00a0Smith", "space"),
    ("carer_family", "Sm\x07ith", "control"),
    ("carer_family", "Sm\tith", "control"),
    ("carer_family", "Smith\nJones", "line break"),
    ("carer_family", "Sm\u202eith", "control"),
    ("carer_family", "Sm\ufffdth", "lost"),
    ("carer_family", "N" * 501, "500"),
    ("carer_birth_date", "1970-13-01", "2026-11-22"),
    ("carer_identifier", "nhs:9990000027", "check digit"),
    ("carer_identifier", "nhs:9990000018", "own carer"),
    ("carer_phone", "ask Ann", "telephone"),
    ("carer_phone", "12", "telephone"),
    ("carer_phone", "1" * 21, "telephone"),
    ("carer_email", "ann at example.com", "e-mail"),
    ("carer_email", "ann@example", "e-mail"),
    ("contact_by", "fax", "phone"),
    ("format", "big", "standard"),
    ("language", "English (UK)", "BCP 47"),
    ("language", "en_GB", "BCP 47"),
    ("main_carer", "maybe", "yes or no"),
    ("young_carer", "maybe", "yes or no"),
    ("at_school", "maybe", "yes or no"),
    ("emergency_plan", "maybe", "yes or no"),
    ("support_plan", "maybe", "yes or no"),
    ("wants_feedback", "maybe", "yes or no"),
    ("passport_expires", "next year", "2026-11-22"),
    ("passport_topics", "medicines", "medication"),
    ("passport_topics", "discharge,medication", "medication"),
    ("passport_topics", "discharge;", "medication"),
    ("passport_topics", "discharge;discharge", "medication"),
    ("review_on", "soon", "2026-11-22"),
    ("ended_on", "2026-02-30", "2026-11-22"),
    ("ended_on", "2026-01-01", "before registered_on"),
]


@pytest.mark.parametrize(("column", "cell", "reason"), BAD_CELLS)
def test_a_cell_that_does_not_fit_is_named(column: str, cell: str, reason: str) -> None:
    sound = SOUND | {column: SOUND.get(column, "")}
    found = read(a_file(sound, sound | {"registration_id": "LC-2"} | {column: cell}), TERMS)
    assert [(fault.line, fault.column) for fault in found.faults] == [(3, column)]
    assert reason in found.faults[0].reason
    assert len(found.rows) == 1


def test_a_chi_of_an_impossible_month_is_taken_at_a_synthetic_site_only() -> None:
    row = a_file(SOUND | {"patient_identifier": "chi:0113500017"})
    assert faults(row, replace(TERMS, synthetic=True)) == []
    assert faults(row) == [(2, "patient_identifier")]


def test_a_synthetic_site_takes_no_impossible_day() -> None:
    row = a_file(SOUND | {"patient_identifier": "chi:3102500005"})
    assert faults(row, replace(TERMS, synthetic=True)) == [(2, "patient_identifier")]


# word, code, comment
RELATIONSHIPS = [
    ("DAU", "DAU", "a code is taken as it is"),
    ("SON", "SON", "in capitals the code: natural son"),
    ("son", "SONC", "in small letters the word: any son"),
    ("Daughter", "DAUC", "a word in any case"),
    ("mother-in-law", "MTHINLAW", "with hyphens"),
    ("Mother in law", "MTHINLAW", "without them"),
    ("step-son", "STPSON", "written apart"),
    ("wife", "WIFE", ""),
    ("husband", "HUSB", ""),
    ("spouse", "SPS", ""),
    ("partner", "DOMPART", ""),
    ("mum", "MTH", ""),
    ("father", "FTH", ""),
    ("parent", "PRN", ""),
    ("child", "CHILD", ""),
    ("sister", "SIS", ""),
    ("brother", "BRO", ""),
    ("sibling", "SIB", ""),
    ("friend", "FRND", ""),
    ("neighbour", "NBOR", ""),
    ("grandparent", "GRPRN", ""),
    ("niece", "NIECE", ""),
    ("other relative", "FAMMEMB", ""),
]


@pytest.mark.parametrize(("word", "code", "comment"), RELATIONSHIPS)
def test_a_relationship_is_read_by_code_or_word(word: str, code: str, comment: str) -> None:
    found = read(a_file(SOUND | {"relationship": word}), TERMS)
    assert [row.relationship for row in found.rows] == [code], comment
