"""Whether a reader must be told anew: what would be disclosed now beside what that reader holds."""

import json
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from typing import assert_never

from alerts.model.alert import OPEN_STATUSES, Alert, Notice, NoticeStatus, Task
from alerts.model.disclosed import Disclosure, Named
from alerts.model.site import NoticeEvent

_NO_FACTS = frozenset({"authored_at", "modified_at", "sent_at", "note", "sentences", "reason"})
"""Clocks and wording: they go along with the next version that has another reason."""


_CORRECTIONS = (NoticeEvent.CANCELLED, NoticeEvent.WITHDRAWN)


class Cause(StrEnum):
    """What made a version."""

    MESSAGE = "message"
    PERSON = "person"
    CLOCK = "clock"
    """Time, the register or the site: whatever asked for the stay to be decided again."""
    BEFORE = "before"
    """Made by a release that did not keep it."""


@dataclass(frozen=True, slots=True)
class Held:
    """An obligation as it was recorded, and the facts of the version that its reader holds."""

    alert: Alert
    version: int
    facts: str


def facts_of(disclosed: Disclosure) -> str:
    """The facts that a reader is given, as canonical JSON; equal facts give equal text."""
    found = {
        field.name: _plain(getattr(disclosed, field.name))
        for field in fields(disclosed)
        if field.name not in _NO_FACTS
    }
    return json.dumps(found, sort_keys=True, default=str, ensure_ascii=False)


def is_news(held: Held, alert: Alert, facts: str) -> bool:
    """A new version is due: a fact changed, or of what is over something is taken away.

    Contract §7: while it is open or its date lies ahead any fact that changes makes a version.
    """
    if facts == held.facts:
        return False
    if alert.status is not held.alert.status or not is_over(alert):
        return True
    old, new = json.loads(held.facts or "{}"), json.loads(facts)
    return any(_is_less(old[name], new.get(name)) for name in old)


def is_over(alert: Alert) -> bool:
    """Nothing is asked or stated any more; what was told of a past day stays as it was told."""
    match alert:
        case Task():
            return alert.status not in OPEN_STATUSES
        case Notice():
            return alert.status is not NoticeStatus.COMPLETED or alert.event in _CORRECTIONS
        case _:
            assert_never(alert)


def _is_less(old: object, new: object) -> bool:
    """Something was there and is gone."""
    if isinstance(old, list) and isinstance(new, list):
        return any(each not in new for each in old)
    return bool(old) and not new


def _plain(value: object) -> object:
    if isinstance(value, Named):
        return f"{value.recipient.kind}:{value.recipient.code}"
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    return value
