"""Which fields of a message engineers may read at once: those that name nobody; the rest hides."""

import re
from dataclasses import dataclass

from mapping.hl7.plan import explain
from mapping.hl7.text import decode

MOST = 400
"""Lines of one message on a page."""

# Only what is listed is shown, so that a field nobody thought of stays hidden: MSH but for its
# security field, and of the others times, codes and the place (HL7 v2.4 ch.2, 3).
_MSH = re.compile(r"MSH-(?!8\b)\d+")
_SHOWN = frozenset(
    {
        *(f"EVN-{n}" for n in (1, 2, 3, 4, 6)),
        *("PID-1", "PID-32"),
        *("PV1-1", "PV1-2", "PV1-3", "PV1-4", "PV1-6", "PV1-10"),
        *("PV1-36", "PV1-37", "PV1-41", "PV1-44", "PV1-45"),
        *("PV2-8", "PV2-9"),
        *("ZU8-2", "ZU8-4"),
    }
)
_USES = {
    "MSH-3": "feed",
    "MSH-4": "feed",
    "MSH-7": "fallback for event time",
    "MSH-9": "what happened",
    "MSH-10": "acknowledgement",
    "MSH-11": "is it real here",
    "MSH-12": "how to read it",
    "EVN-2": "event time, if there is no EVN-6",
    "EVN-6": "event time",
    "PID-3": "match",
    "PID-5": "match",
    "PID-7": "match",
    "PID-11": "evidence",
    "PID-29": "gate: death",
    "PID-30": "gate: death",
    "PID-32": "match: is the number verified",
    "PV1-2": "inpatient stay",
    "PV1-3": "ward and bed",
    "PV1-16": "gate: discretion",
    "PV1-19": "which stay",
    "PV1-36": "how the patient left",
    "PV1-37": "where the patient went",
    "PV1-44": "admitted",
    "PV1-45": "discharged",
    "PV2-9": "planned date",
    "NK1-2": "hint",
    "NK1-3": "hint",
    "ZU8-2": "gate: discretion",
    "ZU8-4": "gate: hiding",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """One line of the table of fields, as this viewer may read it."""

    path: str
    name: str
    value: str
    use: str


def fields(raw: bytes, charset: str, is_open: bool) -> tuple[tuple[Shown, ...], int]:
    """The fields of a message, and how many more there are; values of persons hide unless open."""
    told = explain(decode(raw, charset).text)
    lines = tuple(
        Shown(line.path, line.name, _value(line.path, line.value, is_open), _use(line.path))
        for line in told[:MOST]
    )
    return lines, max(0, len(told) - MOST)


def _value(path: str, value: str, is_open: bool) -> str:
    field = path.partition(".")[0]
    if is_open or _MSH.fullmatch(field) or field in _SHOWN:
        return value
    return f"Hidden ({len(value)} character{'' if len(value) == 1 else 's'})"


def _use(path: str) -> str:
    return _USES.get(path, "")
