"""Field access compiled from hl7apy's own tables, and hl7apy's names for the engineers' page.

A plan says which values to take by splitting; hl7apy's objects are never built on the way. This
is the only module that knows hl7apy.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import NamedTuple

from hl7apy import SUPPORTED_LIBRARIES, load_library
from hl7apy.exceptions import HL7apyException

from mapping.hl7.faults import Unreadable
from mapping.hl7.text import declared_version, lines_of, separators_of

# What we read, as HL7 writes it; a star marks fields whose every repetition counts, a plus those
# that may not repeat and are read to the last repetition where they do.
WANTED = (
    *("MSH-3.1", "MSH-3.2", "MSH-3.3", "MSH-4.1", "MSH-4.2", "MSH-4.3"),
    *("MSH-7.1", "MSH-9.1", "MSH-9.2", "MSH-9.3", "MSH-10.1", "MSH-12.1"),
    *("EVN-1.1", "EVN-2.1", "EVN-6.1"),
    *("PID-3*.1", "PID-3*.4", "PID-3*.5", "PID-3*.7", "PID-3*.8"),
    *("PID-5.1", "PID-5.2", "PID-7.1", "PID-8.1"),
    *("PID-11.5", "PID-13*.1", "PID-13*.12", "PID-29+.1", "PID-30+.1", "PID-32*.1"),
    *("PV1-2.1", "PV1-3.1", "PV1-3.2", "PV1-3.3", "PV1-3.4", "PV1-16+.1", "PV1-19.1", "PV1-19.4"),
    *("PV1-36+.1", "PV1-37+.1", "PV1-44.1", "PV1-45.1"),
    "PV2-9.1",
    *("NK1-2.1", "NK1-2.2", "NK1-3.1", "NK1-4.5", "NK1-5*.1", "NK1-5*.12", "NK1-7.1", "NK1-9.1"),
    *("ZU1-24.1", "ZU1-27+.1", "ZU8-2+.1", "ZU8-4+.1", "ZBE-1.1", "ZBE-1.2"),
)
WHOLE = frozenset({"PID-3.4", "PV1-19.4", "PID-5.1", "NK1-2.1"})
"""Components that are read with all their sub-components: HD and FN."""
VERSIONS = tuple(sorted(SUPPORTED_LIBRARIES, key=lambda v: tuple(map(int, v.split(".")))))
USUAL_VERSION = "2.4"
"""HL7 UK A.3 is a profile of 2.4: how a message without MSH-12 is read."""

_PATH = re.compile(r"(\w{3})-(\d+)([*+]?)\.(\d+)", re.ASCII)


class Pick(NamedTuple):
    """One value to take: component ``component`` of a field, down to its first sub-component."""

    path: str
    component: int
    version: str | None
    """Whose table names it: this version's, the first later one's, or None for a Z segment."""
    name: str


class FieldPlan(NamedTuple):  # unpacked for every field of every message
    """The values to take from one field; ``position`` counts from the segment's name."""

    path: str
    position: int
    repeats: bool
    picks: tuple[Pick, ...]
    """In ascending order of component."""
    first: str
    """Path of component 1, empty where it is not wanted."""
    all_count: bool
    """Should not repeat; where it does, every repetition is read."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to take from each segment of one version, fields in ascending order."""

    version: str
    segments: Mapping[str, tuple[FieldPlan, ...]]


@dataclass(frozen=True, slots=True)
class FieldLine:
    """One field as an engineer reads it: ``PID-5``, ``Patient name``, the value as sent."""

    path: str
    name: str
    value: str


def plan_for(declared: str) -> Plan:
    """The plan of a declared version, or of the nearest lower one that hl7apy knows."""
    if declared in VERSIONS:
        return compile_plan(declared)
    parts = tuple(int(p) for p in re.findall(r"\d{1,4}", declared[:40], re.ASCII)[:4])
    if not parts:
        return compile_plan(USUAL_VERSION)
    lower = [v for v in VERSIONS if tuple(map(int, v.split("."))) <= parts]
    return compile_plan(lower[-1] if lower else VERSIONS[0])


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
        segment, number, mark, component = found.groups()
        index = int(number) - (segment == "MSH")
        path = f"{segment}-{number}"
        fields = segments.setdefault(segment, {})
        earlier = fields[index].picks if index in fields else ()
        first = f"{path}.1" if component == "1" else ""
        source, name = _source(version, path, int(component))
        pick = Pick(f"{path}.{component}", int(component), source, name)
        fields[index] = FieldPlan(
            path,
            index,
            mark == "*",
            (*earlier, pick),
            fields[index].first if earlier else first,
            mark == "+",
        )
    ordered = {s: tuple(f for _, f in sorted(fields.items())) for s, fields in segments.items()}
    return Plan(version, ordered)


def _source(version: str, path: str, component: int) -> tuple[str | None, str]:
    for candidate in VERSIONS[VERSIONS.index(version) :]:
        table = _table(candidate, path)
        if len(table.components) >= component and table.components[component - 1]:
            return candidate, f"{table.words}: {table.components[component - 1]}"
        if table.exists and not table.components and component == 1:
            return candidate, table.words
    return None, ""


def explain(text: str) -> list[FieldLine]:
    """Every valued field with hl7apy's names, values as sent; unknown segments have no names.

    A field of several components is followed by its components.
    """
    try:
        separators = separators_of(text)
    except Unreadable:
        lines = [line for line in text.split("\r") if line]
        return [FieldLine(f"line {number}", "", line) for number, line in enumerate(lines, 1)]
    segments, _ = lines_of(text, separators.field)
    version = plan_for(declared_version(segments[0], separators)).version
    told: list[FieldLine] = []
    for line in segments:
        name, *parts = line.split(separators.field)
        if name == "MSH" and parts:
            told.append(FieldLine("MSH-1", "Field separator", separators.field))
            told.append(FieldLine("MSH-2", "Encoding characters", parts.pop(0)))
        for number, raw in enumerate(parts, 3 if name == "MSH" else 1):
            for value in raw.split(separators.repetition) if raw else ():
                told += _explain_field(version, f"{name}-{number}", value, separators.component)
    return told


def _explain_field(version: str, path: str, value: str, component: str) -> list[FieldLine]:
    table = _table(version, path)
    told = [FieldLine(path, table.words, value)]
    parts = value.split(component)
    if len(parts) > 1:
        names = (*table.components, *[""] * len(parts))
        told += [
            FieldLine(f"{path}.{number}", names[number - 1], part)
            for number, part in enumerate(parts, 1)
            if part
        ]
    return told


@dataclass(frozen=True, slots=True)
class _Table:
    """hl7apy's entry for one field, as plain text."""

    words: str = ""
    components: tuple[str, ...] = ()
    exists: bool = False


@lru_cache(maxsize=4096)
def _table(version: str, path: str) -> _Table:
    try:
        entry = load_library(version).get(path.replace("-", "_"), "Field")
    except HL7apyException:
        return _Table()
    parts = entry[1] if entry[0] == "sequence" else ()
    # By the number in the name (XTN_12): 2.6 has no XTN_1, and its list begins at XTN_2.
    names = {int(part[0].rsplit("_", 1)[1]): _plain(part[1][3]) for part in parts}
    numbers = range(1, max(names, default=0) + 1)
    return _Table(_plain(entry[3]), tuple(names.get(number, "") for number in numbers), True)


def _plain(long_name: str | None) -> str:
    return (long_name or "").replace("_", " ").capitalize()
