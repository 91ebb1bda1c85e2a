"""Nothing in the repository names a machine of ours or could be a real person's number."""

import re

from tests.support.tree import texts

MACHINES = re.compile(
    r"(?<![\w.])/(?:work|root|home/\w+|Users/\w+|tmp/tc)/"
    r"|\b(?:10|192\.168|172\.(?:1[6-9]|2\d|3[01]))(?:\.\d{1,3}){2,3}(?::\d+|/)"
    r"|https?://[^\s/]*(?:artifactory|nexus|devpi|pypi)[^\s/]*/"
    r"|https?://[\w.-]+\.(?:internal|local|lan)\b"
)
TEN_DIGITS = re.compile(r"(?<![\w.+-])(\d{3})[ -]?(\d{3})[ -]?(\d{4})(?![\w])")
DAYS = {month: 31 - (month in (4, 6, 9, 11)) - 2 * (month == 2) for month in range(1, 13)}
FILLERS = {"9876543210", *(digit * 10 for digit in "0123456789")}
"""What people type when there is no number: the product knows them and refuses them."""
LOCKS = ("requirements.lock", "requirements-dev.lock")


def test_no_file_names_a_machine():
    found = [
        f"{name}: {match.group()}"
        for name, text in texts().items()
        if name != "tests/house/test_tracked_text.py"
        for match in MACHINES.finditer(text)
    ]
    assert not found


def test_no_number_could_be_a_real_patients():
    found = [
        f"{name}: {number}"
        for name, text in texts().items()
        if name not in LOCKS
        for number in map("".join, TEN_DIGITS.findall(text))
        if _has_its_check_digit(number) and not number.startswith("999")
        if number not in FILLERS and not _is_no_birthday(number)
    ]
    assert not found


def _has_its_check_digit(number: str) -> bool:
    total = sum(
        int(digit) * weight for digit, weight in zip(number, range(10, 1, -1), strict=False)
    )
    return (11 - total % 11) % 11 == int(number[9])


def _is_no_birthday(number: str) -> bool:
    """CHI numbers begin with a birth date, DDMMYY: one of the 31st of February is nobody's.

    A day of 32 or more proves nothing: other countries' numbers begin so.
    """
    day, month = int(number[:2]), int(number[2:4])
    return 1 <= day <= 31 and (not 1 <= month <= 12 or day > DAYS[month])
