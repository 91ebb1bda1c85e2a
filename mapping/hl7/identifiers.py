"""PID-3 to identifiers: which number it is, whether it can be right, whether it was verified."""

import re
from dataclasses import replace
from functools import lru_cache

from alerts.model.doubts import DoubtKind
from alerts.model.identity import Identifier, IdentifierKind
from mapping.hl7.dialect import Dialect, plain_code
from mapping.hl7.message import Values
from mapping.hl7.reading import Reading
from mapping.hl7.times import day, local_date
from mapping.numbers import begins_as_chi, fault

_SPACING = str.maketrans("", "", " -")
_BARE = ("999", "4", "6", "7")
"""How a number without an authority must begin to be taken for an NHS number."""
_TYPE_STATUS = re.compile(r"(\w*)(?:\{status:(\w+)\})?", re.ASCII)
# NHS data dictionary, NHS number status indicator: 01 is present and verified, all others not.
_VERIFIED = frozenset({"", "1", "V", "VERIFIED"})
_TRACED_BY = re.compile(r"(?:NSTS|PDS)[ -]?(?=\w)", re.ASCII)


def identifiers_from_pid(
    pid: Values, zu1s: tuple[Values, ...], reading: Reading
) -> tuple[Identifier, ...]:
    """The distinct numbers of PID-3, in order; what cannot be an NHS or CHI number is local."""
    is_verified = _is_verified(pid, zu1s)
    found: dict[tuple[str, str, bool], Identifier] = {}
    for repetition in pid.each("PID-3"):
        if repetition.text("PID-3.1"):
            one = _identifier(repetition, is_verified, reading)
            if "PID-3.7" in repetition.singles or "PID-3.8" in repetition.singles:
                one = _with_validity(one, repetition, reading)
            key = (one.value, one.authority, one.kind is IdentifierKind.CHI)
            if key not in found or not one.verified:
                found[key] = one
    numbers = tuple(found.values())
    if len(numbers) > 1:
        for kind in (IdentifierKind.NHS, IdentifierKind.CHI):
            if sum(number.kind is kind for number in numbers) > 1:
                reading.doubt(DoubtKind.NUMBERS_CONFLICT, "PID-3")
    return numbers


def _identifier(repetition: Values, is_verified: bool, reading: Reading) -> Identifier:
    sent = repetition.text("PID-3.1")
    names = repetition.parts("PID-3.4")
    authority = next(filter(None, names), "")
    type_code, status = _type_and_status(repetition.text("PID-3.5"))
    kind = _kind(names, reading.dialect) if authority else _guess(sent, type_code)
    value = None
    if kind is not None and kind is not IdentifierKind.LOCAL:
        value, doubt = _number(sent, kind, reading.dialect.synthetic)
        if doubt is not None:
            reading.doubt(doubt, "PID-3")
    if kind is None or value is None:
        authority = authority or reading.dialect.patient_authority
        return Identifier(IdentifierKind.LOCAL, sent, authority, type_code=type_code)
    if not authority:
        reading.doubt(DoubtKind.NUMBER_GUESSED, "PID-3")
    verified = is_verified and _status_is_verified(status)
    if not verified:
        reading.doubt(DoubtKind.NUMBER_UNVERIFIED, "PID-3")
    return Identifier(kind, value, verified=verified)


def _kind(names: tuple[str, ...], dialect: Dialect) -> IdentifierKind | None:
    """By any component of the HD: name or OID."""
    for name in names:
        kind = dialect.identifiers.get(name.upper())
        if kind is not None:
            return kind
    return None


def _with_validity(one: Identifier, repetition: Values, reading: Reading) -> Identifier:
    """With CX-7 and CX-8, where they were sent; what cannot be read vouches for nothing."""
    first, last = repetition.text("PID-3.7"), repetition.text("PID-3.8")
    if not first and not last:
        return one
    starts, ends = day(first), day(last)
    if (first and starts is None) or (last and ends is None):
        reading.doubt(DoubtKind.DATE_UNREADABLE, "PID-3")
        one = replace(one, verified=False)
    today = local_date(reading.arrived_at, reading.dialect.zone)
    if (starts and starts > today) or (ends and ends < today):
        reading.doubt(DoubtKind.NUMBER_EXPIRED, "PID-3")
    return replace(one, valid_from=starts, valid_until=ends)


def _type_and_status(sent: str) -> tuple[str, str]:
    """CX-5 and the status that some senders write into it; one that cannot be read is none."""
    if "{" not in sent:
        return sent.upper(), ""
    found = _TYPE_STATUS.fullmatch(sent)
    return (found[1].upper(), found[2] or "") if found else (sent.split("{")[0].upper(), "?")


def _guess(sent: str, type_code: str) -> IdentifierKind | None:
    """What a number without an authority may be: by its type NH, else by its form."""
    digits = sent.translate(_SPACING)
    if fault(digits) is not None:
        return None
    if type_code == "NH":
        in_chi_range = "0100000000" <= digits <= "3112999999"
        return IdentifierKind.CHI if in_chi_range else IdentifierKind.NHS
    return IdentifierKind.NHS if not type_code and digits.startswith(_BARE) else None


@lru_cache(maxsize=4096)  # a patient's number comes in all messages of a stay
def _number(
    sent: str, kind: IdentifierKind, synthetic: bool
) -> tuple[str | None, DoubtKind | None]:
    """The ten digits, or None; and what is doubtful about them."""
    digits = sent.translate(_SPACING)
    doubt = None
    if kind is IdentifierKind.CHI and len(digits) == 9:
        digits = "0" + digits
        doubt = DoubtKind.NUMBER_PADDED
    if fault(digits) or (kind is IdentifierKind.CHI and not begins_as_chi(digits, synthetic)):
        return None, DoubtKind.NUMBER_INVALID
    return digits, doubt


def _is_verified(pid: Values, zu1s: tuple[Values, ...]) -> bool:
    statuses = [r.text("PID-32.1") for r in pid.each("PID-32")]
    for zu1 in zu1s:
        statuses += [value.strip() for value in zu1.texts("ZU1-27.1") if isinstance(value, str)]
    return all(_status_is_verified(status) for status in statuses)


def _status_is_verified(status: str) -> bool:
    return not status or plain_code(_TRACED_BY.sub("", status.upper(), count=1)) in _VERIFIED
