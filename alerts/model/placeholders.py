"""What stands in a record for something that is not known: such values never make a match certain.

Names, dates and numbers that programs and people put where a field may not stay empty.
"""

import re
import unicodedata
from datetime import date

_OLDEST_BORN = date(1905, 1, 1)
"""Nobody alive was born before: 1 January 1900, 1901 and 1800, 30 December 1899 and the like."""
_NEVER = frozenset({date(1911, 11, 11), date(2222, 2, 22), date(9999, 12, 31)})
_LAST_YEAR = 2150
_DIGITS = 10

_NAMES = frozenset(
    {
        *("anon", "anonymous", "donotuse", "dummy", "na", "nk", "null", "unnamed"),
        *("baby", "babyboy", "babygirl", "infant", "newborn", "triplet", "twin"),
        *("fnu", "lnu", "nfn", "nln", "nofamilyname", "nogivenname", "noname"),
        *("notgiven", "notknown", "notrecorded", "notstated", "notused", "patient"),
        *("test", "tester", "testing", "testpatient"),
        *("unknown", "unknownfemale", "unknownmale", "unknwn", "unkown"),
    }
)
_GIVEN_ONLY = frozenset({"boy", "female", "girl", "male"})
# NHS test records: XXTESTPATIENT, ZZZTEST, ZZTEST-ALPHA; a letter that is typed again and again.
_SHAPES = re.compile(r"(?:xx|zz).*|.*testpatient.*|([a-z])\1{2,}")


def is_placeholder_name(name: str, is_given: bool = False) -> bool:
    """A whole name or its first word stands for nobody: UNKNOWN, Baby Smith, ZZZTEST …"""
    words = [_folded(word) for word in name.split()]
    whole = "".join(words)
    known = _NAMES | _GIVEN_ONLY if is_given else _NAMES
    return (
        whole in known or bool(words and words[0] in known) or _SHAPES.fullmatch(whole) is not None
    )


def is_placeholder_date(born: date) -> bool:
    """A birth date that stands for one that is not known: 1 January 1900 and the like."""
    return born < _OLDEST_BORN or born in _NEVER or born.year > _LAST_YEAR


def is_placeholder_number(number: str) -> bool:
    """One digit again and again: its check digit can be right all the same."""
    return len(number) >= _DIGITS and len(set(number)) == 1


def _folded(word: str) -> str:
    apart = unicodedata.normalize("NFKD", word.casefold())
    return "".join(c for c in apart if c.isalpha())
