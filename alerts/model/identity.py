"""Who a person is: identifiers, names and dates as the hospital or a register gave them."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class IdentifierKind(StrEnum):
    """Which number it is; ``local`` is any authority that the feed does not name as one of ours."""

    NHS = "nhs"
    CHI = "chi"
    LOCAL = "local"


@dataclass(frozen=True, slots=True)
class Identifier:
    """A number for a person. NHS and CHI values are ten digits that passed their check digit."""

    kind: IdentifierKind
    value: str
    authority: str = ""
    """Who gave a local number (PID-3.4 as sent); empty for NHS and CHI."""
    verified: bool = True
    """False where a status says that the number is not verified; no status counts as verified."""
    type_code: str = ""
    """CX-5 of a local number: ``MR``, ``PI`` …"""
    valid_from: date | None = None
    """CX-7, the first day on which it holds; None: not said."""
    valid_until: date | None = None
    """CX-8, the last day on which it holds; None: not said."""


class Sex(StrEnum):
    """Administrative sex, HL7 table 0001."""

    FEMALE = "female"
    MALE = "male"
    OTHER = "other"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Patient:
    """A patient as the newest messages describe them. None: not known to us."""

    identifiers: tuple[Identifier, ...] = ()
    family: str | None = None
    given: str | None = None
    birth_date: date | None = None
    sex: Sex | None = None
    postcode: str | None = None
    phone: str | None = None

    def number(self, kind: IdentifierKind) -> Identifier | None:
        """The one number of that kind, or None where there is none or where two differ."""
        found = {i.value: i for i in self.identifiers if i.kind is kind}
        return next(iter(found.values())) if len(found) == 1 else None


@dataclass(frozen=True, slots=True)
class NextOfKin:
    """A person named in NK1: a hint that somebody may help, never proof."""

    family: str | None = None
    given: str | None = None
    relationship: str = ""
    """NK1-3.1 as sent, upper case."""
    contact_role: str = ""
    phone: str | None = None
    postcode: str | None = None
    named_as_carer: bool = False
    """True where the feed's dialect says that this relationship means carer."""
