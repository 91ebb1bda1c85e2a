"""One cell of a register file: text to a value, or a sentence that says what to write instead."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import TypeVar

from alerts.model.identity import Identifier, IdentifierKind
from mapping.numbers import chi_number, nhs_number

T = TypeVar("T")


class CellFault(Exception):
    """The cell cannot be read; the text says what it should hold, never what it holds."""


_CODE = re.compile(r"[\w .:/-]{1,120}", re.ASCII)
_PHONE = re.compile(r"\+?[0-9][0-9 ()-]{5,24}")
_EMAIL = re.compile(r"[^@\s,;<>\"]{1,64}@[^@\s,;<>\"]+\.[^@\s,;<>\".]{2,}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_POSTCODE = re.compile(r"[A-Za-z]{1,2}[0-9][A-Za-z0-9]?( ?[0-9][A-Za-z]{2})?")
_LONGEST = 200

RELATIONSHIPS = frozenset(
    {
        "AUNT",
        "BRO",
        "BROINLAW",
        "CHILD",
        "CHLDADOPT",
        "CHLDFOST",
        "CHLDINLAW",
        "COUSN",
        "DAU",
        "DAUADOPT",
        "DAUFOST",
        "DAUINLAW",
        "DOMPART",
        "EXT",
        "FAMMEMB",
        "FTH",
        "FTHINLAW",
        "FRND",
        "GRFTH",
        "GRMTH",
        "GRNDCHILD",
        "GRNDDAU",
        "GRNDSON",
        "GRPRNT",
        "HBRO",
        "HSIB",
        "HSIS",
        "HUSB",
        "INLAW",
        "MTH",
        "MTHINLAW",
        "NBOR",
        "NBRO",
        "NCHILD",
        "NEPHEW",
        "NIECE",
        "NIENEPH",
        "NSIB",
        "NSIS",
        "PRN",
        "PRNINLAW",
        "ROOM",
        "SIB",
        "SIBINLAW",
        "SIGOTHR",
        "SIS",
        "SISINLAW",
        "SON",
        "SONADOPT",
        "SONFOST",
        "SONINLAW",
        "SPS",
        "STPBRO",
        "STPCHLD",
        "STPDAU",
        "STPFTH",
        "STPMTH",
        "STPPRN",
        "STPSIB",
        "STPSIS",
        "STPSON",
        "UNCLE",
        "WIFE",
    }
)
"""v3-RoleCode, the personal relationships."""
WORDS: Mapping[str, str] = {
    "aunt": "AUNT",
    "brother": "BRO",
    "brother-in-law": "BROINLAW",
    "child": "CHILD",
    "cousin": "COUSN",
    "daughter": "DAU",
    "daughter-in-law": "DAUINLAW",
    "father": "FTH",
    "friend": "FRND",
    "grandchild": "GRNDCHILD",
    "granddaughter": "GRNDDAU",
    "grandfather": "GRFTH",
    "grandmother": "GRMTH",
    "grandparent": "GRPRNT",
    "grandson": "GRNDSON",
    "husband": "HUSB",
    "mother": "MTH",
    "neighbour": "NBOR",
    "nephew": "NEPHEW",
    "niece": "NIECE",
    "parent": "PRN",
    "partner": "DOMPART",
    "relative": "FAMMEMB",
    "sibling": "SIB",
    "sister": "SIS",
    "sister-in-law": "SISINLAW",
    "son": "SON",
    "son-in-law": "SONINLAW",
    "spouse": "SPS",
    "stepdaughter": "STPDAU",
    "stepfather": "STPFTH",
    "stepmother": "STPMTH",
    "stepson": "STPSON",
    "uncle": "UNCLE",
    "wife": "WIFE",
}


def words(cell: str) -> str:
    """A name or a sentence, as written."""
    if len(cell) > _LONGEST:
        raise CellFault(f"is longer than {_LONGEST} characters; shorten it")
    if any(not c.isprintable() for c in cell):
        raise CellFault("holds a control character; write it again by hand")
    return cell


def code(cell: str) -> str:
    """A code of somebody else's."""
    if not _CODE.fullmatch(cell):
        raise CellFault("must be letters, digits, spaces and . : / - only, at most 120")
    return cell


def yes_no(cell: str) -> bool:
    """``yes`` or ``no``."""
    return one_of({"yes": True, "no": False})(cell)


def one_of(values: Mapping[str, T]) -> Callable[[str], T]:
    """One of a few words."""

    def read(cell: str) -> T:
        if cell not in values:
            raise CellFault(f"must be one of: {', '.join(values)}")
        return values[cell]

    return read


def some_of(values: tuple[str, ...]) -> Callable[[str], tuple[str, ...]]:
    """Several of a few words, parted by a semicolon."""

    def read(cell: str) -> tuple[str, ...]:
        found = tuple(part.strip() for part in cell.split(";"))
        if not set(found) <= set(values) or len(set(found)) < len(found):
            raise CellFault(f"must be some of: {';'.join(values)}, each once")
        return found

    return read


def day(cell: str) -> date:
    """A date, ISO 8601."""
    try:
        found = date.fromisoformat(cell) if len(cell) == len("2026-11-23") else None
    except ValueError:
        found = None
    if found is None:
        raise CellFault("must be a real date, written like 2026-11-23")
    return found


def past_day(today: date) -> Callable[[str], date]:
    """A date that has come and that somebody alive may remember."""

    def read(cell: str) -> date:
        found = day(cell)
        if found > today:
            raise CellFault("is in the future; check the year")
        if found.year < today.year - 130:
            raise CellFault("is more than 130 years ago; check the year")
        return found

    return read


def phone(cell: str) -> str:
    """A telephone number."""
    return _shaped(_PHONE, cell, "must be a telephone number, like 01698 000000")


def email(cell: str) -> str:
    """An e-mail address."""
    return _shaped(_EMAIL, cell, "must be an e-mail address, like desk@centre.example")


def language(cell: str) -> str:
    """A BCP 47 language tag."""
    return _shaped(_LANGUAGE, cell, "must be a language tag (BCP 47), like en, ur or pl")


def postcode(cell: str) -> str:
    """A UK postcode or its first half."""
    return _shaped(_POSTCODE, cell, "must be a postcode, like ML6 0XX").upper()


def relationship(cell: str) -> str:
    """What the carer is to the patient: a v3-RoleCode or its common English word."""
    found = cell if cell in RELATIONSHIPS else WORDS.get(cell.casefold())
    if found is None:
        raise CellFault("must be what the carer is to the patient, like daughter, CHILD or FRND")
    return found


def identifier(synthetic: bool) -> Callable[[str], Identifier]:
    """``nhs:`` or ``chi:`` and ten digits."""

    def read(cell: str) -> Identifier:
        kind, colon, digits = cell.partition(":")
        if not colon or kind not in ("nhs", "chi"):
            raise CellFault("must begin with nhs: or chi:, like nhs:9990000018")
        value = nhs_number(digits) if kind == "nhs" else chi_number(digits, synthetic)
        if value is None or len(digits) != len(value):
            name = "an NHS number" if kind == "nhs" else "a CHI number"
            raise CellFault(f"is not {name}: ten digits whose check digit is right")
        return Identifier(IdentifierKind(kind), value)

    return read


def _shaped(shape: re.Pattern[str], cell: str, otherwise: str) -> str:
    if not shape.fullmatch(cell):
        raise CellFault(otherwise)
    return cell
