"""Whether two resources say the same, whatever a server did to their spelling."""

import json
import re
from datetime import UTC, datetime
from typing import TypeAlias

Resource: TypeAlias = dict[str, object]

_NOT_CONTENT = ("meta", "text")
_EMPTY: tuple[object, ...] = (None, "", [], {})
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")


def is_same(one: str, other: str) -> bool:
    """Do they say the same, but for ``meta``, ``text`` and spelling? False for what is no JSON."""
    try:
        return is_equal(json.loads(one), json.loads(other))
    except (ValueError, RecursionError):
        return False


def is_equal(one: object, other: object) -> bool:
    """The same for what is read already: a resource or a part of one."""
    return plain(_content(one)) == plain(_content(other))


def plain(part: object) -> object:
    """A part as every server spells it: nothing empty, lists sorted, instants in UTC."""
    match part:
        case dict():
            parts = {name: plain(each) for name, each in part.items()}
            return {name: each for name, each in parts.items() if each not in _EMPTY}
        case list():
            filled = [each for each in map(plain, part) if each not in _EMPTY]
            return sorted(filled, key=lambda each: json.dumps(each, sort_keys=True))
        case str() if _INSTANT.fullmatch(part):
            return _in_utc(part)
        case _:
            return part


def _content(resource: object) -> object:
    if isinstance(resource, dict) and "resourceType" in resource:
        return {name: each for name, each in resource.items() if name not in _NOT_CONTENT}
    return resource


def _in_utc(instant: str) -> str:
    try:
        return datetime.fromisoformat(instant).astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        return instant
