"""NHS and CHI numbers: ten digits, a check digit, and no number that people type to fill a form."""

import re
from datetime import date

from nhs_number.validate import calculate_checksum

_TEN_DIGITS = re.compile(r"[0-9]{10}", re.ASCII)
_NO_VISIT = re.compile(
    r"0+|1|1{4,}|9{2,}|(\d)\1{5,}|12345678(?:90?)?|[-.?/*X]+"
    r"|N/?A|NONE|NULL|NIL|UNKNOWN|UNK|NOT KNOWN|TEST|TBC|TBA|DUMMY|DEFAULT|VISIT",
    re.ASCII,
)
_TYPED = frozenset({"1234567890", "9876543210", "0123456789"})


def nhs_number(text: str) -> str | None:
    """The number if it can be right (NHS Data Dictionary, modulus 11), else None."""
    return text if fault(text) is None else None


def chi_number(text: str, synthetic: bool) -> str | None:
    """The CHI number if it can be right, else None; its first six digits are a date of birth.

    ``synthetic`` also takes a birth month that cannot be, such as 0113500017.
    """
    return text if fault(text) is None and begins_as_chi(text, synthetic) else None


def begins_as_chi(digits: str, synthetic: bool) -> bool:
    """Ten digits that begin with a date of birth, or with one of an invented month."""
    if synthetic and not 1 <= int(digits[2:4]) <= 12:
        return 1 <= int(digits[:2]) <= 31
    return _begins_with_a_date(digits)


def is_placeholder(visit: str) -> bool:
    """What people and programs put where a visit number should stand: 0, 1, 999, NONE …"""
    folded = visit.strip().upper()
    return _NO_VISIT.fullmatch(folded) is not None


def fault(text: str) -> str | None:
    """What is wrong with the number, in words that follow its name; None if nothing."""
    if not _TEN_DIGITS.fullmatch(text):
        return "that is not ten digits"
    if len(set(text)) == 1 or text in _TYPED:
        return "that is only a placeholder"
    if calculate_checksum(text[:9]) != int(text[9]):
        return "whose check digit is wrong"
    return None


def _begins_with_a_date(text: str) -> bool:
    day, month, year = int(text[:2]), int(text[2:4]), int(text[4:6])
    for century in (1900, 2000):
        try:
            date(century + year, month, day)
        except ValueError:
            continue
        return True
    return False
