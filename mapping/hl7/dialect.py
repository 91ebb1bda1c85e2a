"""How one sender speaks HL7: what its feed in the site file says."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from alerts.model.identity import IdentifierKind


def _aliases() -> Mapping[str, IdentifierKind]:
    return {"CHI": IdentifierKind.CHI, "NHS": IdentifierKind.NHS, "NHSNMBR": IdentifierKind.NHS}


@dataclass(frozen=True, slots=True)
class Dialect:
    """One feed's dialect; the defaults are those of the site file."""

    name: str
    charset: str = "cp1252"
    """Read with this where MSH-18 does not say and the bytes are not UTF-8."""
    identifiers: Mapping[str, IdentifierKind] = field(default_factory=_aliases)
    """PID-3.4 alias to kind; upper and lower case are the same."""
    discharge_method_field: int = 36
    discharge_destination_field: int = 37
    carer_relationships: frozenset[str] = frozenset({"CGV", "20", "020"})
    """NK1-3 values that mean carer; case and leading zeros do not matter."""
    synthetic: bool = False
    """Take CHI numbers of an impossible birth month too."""

    def __post_init__(self) -> None:
        """Fold aliases and relationships once, so that reading compares them directly."""
        kinds = {a.strip().upper(): IdentifierKind(k) for a, k in self.identifiers.items()}
        carers = frozenset(plain_code(code) for code in self.carer_relationships)
        object.__setattr__(self, "identifiers", kinds)
        object.__setattr__(self, "carer_relationships", carers)


def plain_code(code: str) -> str:
    """A code without the differences senders make: case and leading zeros."""
    folded = code.strip().upper()
    return folded.lstrip("0") or folded
