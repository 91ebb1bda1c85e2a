"""PID-3 to identifiers: which number it is, whether it can be right, whether it was verified."""

import re

from alerts.model.identity import Identifier, IdentifierKind
from mapping.hl7.dialect import Dialect, plain_code
from mapping.hl7.message import Values
from mapping.numbers import chi_number, fault

_SPACING = str.maketrans("", "", " -")
_BARE = ("999", "4", "6", "7")
"""How a number without an authority must begin to be taken for an NHS number."""
_TYPE_STATUS = re.compile(r"(\w*)(?:\{status:(\w+)\})?", re.ASCII)
# NHS data dictionary, NHS number status indicator: 01 is present and verified, all others not.
_VERIFIED = frozenset({"", "1", "V", "VERIFIED"})
_TRACED_BY = re.compile(r"(?:NSTS|PDS)[ -]?(?=\w)", re.ASCII)


def identifiers_from_pid(
    pid: Values, zu1: Values, dialect: Dialect, doubts: list[str]
) -> tuple[Identifier, ...]:
    """The distinct numbers of PID-3, in order; what cannot be an NHS or CHI number is local."""
    is_verified = _is_verified(pid, zu1)
    found: dict[tuple[str, str, bool], Identifier] = {}
    for repetition in pid.each("PID-3"):
        if repetition.text("PID-3.1"):
            one = _identifier(repetition, is_verified, dialect, doubts)
            key = (one.value, one.authority, one.kind is IdentifierKind.CHI)
            if key not in found or not one.verified:
                found[key] = one
    numbers = tuple(found.values())
    if len(numbers) > 1:
        for kind in (IdentifierKind.NHS, IdentifierKind.CHI):
            if sum(number.kind is kind for number in numbers) > 1:
                doubts.append(f"PID-3 holds two different {kind.upper()} numbers")
    return numbers


def _identifier(
    repetition: Values, is_verified: bool, dialect: Dialect, doubts: list[str]
) -> Identifier:
    sent = repetition.text("PID-3.1")
    authority = repetition.text("PID-3.4")
    type_code, status = _type_and_status(repetition.text("PID-3.5"))
    kind = dialect.identifiers.get(authority.upper()) if authority else _guess(sent, type_code)
    if kind is None or kind is IdentifierKind.LOCAL:
        return Identifier(IdentifierKind.LOCAL, sent, authority)
    value, doubt = _number(sent, kind, dialect.synthetic)
    if value is None:
        doubts.append(f"PID-3 holds {doubt}; it was kept as a local number")
        return Identifier(IdentifierKind.LOCAL, sent, authority)
    if doubt:
        doubts.append(f"PID-3 holds {doubt}")
    if not authority:
        doubts.append("PID-3.4 is empty; the number was recognised by its form")
    verified = is_verified and _status_is_verified(status)
    if not verified:
        doubts.append(f"the {kind.upper()} number is not verified")
    return Identifier(kind, value, verified=verified)


def _type_and_status(sent: str) -> tuple[str, str]:
    if "{" not in sent:
        return sent.upper(), ""
    found = _TYPE_STATUS.fullmatch(sent)
    return (found[1].upper(), found[2] or "") if found else (sent.upper(), "")


def _guess(sent: str, type_code: str) -> IdentifierKind | None:
    """What a number without an authority may be: by its type NH, else by its form."""
    digits = sent.translate(_SPACING)
    if fault(digits) is not None:
        return None
    if type_code == "NH":
        in_chi_range = "0100000000" <= digits <= "3112999999"
        return IdentifierKind.CHI if in_chi_range else IdentifierKind.NHS
    return IdentifierKind.NHS if not type_code and digits.startswith(_BARE) else None


def _number(sent: str, kind: IdentifierKind, synthetic: bool) -> tuple[str | None, str]:
    """The ten digits, or None; and what is doubtful about them, in words."""
    digits = sent.translate(_SPACING)
    name = "an NHS number" if kind is IdentifierKind.NHS else "a CHI number"
    doubt = ""
    if kind is IdentifierKind.CHI and len(digits) == 9:
        digits = "0" + digits
        doubt = f"{name} of nine digits, read with a leading zero"
    wrong = fault(digits)
    if wrong is None and kind is IdentifierKind.CHI and not chi_number(digits, synthetic):
        wrong = "that begins with no date"
    return (None, f"{name} {wrong}") if wrong else (digits, doubt)


def _is_verified(pid: Values, zu1: Values) -> bool:
    statuses = [zu1.text("ZU1-27.1"), *(r.text("PID-32.1") for r in pid.each("PID-32"))]
    return all(_status_is_verified(status) for status in statuses)


def _status_is_verified(status: str) -> bool:
    return not status or plain_code(_TRACED_BY.sub("", status.upper(), count=1)) in _VERIFIED
