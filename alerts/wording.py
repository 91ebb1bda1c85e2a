"""Days, hours and relationships in plain words."""

from datetime import date, datetime, time

from alerts.hours import local
from alerts.model.register import Registration

_NOON = time(12)
_EVENING = time(18)
_RELATIONSHIPS = {
    "CHILD": "child",
    "CHLDADOPT": "adopted child",
    "CHLDFOST": "foster child",
    "DAU": "daughter",
    "DAUC": "daughter",
    "NCHILD": "child",
    "SON": "son",
    "SONC": "son",
    "STPCHLD": "stepchild",
    "STPDAU": "stepdaughter",
    "STPSON": "stepson",
    "DAUINLAW": "daughter-in-law",
    "SONINLAW": "son-in-law",
    "CHLDINLAW": "child-in-law",
    "GRNDCHILD": "grandchild",
    "GRNDDAU": "granddaughter",
    "GRNDSON": "grandson",
    "GRPRN": "grandparent",
    "GRMTH": "grandmother",
    "GRFTH": "grandfather",
    "PRN": "parent",
    "MTH": "mother",
    "FTH": "father",
    "SIB": "brother or sister",
    "BRO": "brother",
    "SIS": "sister",
    "SPS": "husband or wife",
    "HUSB": "husband",
    "WIFE": "wife",
    "DOMPART": "partner",
    "SIGOTHR": "partner",
    "FMRSPS": "former husband or wife",
    "AUNT": "aunt",
    "UNCLE": "uncle",
    "COUSN": "cousin",
    "NEPHEW": "nephew",
    "NIECE": "niece",
    "NIENEPH": "niece or nephew",
    "FRND": "friend",
    "NBOR": "neighbour",
    "ROOM": "flatmate",
    "FAMMEMB": "family member",
    "EXT": "family member",
}


def carer_words(registration: Registration) -> str:
    """``Ann Smith, daughter``."""
    name = f"{registration.carer.given} {registration.carer.family}".strip()
    words = _RELATIONSHIPS.get(registration.relationship)
    return f"{name}, {words}" if words else name


def on_half_day(at: datetime | None) -> str:
    """A date and a part of the day: the hour is nobody's business outside."""
    if at is None:
        return ""
    return f" on {day(local(at).date())}, in the {part_of_day(local(at).time())}"


def part_of_day(shown: time) -> str:
    """``morning``, ``afternoon`` or ``evening`` of what a clock on a British wall shows."""
    if shown < _NOON:
        return "morning"
    return "afternoon" if shown < _EVENING else "evening"


def day(on: date | None) -> str:
    """``Tuesday 24 November 2026``."""
    return "not known" if on is None else f"{on:%A} {on.day} {on:%B} {on.year}"


def clock(at: datetime) -> str:
    """``17:00``, as a clock on a British wall shows it."""
    return f"{local(at):%H:%M}"
