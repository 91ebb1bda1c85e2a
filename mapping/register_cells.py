"""One cell of a register file as a value, or why it is none; reasons never quote the cell.

Unfit
    The cell does not hold what its column is for.
"""

import re
import unicodedata
from datetime import date, timedelta

from alerts.model.identity import Identifier, IdentifierKind
from alerts.model.placeholders import is_placeholder_date, is_placeholder_name
from alerts.model.register import Sharing
from mapping import numbers, relationships

LONGEST = 500
"""Characters in one cell."""

CONTACT_WAYS = ("phone", "sms", "email", "letter", "none")
FORMATS = ("standard", "large-print", "easy-read", "braille", "audio", "bsl")
TOPICS = ("medication", "diagnosis", "prognosis", "discharge")

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_OLDEST = 130
"""Years that anybody can have lived."""
_YEARS = range(1890, 2200)
_PHONE = re.compile(r"[+(]?\d[\d ()+-]*(?: ?(?:x|ext\.?) ?\d{1,6})?", re.ASCII)
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(?:\.[^@\s.]+)+")
# RFC 5646 §2.1: language, extended languages, script, region, variants.
_LANGUAGE = re.compile(
    r"[a-z]{2,3}(?:-[a-z]{3}){0,3}(?:-[a-z]{4})?(?:-(?:[a-z]{2}|\d{3}))?"
    r"(?:-(?:[a-z\d]{5,8}|\d[a-z\d]{3}))*",
    re.ASCII | re.IGNORECASE,
)
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
"""Invisible marks that turn the reading direction: they make a name show as another."""
_LOST = "\ufffd"
_ASKED = "a coordinator is asked before anybody is told"


class Unfit(Exception):
    """The cell does not hold what its column is for; the message says what to write."""


def text(cell: str) -> str:
    """Text as it is written; a formula is only text here."""
    if len(cell) > LONGEST:
        raise Unfit(f"is longer than {LONGEST} characters")
    if _LOST in cell:
        raise Unfit("holds the mark of a letter that was lost; write it again and save as UTF-8")
    if not cell.isprintable() and any(_is_invisible(c) for c in cell):
        raise Unfit("holds an invisible control character or a line break; write it on one line")
    if cell != cell.strip():
        raise Unfit("begins or ends with a space; take it out")
    return cell


def doubt(column: str, cell: str) -> str | None:
    """What is doubtful about a sound cell: it stands for a person who is not known."""
    if column == "patient_birth_date" and is_placeholder_date(date.fromisoformat(cell)):
        return f"is a date that stands for one that is not known; {_ASKED}"
    is_given = column == "patient_given"
    if (is_given or column == "patient_family") and is_placeholder_name(cell, is_given):
        return f"is a name that stands for one that is not known; {_ASKED}"
    return None


def yes_or_no(cell: str) -> bool:
    """``yes`` or ``no``."""
    return one_of(cell, ("yes", "no")) == "yes"


def one_of(cell: str, choices: tuple[str, ...]) -> str:
    """One of a few words, in small letters."""
    if cell not in choices:
        raise Unfit(f"write {', '.join(choices[:-1])} or {choices[-1]}, in small letters")
    return cell


def sharing(cell: str) -> Sharing:
    """What the patient agreed to share."""
    return Sharing(one_of(cell, tuple(Sharing)))


def any_date(cell: str) -> date:
    """A date of our times."""
    try:
        found = date.fromisoformat(cell) if _DATE.fullmatch(cell) else None
    except ValueError:
        found = None
    if found is None:
        raise Unfit("write a real date as year-month-day, such as 2026-11-22")
    if found.year not in _YEARS:
        raise Unfit(f"write a year from {_YEARS.start} to {_YEARS.stop - 1}")
    return found


def birth_date(cell: str, today: date) -> date:
    """A date on which somebody alive today can have been born."""
    found = _past_date(cell, today)
    if found.year < today.year - _OLDEST:
        raise Unfit(f"is more than {_OLDEST} years ago")
    return found


def past_date(cell: str, today: date) -> date:
    """A date that has come; tomorrow too, for in summer London is a day ahead at midnight."""
    return _past_date(cell, today + timedelta(days=1))


def identifier(cell: str, synthetic: bool) -> Identifier:
    """An NHS or CHI number that can be one."""
    prefix, _, number = cell.partition(":")
    if prefix not in (IdentifierKind.NHS, IdentifierKind.CHI):
        raise Unfit("write nhs: or chi: and ten digits, such as nhs:9990000018")
    kind = IdentifierKind(prefix)
    fault = numbers.fault(number)
    if fault is None and kind is IdentifierKind.CHI and not numbers.chi_number(number, synthetic):
        fault = "that begins with no date of birth"
    if fault is not None:
        raise Unfit(f"holds a number {fault}; write {prefix}: and ten digits without spaces")
    return Identifier(kind, number)


def relationship(cell: str) -> str:
    """The v3-RoleCode of the carer to the patient."""
    found = relationships.relationship(cell)
    if found is None:
        raise Unfit(
            "write what the carer is to the patient: a v3-RoleCode in capitals such as DAUC, "
            "or a common word such as daughter, or relative if none fits"
        )
    return found


def topics(cell: str) -> tuple[str, ...]:
    """The topics of a passport, each once."""
    found = tuple(cell.split(";"))
    if not set(found) <= set(TOPICS) or len(set(found)) < len(found):
        raise Unfit(f"write each of {', '.join(TOPICS)} at most once, with ; between and no space")
    return found


def language(cell: str) -> str:
    """A language tag."""
    return _shaped(cell, _LANGUAGE, "write a BCP 47 language tag, such as en, gd, ur or pt-BR")


def phone(cell: str) -> str:
    """A telephone number."""
    reason = "write a telephone number: digits, spaces, brackets, hyphens, + in front"
    if not 3 <= sum(c.isdigit() for c in cell) <= 20:
        raise Unfit(reason)
    return _shaped(cell, _PHONE, reason)


def email(cell: str) -> str:
    """An e-mail address."""
    return _shaped(cell, _EMAIL, "write an e-mail address, such as name@centre.example")


def _shaped(cell: str, shape: re.Pattern[str], reason: str) -> str:
    if not shape.fullmatch(cell):
        raise Unfit(reason)
    return cell


def _past_date(cell: str, latest: date) -> date:
    found = any_date(cell)
    if found > latest:
        raise Unfit("is in the future")
    return found


def _is_invisible(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Zl", "Zp", "Cs") or character in _TURNING
