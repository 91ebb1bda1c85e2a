"""Certain, doubtful or nobody: each piece of evidence on both sides."""

from dataclasses import replace
from datetime import date

import pytest

from alerts.matching import fold_name, match, name_key, subject_of, subjects_of
from alerts.model.alert import Agreement, MatchDecision, MatchGrade
from alerts.model.identity import Identifier, IdentifierKind, Patient
from alerts.model.stay import Stay
from tests.support.desk import MONDAY, NUMBER, OTHER_NUMBER, a_registration, at

CHI = Identifier(IdentifierKind.CHI, "0113500017")
PATIENT = Patient((NUMBER,), "Doig", "Hugh", date(1941, 5, 6))
CERTAIN, DOUBTFUL = MatchGrade.CERTAIN, MatchGrade.DOUBTFUL
OTHER_BIRTH = date(1941, 6, 5)
YESTERDAY, TODAY, TOMORROW = date(2026, 11, 15), date(2026, 11, 16), date(2026, 11, 17)
SUBJECT = ("stay", "patient")

CASES = [
    ({}, CERTAIN, "all three equal"),
    ({"family": "DOIG", "given": "hugh"}, CERTAIN, "case"),
    ({"given": "Hugh Alexander"}, CERTAIN, "the first word of the given name"),
    ({"identifiers": (NUMBER, CHI)}, CERTAIN, "a number of another kind beside it"),
    ({"identifiers": (replace(NUMBER, verified=False),)}, DOUBTFUL, "not verified"),
    ({"identifiers": (NUMBER, replace(NUMBER, verified=False))}, DOUBTFUL, "said twice, once not"),
    ({"identifiers": (NUMBER, OTHER_NUMBER)}, DOUBTFUL, "two numbers, one of them right"),
    ({"identifiers": (OTHER_NUMBER,)}, DOUBTFUL, "another number, same name and birth date"),
    ({"identifiers": ()}, DOUBTFUL, "no number, same name and birth date"),
    ({"identifiers": (CHI,)}, DOUBTFUL, "no number of that kind"),
    ({"birth_date": OTHER_BIRTH}, DOUBTFUL, "another birth date"),
    ({"birth_date": None}, DOUBTFUL, "no birth date"),
    ({"family": "Dogg"}, DOUBTFUL, "another family name"),
    ({"family": None}, DOUBTFUL, "no family name"),
    ({"given": "Alexander Hugh"}, DOUBTFUL, "another first word"),
    ({"given": None}, DOUBTFUL, "no given name"),
    ({"given": "-"}, DOUBTFUL, "a given name that says nothing"),
    ({"birth_date": OTHER_BIRTH, "family": "Dogg"}, DOUBTFUL, "the number alone: ask"),
    ({"identifiers": (), "birth_date": OTHER_BIRTH}, None, "a name alone is nobody"),
    ({"identifiers": (OTHER_NUMBER,), "family": "Dogg"}, None, "a birth date alone is nobody"),
    ({"identifiers": (OTHER_NUMBER, replace(NUMBER, valid_until=YESTERDAY))}, DOUBTFUL, "ran out"),
    ({"identifiers": (replace(NUMBER, valid_until=YESTERDAY),)}, DOUBTFUL, "CX-8 was yesterday"),
    ({"identifiers": (replace(NUMBER, valid_until=TODAY),)}, CERTAIN, "CX-8 is today"),
    ({"identifiers": (replace(NUMBER, valid_from=TODAY),)}, CERTAIN, "CX-7 is today"),
    ({"identifiers": (replace(NUMBER, valid_from=TOMORROW),)}, DOUBTFUL, "CX-7 is tomorrow"),
    (
        {"identifiers": (NUMBER, replace(OTHER_NUMBER, valid_until=YESTERDAY))},
        CERTAIN,
        "an old one",
    ),
    ({"postcode": "ML1 1AA"}, CERTAIN, "a postcode is shown and decides nothing"),
]


@pytest.mark.parametrize(("changes", "grade", "comment"), CASES)
def test_a_match_is_as_sure_as_its_evidence(changes, grade, comment):
    found = match(replace(PATIENT, **changes), SUBJECT, (a_registration(),), (), MONDAY)
    assert [m.grade for m in found] == ([] if grade is None else [grade]), comment


def test_two_nhs_numbers_spoil_a_chi_number_too():
    person = replace(a_registration().patient, identifier=CHI)
    patient = replace(PATIENT, identifiers=(CHI, NUMBER, OTHER_NUMBER))
    (found,) = match(patient, SUBJECT, (a_registration(patient=person),), (), MONDAY)
    assert found.grade is DOUBTFUL


def test_local_numbers_of_two_authorities_are_two_numbers():
    wanted = Identifier(IdentifierKind.LOCAL, "77", "HOSP A")
    person = replace(a_registration().patient, identifier=wanted)
    for authority, grade in (("HOSP A", CERTAIN), ("HOSP B", DOUBTFUL)):
        patient = replace(PATIENT, identifiers=(replace(wanted, authority=authority),))
        (found,) = match(patient, SUBJECT, (a_registration(patient=person),), (), MONDAY)
        assert found.grade is grade


NAMES = [
    ("O'Neill", "ONeill", True),
    ("O\u2019Neill", "O'NEILL", True),
    ("Smith-Jones", "Smith Jones", True),
    ("Müller", "Muller", True),
    ("NÍ DHOMHNAILL", "Ni Dhomhnaill", True),
    ("Weiß", "WEISS", True),
    ("McDonald", "MacDonald", False),
    ("Smith", "Smyth", False),
]


@pytest.mark.parametrize(("one", "other", "same"), NAMES)
def test_names_are_compared_folded(one, other, same):
    assert (fold_name(one) == fold_name(other)) is same


def test_a_name_key_is_parted_by_spaces_only_and_fits_its_column():
    assert name_key("Doig", "Mary-Ann Jane") == "doig|maryann"
    assert name_key("Doig", "Mary Ann") == "doig|mary"
    assert len(name_key("x" * 10_000, "y" * 10_000)) <= 200


@pytest.mark.parametrize(
    ("ended_on", "ended"),
    [
        (None, False),
        (date(2026, 11, 15), True),
        (date(2026, 11, 16), True),
        (date(2026, 11, 17), False),
    ],
)
def test_an_ended_registration_is_marked(ended_on, ended):
    (found,) = match(PATIENT, SUBJECT, (a_registration(ended_on=ended_on),), (), MONDAY)
    assert found.ended is ended


def test_a_coordinator_sees_how_each_piece_compares():
    (found,) = match(
        replace(PATIENT, birth_date=OTHER_BIRTH), SUBJECT, (a_registration(),), (), MONDAY
    )
    assert {e.what: e.agreement for e in found.evidence} == {
        "identifier": Agreement.SAME,
        "status": Agreement.SAME,
        "family": Agreement.SAME,
        "given": Agreement.SAME,
        "birth-date": Agreement.DIFFERENT,
        "postcode": Agreement.NOT_KNOWN,
    }


def said(fingerprint: str, is_same: bool, hours: float = 0) -> MatchDecision:
    return MatchDecision("LANCARERS/R1", fingerprint, is_same, "coordinator", at(hours), "stay")


def test_a_persons_answer_holds_while_what_was_compared_is_the_same():
    unsure = replace(PATIENT, birth_date=OTHER_BIRTH)
    (asked,) = match(unsure, SUBJECT, (a_registration(),), (), MONDAY)
    yes, no = said(asked.fingerprint, True), said(asked.fingerprint, False, 1)
    (confirmed,) = match(unsure, SUBJECT, (a_registration(),), (yes,), MONDAY)
    assert (confirmed.grade, confirmed.confirmed) == (CERTAIN, True)
    assert match(unsure, SUBJECT, (a_registration(),), (no,), MONDAY) == ()
    assert match(unsure, SUBJECT, (a_registration(),), (no, yes), MONDAY) == ()  # the later answer
    moved = replace(unsure, birth_date=date(1942, 5, 6))
    (again,) = match(moved, SUBJECT, (a_registration(),), (yes,), MONDAY)
    assert again.grade is DOUBTFUL


def test_a_new_phone_or_postcode_or_carer_asks_nobody_again():
    unsure = replace(PATIENT, birth_date=OTHER_BIRTH)
    (one,) = match(unsure, SUBJECT, (a_registration(),), (), MONDAY)
    moved = replace(unsure, phone="01698 000000", postcode="ML1 1AA")
    (other,) = match(moved, SUBJECT, (a_registration(agrees_events=False),), (), MONDAY)
    assert one.fingerprint == other.fingerprint


def test_each_candidate_is_judged_alone():
    both = (a_registration(registration_id="R2"), a_registration())
    assert [m.registration.key for m in match(PATIENT, SUBJECT, both, (), MONDAY)] == [
        "LANCARERS/R1",
        "LANCARERS/R2",
    ]


PLACEHOLDERS = [
    ({"birth_date": date(1900, 1, 1)}, "born on 1 January 1900"),
    ({"birth_date": date(1901, 1, 1)}, "born on 1 January 1901"),
    ({"birth_date": date(1899, 12, 30)}, "the first day of a spreadsheet"),
    ({"family": "UNKNOWN"}, "family name UNKNOWN"),
    ({"family": "Zzztest"}, "family name ZZZTEST"),
    ({"family": "XXTESTPATIENT-AB"}, "a test record"),
    ({"family": "Test"}, "family name TEST"),
    ({"given": "BABY"}, "given name BABY"),
    ({"given": "Baby of Nadia"}, "a newborn without a name"),
    ({"given": "Male"}, "given name Male"),
    ({"given": "Unknown"}, "given name UNKNOWN"),
]


@pytest.mark.parametrize(("changes", "comment"), PLACEHOLDERS)
def test_what_stands_for_nobody_is_never_certain(changes, comment):
    person = replace(a_registration().patient, **changes)
    both = replace(PATIENT, **changes)
    (found,) = match(both, SUBJECT, (a_registration(patient=person),), (), MONDAY)
    assert found.grade is DOUBTFUL, comment
    # Without a number there is nothing to ask about: half of the hospital is called so.
    unnumbered = replace(both, identifiers=())
    assert match(unnumbered, SUBJECT, (a_registration(patient=person),), (), MONDAY) == ()


def test_one_digit_again_and_again_is_no_number():
    nobody = Identifier(IdentifierKind.NHS, "9999999999")
    person = replace(a_registration().patient, identifier=nobody)
    registrations = (a_registration(patient=person),)
    (found,) = match(replace(PATIENT, identifiers=(nobody,)), SUBJECT, registrations, (), MONDAY)
    assert found.grade is DOUBTFUL
    stranger = Patient((nobody,), "Orr", "Janet", date(1950, 5, 5))
    assert match(stranger, SUBJECT, registrations, (), MONDAY) == ()


@pytest.mark.parametrize("name", ["Testa", "Babington", "Knowles", "Lee", "Ng", "Oo", "Twine"])
def test_a_real_name_is_no_placeholder(name):
    person = replace(a_registration().patient, family=name)
    patient = replace(PATIENT, family=name)
    (found,) = match(patient, SUBJECT, (a_registration(patient=person),), (), MONDAY)
    assert found.grade is CERTAIN


def test_an_answer_binds_whom_it_was_about_and_no_namesake():
    unsure = replace(PATIENT, identifiers=())
    (asked,) = match(unsure, SUBJECT, (a_registration(),), (), MONDAY)
    for is_same in (True, False):
        answer = said(asked.fingerprint, is_same)
        (other,) = match(unsure, ("another stay",), (a_registration(),), (answer,), MONDAY)
        assert (other.grade, other.confirmed) == (DOUBTFUL, False)


def test_an_answer_of_an_earlier_release_that_names_nobody_binds_nobody():
    unsure = replace(PATIENT, birth_date=OTHER_BIRTH)
    (asked,) = match(unsure, SUBJECT, (a_registration(),), (), MONDAY)
    old = replace(said(asked.fingerprint, True), subject="")
    (again,) = match(unsure, ("", "stay"), (a_registration(),), (old,), MONDAY)
    assert again.grade is DOUBTFUL


def test_an_answer_that_was_taken_back_is_asked_again():
    unsure = replace(PATIENT, birth_date=OTHER_BIRTH)
    (asked,) = match(unsure, SUBJECT, (a_registration(),), (), MONDAY)
    for is_same in (True, False):
        taken_back = replace(said(asked.fingerprint, is_same), taken_back_at=at(1))
        (again,) = match(unsure, SUBJECT, (a_registration(),), (taken_back,), MONDAY)
        assert again.grade is DOUBTFUL


def test_an_answer_is_about_the_patient_where_the_hospital_has_a_number_of_its_own():
    own = Identifier(IdentifierKind.LOCAL, "111", "LAN")
    known = Stay("stay-1", "pas", "V1", replace(PATIENT, identifiers=(NUMBER, own)))
    assert subject_of(replace(known, patient_id="patient-1")) == "patient-1"
    assert subject_of(known) == "stay-1"  # a stay of a release before there were patients
    unnumbered = replace(known, patient=PATIENT, patient_id="patient-1")
    assert subject_of(unnumbered) == "stay-1"
    assert subjects_of(replace(known, patient_id="patient-1")) == {"stay-1", "patient-1"}
