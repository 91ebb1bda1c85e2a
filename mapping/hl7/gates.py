"""What closes a gate: death, discretion, hiding and consent; of several the strictest holds."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from alerts.model.doubts import DoubtKind
from alerts.model.events import CLEARED, Change, Hiding
from mapping.hl7 import codes
from mapping.hl7.dialect import Dialect, plain_code
from mapping.hl7.message import Message, Values
from mapping.hl7.reading import Reading
from mapping.hl7.times import day

_METHOD = re.compile(r"0?[1-9]", re.ASCII)
_DESTINATION = re.compile(r"[1-9]\d", re.ASCII)
_DIED_DESTINATION = "79"
_DIED_WORDS = re.compile(
    r"\b(?:dead|died|deceased|death|dec'?d|rip|r\.i\.p|dth|still ?born|still ?birth)\b",
    re.IGNORECASE,
)
_UNSURE_WORDS = re.compile(
    r"[?]|\b(?:not?|non|nil|un\w+|possibl[ey]|presumed|maybe|before|risk)\b", re.IGNORECASE
)
_DEATH_LIKE = re.compile(
    r"\b(?:exp(?:ired?)?|mort\w*|morgue|post ?mortem|fatal\w*|passed|doa|dod|d\.o\.[ad]|funeral"
    r"|undertaker|coroner|demise|suicide|killed|bereave\w*)\b",
    re.IGNORECASE,
)
_STRICTEST = (Hiding.NATIONAL, Hiding.LOCAL, Hiding.NONE)


def _of(segments: Iterable[Values], path: str) -> list[Change[str]]:
    """What every repetition in every such segment says, without blanks around it."""
    found: list[Change[str]] = []
    for segment in segments:
        if path not in segment.singles and path not in segment.repeated:
            continue  # most of them say nothing
        for value in segment.texts(path):
            said = value.strip() or None if isinstance(value, str) else value
            if said is not None:
                found.append(said)
    return found


@dataclass(frozen=True, slots=True)
class Discharge:
    """How and where to the patient was discharged."""

    method: Change[str] = None
    destination: Change[str] = None


_NOT_DISCHARGED = Discharge()


def discharge_from_pv1(pv1: Values, dialect: Dialect) -> Discharge:
    """Method and destination of discharge: by the dialect's fields, unless the values object.

    One digit is a method and two are a destination, for the two fields swap between feeds.
    """
    methods = _of((pv1,), f"PV1-{dialect.discharge_method_field}.1")
    destinations = _of((pv1,), f"PV1-{dialect.discharge_destination_field}.1")
    if not methods and not destinations:
        return _NOT_DISCHARGED
    method = methods[0] if methods else None
    destination = destinations[0] if destinations else None
    swaps = _is(_DESTINATION, method) or _is(_METHOD, destination)
    is_method = _is(_METHOD, method) or method in dialect.death_methods
    if swaps and not is_method and not _is(_DESTINATION, destination):
        method, destination = destination, method
    if isinstance(method, str) and _is(_METHOD, method):
        method = plain_code(method)
    return Discharge(method, destination)


def _is(pattern: re.Pattern[str], value: Change[str]) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


@dataclass(frozen=True, slots=True)
class Death:
    """What a message says of a death; ``unclear``: something that no table knows."""

    died: Change[bool] = None
    unclear: bool = False


_NOTHING_SAID = Death()


def death_from(message: Message, reading: Reading) -> Death:
    """Whether the patient died: PID-29, PID-30, or how and where to they were discharged."""
    pids = message.all("PID")
    dates, flags = _of(pids, "PID-29.1"), _of(pids, "PID-30.1")
    said = [_of_date(value) for value in dates if isinstance(value, str)]
    flagged = [_of_flag(value) for value in flags if isinstance(value, str)]
    left = _of_discharges(message.all("PV1"), reading.dialect)
    if not dates and not flags and left is _NOTHING_SAID:
        return left  # as in most messages
    if True in said or True in flagged or left.died:
        if False in flagged or None in (*said, *flagged):
            reading.doubt(DoubtKind.VALUES_CONFLICT, "PID-30")
        return Death(died=True)
    if None in said or None in flagged or left.unclear:
        unclear = "PID-29" if None in said else "PID-30" if None in flagged else "PV1-36"
        reading.doubt(DoubtKind.DEATH_UNCLEAR, unclear)
        return Death(unclear=True)
    if False in flagged:
        return Death(died=False)
    return Death(CLEARED if dates or flags else None)


def _of_date(value: str) -> bool | None:
    """A date of death, even an impossible one, is a death; of anything else nobody knows."""
    if day(value) is not None:
        return True
    digits = re.match(r"[0-9]{4,}", value)
    return True if digits and digits[0].strip("0") else _of_words(value) or None


def _of_flag(value: str) -> bool | None:
    """PID-30: died, lives, or None where no table knows the value."""
    known = codes.yes_or_no(value)
    return _of_words(value) or None if known is None else known


def _of_words(value: str) -> bool:
    """Free text that says so without any doubt."""
    return bool(_DIED_WORDS.search(value)) and not _UNSURE_WORDS.search(value)


def _of_discharges(pv1s: tuple[Values, ...], dialect: Dialect) -> Death:
    died = unclear = is_told = False
    for pv1 in pv1s:
        method_path = f"PV1-{dialect.discharge_method_field}.1"
        destination_path = f"PV1-{dialect.discharge_destination_field}.1"
        methods, destinations = _of((pv1,), method_path), _of((pv1,), destination_path)
        if not methods and not destinations:
            continue
        is_told = True
        first = discharge_from_pv1(pv1, dialect)
        codes_of = (first.method, *methods[1:])
        places = (first.destination, *destinations[1:])
        died |= any(plain_code(m) in dialect.death_methods for m in codes_of if isinstance(m, str))
        died |= _DIED_DESTINATION in places
        texts = [text for text in (*codes_of, *places) if isinstance(text, str)]
        died |= any(_of_words(text) for text in texts)
        unclear |= any(_DIED_WORDS.search(text) or _DEATH_LIKE.search(text) for text in texts)
    return Death(died, unclear) if is_told else _NOTHING_SAID


def sensitive_from(message: Message, reading: Reading) -> Change[bool]:
    """PV1-16: the feed's values ask for discretion; only PV1-16 cleared takes it back."""
    values = _of(message.all("PV1"), "PV1-16.1")
    if not values:
        return None
    asks = False
    for value in values:
        if not isinstance(value, str):
            continue
        known = value.upper() in reading.dialect.sensitive_values
        if not known:
            reading.doubt(DoubtKind.SENSITIVITY_UNKNOWN, "PV1-16")
        asks = asks or known or codes.yes_or_no(value) is True
    if asks:
        return True
    return False if all(value is CLEARED for value in values) else None


def consent_refused_from(message: Message, reading: Reading) -> Change[bool]:
    """ZU8-2: a no, or what cannot be read, holds until a yes."""
    values = _of(message.all("ZU8"), "ZU8-2.1")
    agreed = [codes.consents(value) for value in values if isinstance(value, str)]
    if not agreed:
        return None
    if None in agreed or len(set(agreed)) > 1:
        reading.doubt(
            DoubtKind.CODE_UNKNOWN if None in agreed else DoubtKind.VALUES_CONFLICT, "ZU8-2"
        )
    return not all(agreed)


def hiding_from(message: Message, reading: Reading) -> Change[Hiding]:
    """ZU8-4; a code we do not know hides most."""
    values = _of(message.all("ZU8"), "ZU8-4.1")
    if not values:
        return None
    found = [codes.hiding(value) for value in values if isinstance(value, str)]
    if not found:
        return CLEARED
    if None in found:
        reading.doubt(DoubtKind.CODE_UNKNOWN, "ZU8-4")
        return Hiding.NATIONAL
    if len(set(found)) > 1 or len(found) < len(values):
        reading.doubt(DoubtKind.VALUES_CONFLICT, "ZU8-4")
    return next(level for level in _STRICTEST if level in found)
