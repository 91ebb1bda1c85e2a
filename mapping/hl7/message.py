"""The values we use of one message, picked by a plan: splitting, escapes and HL7 null."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from alerts.model.doubts import Doubt, DoubtKind
from alerts.model.events import CLEARED, Change, Cleared
from mapping.hl7.faults import Unreadable
from mapping.hl7.plan import WHOLE, FieldPlan, Pick, plan_for
from mapping.hl7.text import (
    NULL,
    Decoded,
    Separators,
    declared_version,
    lines_of,
    separators_of,
    unescape,
)

MAX_CHARACTERS = 600
"""Of one repetition that we use: HL7 v2.4 allows 250, PostgreSQL 2,704 bytes in an index."""
MAX_REPEATED = 6_000
MAX_REPETITIONS = 200
"""Of a field whose every repetition we use."""
_UNIT = "\x1f"
"""Between the sub-components of one value."""
_NO_FIELDS: dict[str, tuple["Values", ...]] = {}


@dataclass(frozen=True, slots=True)
class Values:
    """The values of one segment, or of one repetition of a field, by path such as ``PID-5.1``."""

    singles: Mapping[str, str | Cleared] = field(default_factory=dict)
    repeated: Mapping[str, tuple["Values", ...]] = field(default_factory=dict)

    def get(self, path: str) -> Change[str]:
        """The value, ``CLEARED`` for HL7 null, or None where nothing was sent."""
        return self.singles.get(path)

    def text(self, path: str) -> str:
        """The value without blanks around it; empty where nothing was sent or for HL7 null."""
        value = self.singles.get(path)
        return value.strip() if isinstance(value, str) else ""

    def texts(self, path: str) -> tuple[Change[str], ...]:
        """The value of every repetition of a field that is read so, such as ``PID-30.1``."""
        value = self.singles.get(path)
        if value is not None:
            return (value,)
        return tuple(one.singles.get(path) for one in self.repeated.get(path, ()))

    def parts(self, path: str) -> tuple[str, ...]:
        """The sub-components of a component such as an HD or FN."""
        whole = self.singles.get(f"{path}&")
        if isinstance(whole, str):
            return tuple(part.strip() for part in whole.split(_UNIT))
        return (self.text(path),)

    def each(self, path: str) -> tuple["Values", ...]:
        """All repetitions of a field such as ``PID-3``."""
        return self.repeated.get(path, ())


NOTHING = Values()


@dataclass(frozen=True, slots=True)
class Message:
    """The picked values of one message; ``doubts`` say what is doubtful in it."""

    segments: Mapping[str, tuple[Values, ...]]
    doubts: tuple[Doubt, ...] = ()
    has_more: bool = False
    """A segment that is read comes more than once."""

    def has(self, name: str) -> bool:
        """The message holds such a segment."""
        return name in self.segments

    def first(self, name: str) -> Values:
        """The first such segment, or one without values."""
        return self.segments.get(name, (NOTHING,))[0]

    def all(self, name: str) -> tuple[Values, ...]:
        """Every such segment."""
        return self.segments.get(name, ())


def read(decoded: Decoded) -> Message:
    """The values we use of one message; ``Unreadable`` where its separators are no separators."""
    separators = separators_of(decoded.text)
    lines, joined = lines_of(decoded.text, separators.field)
    declared = declared_version(lines[0], separators)
    plan = plan_for(declared)
    doubts = list(decoded.doubts)
    if declared != plan.version:
        doubts.append(Doubt(DoubtKind.CODE_UNKNOWN, "MSH-12"))
    if joined:
        doubts.append(Doubt(DoubtKind.LINE_JOINED))
    found: dict[str, list[Values]] = {}
    count = 0
    for line in lines:
        picks = plan.segments.get(line[:3])
        if picks is not None and len(line) > len("PV1"):  # a bare name says nothing
            values = _values(line, picks, separators, decoded.codecs)
            found.setdefault(line[:3], []).append(values)
            count += 1
    segments = {name: tuple(rows) for name, rows in found.items()}
    return Message(segments, tuple(doubts), count > len(found))


def _values(
    line: str, plans: tuple[FieldPlan, ...], separators: Separators, codecs: tuple[str, ...]
) -> Values:
    parts = line.split(separators.field)
    size = len(parts)
    singles: dict[str, str | Cleared] = {}
    repeated: dict[str, tuple[Values, ...]] = {}
    for path, position, repeats, picks, first, all_count in plans:
        if position >= size:
            break
        raw = parts[position]
        if not raw:
            continue
        if len(raw) > MAX_CHARACTERS:
            raw = _bounded(raw, repeats, separators.repetition, path)
        if repeats or (all_count and separators.repetition in raw):
            repeated[first if all_count else path] = _repetitions(raw, picks, separators, codecs)
        elif raw.isalnum():  # no separator in it: most fields
            if first:
                singles[first] = raw
        else:
            _pick(singles, raw.split(separators.repetition, 1)[0], picks, separators, codecs)
    return Values(singles, repeated)


def _repetitions(
    raw: str, picks: tuple[Pick, ...], separators: Separators, codecs: tuple[str, ...]
) -> tuple[Values, ...]:
    rows = []
    for repetition in raw.split(separators.repetition):
        row: dict[str, str | Cleared] = {}
        _pick(row, repetition, picks, separators, codecs)
        rows.append(Values(row, _NO_FIELDS))
    return tuple(rows)


def _bounded(raw: str, repeats: bool, sign: str, path: str) -> str:
    """A long field as far as we use it; beyond the limits it is left to a person.

    It would be dear to read, to keep and to match.
    """
    used = raw if repeats else raw.split(sign, 1)[0]
    is_too_long = len(used) > (MAX_REPEATED if repeats else MAX_CHARACTERS)
    if is_too_long or (repeats and raw.count(sign) >= MAX_REPETITIONS):
        segment, number = path.split("-")
        raise Unreadable(f"{path} is longer than is read here", 104, f"{segment}^1^{number}")
    return used


def _pick(
    into: dict[str, str | Cleared],
    raw: str,
    picks: tuple[Pick, ...],
    separators: Separators,
    codecs: tuple[str, ...],
) -> None:
    if raw.startswith(NULL) and raw.rstrip(separators.component + separators.subcomponent) == NULL:
        into.update({pick.path: CLEARED for pick in picks})
        return
    components = raw.split(separators.component)
    size = len(components)
    for path, component, _, _ in picks:
        if component > size:
            break
        value = components[component - 1]
        if value.isalnum():
            into[path] = value
        elif value:
            _pick_signs(into, path, value, separators, codecs)


def _pick_signs(
    into: dict[str, str | Cleared],
    path: str,
    raw: str,
    separators: Separators,
    codecs: tuple[str, ...],
) -> None:
    value, sign, more = raw.partition(separators.subcomponent)
    if sign and path in WHOLE and more.strip(separators.subcomponent):
        parts = raw.split(separators.subcomponent)
        into[f"{path}&"] = _UNIT.join(unescape(part, separators, codecs) for part in parts)
    if value == NULL:
        into[path] = CLEARED
    elif separators.escape in value:
        into[path] = unescape(value, separators, codecs)
    elif value:
        into[path] = value
