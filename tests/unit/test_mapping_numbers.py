"""A number is taken only if it can be right; nobody's own number stands here."""

import pytest

from mapping.numbers import chi_number, nhs_number

# number, good, comment
NHS_NUMBERS = [
    ("9990000018", True, "of the test range"),
    ("9990000019", False, "another check digit"),
    ("999000001", False, "nine digits"),
    ("99900000180", False, "eleven digits"),
    ("999 000 0018", False, "spaces are for the caller to take out"),
    ("9990000018\n", False, "a line end"),
    ("\uff19990000018", False, "a digit of another script"),
    ("", False, "nothing"),
    ("0000000000", False, "passes its check digit, but fills a form"),
    ("9876543210", False, "passes its check digit, but fills a form"),
]


@pytest.mark.parametrize(("number", "good", "comment"), NHS_NUMBERS)
def test_an_nhs_number_has_a_check_digit(number: str, good: bool, comment: str) -> None:
    assert nhs_number(number) == (number if good else None), comment


# number, good at a synthetic site, comment
CHI_NUMBERS = [
    ("0113500017", True, "month 13"),
    ("0113500018", False, "month 13 and another check digit"),
    ("3102500005", False, "31 February"),
    ("9990000018", False, "day 99 of month 90"),
]


@pytest.mark.parametrize(("number", "good", "comment"), CHI_NUMBERS)
def test_a_chi_number_begins_with_a_date(number: str, good: bool, comment: str) -> None:
    assert chi_number(number, synthetic=True) == (number if good else None), comment
    assert chi_number(number, synthetic=False) is None, comment
