"""How one sender speaks HL7: what its feed in the site file says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from alerts.model.events import PatientClass
from alerts.model.identity import IdentifierKind
from mapping.hl7.times import LONDON


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
    death_methods: frozenset[str] = frozenset({"4", "5"})
    """Discharge methods that mean died."""
    zone: ZoneInfo = LONDON
    """Of times without an offset."""
    discharge_outside_a03: bool = False
    """PV1-45 in any event is a discharge."""
    visit_authority: str = ""
    """Who gives PV1-19 where PV1-19.4 is empty; empty: MSH-3 and MSH-4."""
    patient_authority: str = ""
    """Who gives a number of PID-3 without an authority."""
    patient_classes: Mapping[str, PatientClass] = field(default_factory=dict)
    """PV1-2 as sent to what it means here, before the tables."""
    sensitive_values: frozenset[str] = frozenset({"Y", "V", "VIP"})
    """PV1-16 values that ask for discretion."""
    planned_date_fields: tuple[str, ...] = ("PV2-9",)
    """Where the planned date of discharge stands, in order of preference."""

    def __post_init__(self) -> None:
        """Fold aliases and relationships once, so that reading compares them directly."""
        kinds = {a.strip().upper(): IdentifierKind(k) for a, k in self.identifiers.items()}
        carers = frozenset(plain_code(code) for code in self.carer_relationships)
        object.__setattr__(self, "identifiers", kinds)
        object.__setattr__(self, "carer_relationships", carers)
        deaths = frozenset(plain_code(code) for code in self.death_methods)
        object.__setattr__(self, "death_methods", deaths)
        sensitive = frozenset(value.strip().upper() for value in self.sensitive_values)
        object.__setattr__(self, "sensitive_values", sensitive)
        classes = {c.strip().upper(): PatientClass(k) for c, k in self.patient_classes.items()}
        object.__setattr__(self, "patient_classes", classes)


def plain_code(code: str) -> str:
    """A code without the differences senders make: case and leading zeros."""
    folded = code.strip().upper()
    return folded.lstrip("0") or folded
