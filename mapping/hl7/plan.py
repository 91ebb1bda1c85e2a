"""Field access compiled from hl7apy's own tables, and hl7apy's full parse for the engineers.

A plan picks the values we use by splitting; hl7apy's objects are never built on the way. This is
the only module that knows hl7apy.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from hl7apy import SUPPORTED_LIBRARIES, load_library
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.exceptions import HL7apyException
from hl7apy.parser import parse_segment

from alerts.model.events import CLEARED, Change, Cleared
from mapping.hl7.faults import Unreadable
from mapping.hl7.text import NULL, Decoded, Separators, separators_of, unescape

# What we read, as HL7 writes it; a star marks fields whose every repetition counts.
WANTED = (
    *("MSH-7.1", "MSH-9.1", "MSH-9.2", "MSH-10.1", "MSH-12.1"),
    *("EVN-2.1", "EVN-6.1"),
    *("PID-3*.1", "PID-3*.4", "PID-3*.5", "PID-5.1", "PID-5.2", "PID-7.1", "PID-8.1"),
    *("PID-11.5", "PID-13*.1", "PID-13*.12", "PID-29.1", "PID-30.1", "PID-32*.1"),
    *("PV1-2.1", "PV1-3.1", "PV1-3.2", "PV1-3.3", "PV1-3.4", "PV1-16.1", "PV1-19.1"),
    *("PV1-36.1", "PV1-37.1", "PV1-44.1", "PV1-45.1"),
    "PV2-9.1",
    *("NK1-2.1", "NK1-2.2", "NK1-3.1", "NK1-4.5", "NK1-5*.1", "NK1-5*.12", "NK1-7.1", "NK1-9.1"),
    *("ZU1-27.1", "ZU8-2.1", "ZU8-4.1"),
)
VERSIONS = tuple(sorted(SUPPORTED_LIBRARIES, key=lambda v: tuple(map(int, v.split(".")))))
USUAL_VERSION = "2.4"
"""HL7 UK A.3 is a profile of 2.4: how a message without MSH-12 is read."""

_PATH = re.compile(r"(\w{3})-(\d+)(\*?)\.(\d+)", re.ASCII)
_NAME = re.compile(r"[A-Z][A-Z0-9]{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Pick:
    """One value to take: component ``component`` of a field, down to its first sub-component."""

    path: str
    component: int
    version: str | None
    """Whose table names it: this version's, the first later one's, or None for a Z segment."""
    name: str


@dataclass(frozen=True, slots=True)
class FieldPlan:
    """The values to take from one field; ``index`` counts from the segment's name."""

    path: str
    index: int
    repeats: bool
    picks: tuple[Pick, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to take from each segment of one version, fields in ascending order."""

    version: str
    segments: Mapping[str, tuple[FieldPlan, ...]]


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

    def each(self, path: str) -> tuple["Values", ...]:
        """All repetitions of a field such as ``PID-3``."""
        return self.repeated.get(path, ())


NOTHING = Values()


@dataclass(frozen=True, slots=True)
class Message:
    """The picked values of one message; ``flags`` say what was doubtful, in plain words."""

    segments: Mapping[str, tuple[Values, ...]]
    flags: tuple[str, ...] = ()

    def has(self, name: str) -> bool:
        """The message holds such a segment."""
        return name in self.segments

    def first(self, name: str) -> Values:
        """The first such segment, or one without values."""
        return self.segments.get(name, (NOTHING,))[0]


@dataclass(frozen=True, slots=True)
class FieldLine:
    """One field as an engineer reads it: ``PID-5``, ``Patient name``, the value as sent."""

    path: str
    name: str
    value: str


def read(decoded: Decoded) -> Message:
    """The values we use of one message; ``Unreadable`` where its separators are no separators."""
    separators = separators_of(decoded.text)
    lines, joined = _lines(decoded.text, separators.field)
    plan, unknown_version = plan_for(_declared_version(lines[0], separators))
    flags = list(decoded.flags)
    if unknown_version:
        flags.append(f"MSH-12 is not a version known here and was read as {plan.version}")
    if joined:
        flags.append("a line that is no segment was taken as part of the field before it")
    found: dict[str, list[Values]] = {}
    for line in lines:
        picks = plan.segments.get(line[:3])
        if picks is not None:
            values = _values(line, picks, separators, decoded.codec)
            found.setdefault(line[:3], []).append(values)
    return Message({name: tuple(rows) for name, rows in found.items()}, tuple(flags))


def plan_for(declared: str) -> tuple[Plan, bool]:
    """The plan of a declared version or of the nearest lower one; True where it is not known."""
    if declared in VERSIONS:
        return compile_plan(declared), False
    parts = tuple(int(p) for p in re.findall(r"\d{1,4}", declared, re.ASCII)[:4])
    if not parts:
        return compile_plan(USUAL_VERSION), True
    lower = [v for v in VERSIONS if tuple(map(int, v.split("."))) <= parts]
    return compile_plan(lower[-1] if lower else VERSIONS[0]), True


@cache
def compile_plan(version: str) -> Plan:
    """The plan of one version known to hl7apy; compiled when first asked for.

    A field or component that the version does not have yet is read as the first later version
    that has it defines it: feeds send PID-30 long before their MSH-12 allows it.
    """
    segments: dict[str, dict[int, FieldPlan]] = {}
    for wanted in WANTED:
        found = _PATH.fullmatch(wanted)
        if found is None:
            raise ValueError(f"not a path: {wanted}")
        segment, number, star, component = found.groups()
        index = int(number) - (segment == "MSH")
        path = f"{segment}-{number}"
        fields = segments.setdefault(segment, {})
        earlier = fields[index].picks if index in fields else ()
        source, name = _source(version, path.replace("-", "_"), int(component))
        pick = Pick(f"{path}.{component}", int(component), source, name)
        fields[index] = FieldPlan(path, index, bool(star), (*earlier, pick))
    ordered = {s: tuple(f for _, f in sorted(fields.items())) for s, fields in segments.items()}
    return Plan(version, ordered)


def _source(version: str, field_name: str, component: int) -> tuple[str | None, str]:
    for candidate in VERSIONS[VERSIONS.index(version) :]:
        entry = _entry(candidate, field_name)
        if entry is None:
            continue
        if entry[0] != "sequence" and component == 1:
            return candidate, str(entry[3])
        if entry[0] == "sequence" and len(entry[1]) >= component:
            return candidate, f"{entry[3]} {entry[1][component - 1][1][3]}"
    return None, ""


def _entry(version: str, field_name: str):  # type: ignore[no-untyped-def]  # noqa: ANN202
    try:
        return load_library(version).get(field_name, "Field")
    except HL7apyException:
        return None


def _lines(text: str, field_separator: str) -> tuple[list[str], bool]:
    """Segments; a carriage return inside a field is data and makes no segment of its own."""
    lines: list[str] = []
    joined = False
    for line in text.split("\r"):
        if line[3:4] in (field_separator, "") and _NAME.match(line):
            lines.append(line)
        elif line.strip() and lines:
            lines[-1] += "\n" + line
            joined = True
    return lines, joined


def _declared_version(header: str, separators: Separators) -> str:
    fields = header.split(separators.field, 12)
    return fields[11].split(separators.component, 1)[0].strip() if len(fields) > 11 else ""


def _values(
    line: str, plans: tuple[FieldPlan, ...], separators: Separators, codec: str
) -> Values:
    parts = line.split(separators.field)
    size = len(parts)
    singles: dict[str, str | Cleared] = {}
    repeated: dict[str, tuple[Values, ...]] = {}
    for plan in plans:
        if plan.index >= size:
            break
        raw = parts[plan.index]
        if not raw:
            continue
        repetitions = raw.split(separators.repetition)
        if plan.repeats:
            rows = []
            for repetition in repetitions:
                row: dict[str, str | Cleared] = {}
                _pick(row, repetition, plan.picks, separators, codec)
                rows.append(Values(row))
            repeated[plan.path] = tuple(rows)
        else:
            _pick(singles, repetitions[0], plan.picks, separators, codec)
    return Values(singles, repeated)


def _pick(
    into: dict[str, str | Cleared],
    raw: str,
    picks: tuple[Pick, ...],
    separators: Separators,
    codec: str,
) -> None:
    if raw == NULL:
        into.update({pick.path: CLEARED for pick in picks})
        return
    components = raw.split(separators.component)
    for pick in picks:
        if pick.component > len(components):
            continue
        value = components[pick.component - 1].split(separators.subcomponent, 1)[0]
        if value == NULL:
            into[pick.path] = CLEARED
        elif separators.escape in value:
            into[pick.path] = unescape(value, separators, codec)
        elif value:
            into[pick.path] = value


def explain(text: str) -> list[FieldLine]:
    """Every field with hl7apy's name for it, values as sent; it explains what it can and never fails.

    Each segment is parsed by hl7apy in full; one that hl7apy refuses is split instead.
    """
    try:
        separators = separators_of(text)
    except Unreadable:
        return [FieldLine(f"line {n}", "", line) for n, line in enumerate(text.split("\r"), 1) if line]
    lines, _ = _lines(text, separators.field)
    plan, _ = plan_for(_declared_version(lines[0], separators))
    told: list[FieldLine] = []
    for line in lines:
        told += _explain_segment(line, separators, plan.version)
    return told


def _explain_segment(line: str, separators: Separators, version: str) -> list[FieldLine]:
    signs = {
        "FIELD": separators.field,
        "COMPONENT": separators.component,
        "REPETITION": separators.repetition,
        "ESCAPE": separators.escape,
        "SUBCOMPONENT": separators.subcomponent,
    }
    told = []
    try:
        if line.startswith("MSH"):
            return _split_segment(line, separators, version)
        segment = parse_segment(line, version, signs, VALIDATION_LEVEL.TOLERANT)
        for item in segment.children:
            if item.name is None:
                return _split_segment(line, separators, version)
            told.append(FieldLine(item.name.replace("_", "-"), _words(item.long_name), item.to_er7(signs)))
    except (HL7apyException, ValueError, LookupError, AttributeError, TypeError):
        return _split_segment(line, separators, version)
    return told


def _split_segment(line: str, separators: Separators, version: str) -> list[FieldLine]:
    name, *parts = line.split(separators.field)
    first = 2 if name == "MSH" else 1
    told = [FieldLine("MSH-1", "Field separator", separators.field)] if name == "MSH" else []
    for number, raw in enumerate(parts, first):
        if raw:
            entry = _entry(version, f"{name}_{number}")
            told.append(FieldLine(f"{name}-{number}", _words(entry[3] if entry else None), raw))
    return told


def _words(long_name: str | None) -> str:
    return (long_name or "").replace("_", " ").capitalize()
