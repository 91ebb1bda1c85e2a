"""FHIR search parameters, read strictly: what is not offered or cannot be read is refused."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from service.errors import ServiceError

LONDON = ZoneInfo("Europe/London")
USUAL_COUNT = 50
MOST = 200
FORMATS = ("json", "application/json", "application/fhir+json")
_ALWAYS = ("_count", "_format", "_after")
_DATE = re.compile(r"(eq|ne|gt|lt|ge|le|sa|eb)?(\d{4}-\d\d-\d\d)(T.+)?")
_CURSOR = re.compile(r"[0-9T:.+-]{0,64}~.{1,400}", re.DOTALL)
"""Where a page begins, as ``Found.after`` wrote it: a time, or none, and an id."""


class SearchInvalid(ServiceError):
    """A search parameter is not offered here or cannot be read."""


@dataclass(frozen=True, slots=True)
class Token:
    """``system|value``; system None: any system."""

    system: str | None
    value: str


@dataclass(frozen=True, slots=True)
class Moment:
    """A date parameter: an operator and the stretch of time that its precision covers."""

    operator: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Search:
    """A whole query: each parameter's alternatives, all parameters to hold at once."""

    tokens: Mapping[str, tuple[tuple[Token, ...], ...]]
    moments: Mapping[str, tuple[Moment, ...]]
    count: int
    after: str


def read(pairs: Sequence[tuple[str, str]], tokens: Sequence[str], dates: Sequence[str]) -> Search:
    """The query, or SearchInvalid with a sentence that says which parameter and why."""
    found: dict[str, tuple[tuple[Token, ...], ...]] = {}
    moments: dict[str, tuple[Moment, ...]] = {}
    count, after = USUAL_COUNT, ""
    for name, value in pairs:
        if name in tokens:
            found[name] = (
                *found.get(name, ()),
                tuple(_token(name, v) for v in _parts(name, value)),
            )
        elif name in dates:
            moments[name] = (*moments.get(name, ()), _moment(name, value))
        elif name == "_count":
            count = _count(value)
        elif name == "_format" and value in FORMATS:
            continue
        elif name == "_after" and _CURSOR.fullmatch(value):
            after = value
        else:
            raise SearchInvalid(_refusal(name, (*tokens, *dates)))
    return Search(found, moments, count, after)


def _refusal(name: str, offered: Sequence[str]) -> str:
    if name in _ALWAYS:
        return f"The value of {name} cannot be read."
    shown = name if re.fullmatch(r"[A-Za-z_:-]{1,40}", name) else "that name"
    return f"No search by {shown} here. Offered: {', '.join((*offered, '_count'))}."


def _parts(name: str, value: str) -> list[str]:
    parts = [part for part in value.split(",") if part]
    if not parts:
        raise SearchInvalid(f"{name} is empty.")
    return parts


def _token(name: str, value: str) -> Token:
    system, bar, code = value.partition("|")
    if not bar:
        system, code = "", value
    is_identifier = name.endswith(":identifier") or name == "identifier"
    if is_identifier and not (system and code):
        raise SearchInvalid(f"Write {name} as system|value.")
    return Token(system or None, code)


def _count(value: str) -> int:
    if not (value.isascii() and value.isdigit()) or not int(value[:9]) > 0:
        raise SearchInvalid("_count is a number from 1.")
    return min(int(value[:9]), MOST)


def _moment(name: str, value: str) -> Moment:
    matched = _DATE.fullmatch(value)
    if matched is None:
        raise SearchInvalid(f"Write {name} as a date or a time with its offset.")
    operator, day, rest = matched.groups()
    try:
        if rest is None:
            on = date.fromisoformat(day)
            start = datetime(on.year, on.month, on.day, tzinfo=LONDON)
            after = on + timedelta(days=1)
            end = datetime(after.year, after.month, after.day, tzinfo=LONDON)
        else:
            start = datetime.fromisoformat(day + rest)
            start = start.replace(tzinfo=start.tzinfo or LONDON)
            end = start + (timedelta(seconds=1) if start.microsecond == 0 else _MILLISECOND)
        return Moment(operator or "eq", start.astimezone(UTC), end.astimezone(UTC))
    except (ValueError, OverflowError) as err:
        raise SearchInvalid(f"Write {name} as a date or a time with its offset.") from err


_MILLISECOND = timedelta(milliseconds=1)
