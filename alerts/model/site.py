"""The place we run in: hospitals, wards, centres and feeds as the site file names them."""

from dataclasses import dataclass, field
from enum import StrEnum


class Nation(StrEnum):
    """Picks rules, words and bank holidays."""

    SCOTLAND = "SCT"
    ENGLAND = "ENG"


class NoticeEvent(StrEnum):
    """What a centre can hear of; the code system is ``carer-event``."""

    PLANNED = "planned"
    DATE_CHANGED = "date-changed"
    DISCHARGED = "discharged"
    CANCELLED = "cancelled"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Hospital:
    """A hospital, by its PV1-3.4 code."""

    code: str
    name: str
    hub_phone: str = ""
    interpreter_phone: str = ""


@dataclass(frozen=True, slots=True)
class Ward:
    """A ward, by its PV1-3.1 code within a hospital."""

    code: str
    hospital: str
    name: str
    live: bool = True


@dataclass(frozen=True, slots=True)
class Centre:
    """A carer centre."""

    code: str
    name: str
    phone: str = ""
    out_of_hours_phone: str = ""
    hours: str = "Mon-Fri 09:00-17:00"
    areas: tuple[str, ...] = ()
    events: tuple[NoticeEvent, ...] = (
        NoticeEvent.PLANNED,
        NoticeEvent.DATE_CHANGED,
        NoticeEvent.DISCHARGED,
        NoticeEvent.CANCELLED,
    )
    channel: str = "inbox"
    email: str = ""
    fhir_url: str = ""


@dataclass(frozen=True, slots=True)
class Feed:
    """One sender of messages and how it speaks."""

    name: str
    sending_application: str = "*"
    sending_facility: str = "*"
    ack_mode: str = "auto"
    processing_id: str = "P"
    hidden_when_unknown: bool = False
    refuse_unusable: bool = False
    charset: str = "cp1252"
    identifiers: tuple[tuple[str, str], ...] = (("CHI", "chi"), ("NHS", "nhs"), ("NHSNMBR", "nhs"))
    """PID-3.4 alias and kind."""
    discharge_method_field: int = 36
    discharge_destination_field: int = 37
    carer_relationships: tuple[str, ...] = ("CGV", "20", "020")
    death_methods: tuple[str, ...] = ()
    """PV1-36 values that mean died, beside 4, 5 and in Scotland 40 to 43."""
    time_zone: str = "Europe/London"
    discharge_outside_a03: bool = False
    ways: tuple[str, ...] = ()
    """Ways without a certificate that may speak for a feed that names certificates."""
    visit_authority: str = ""
    patient_authority: str = ""
    patient_classes: tuple[tuple[str, str], ...] = ()
    """PV1-2 as sent and the class."""
    sensitive_values: tuple[str, ...] = ("Y", "V", "VIP")
    planned_date_field: tuple[str, ...] = ("PV2-9",)
    certificate_names: tuple[str, ...] = ()
    """Names of the client certificates that alone may speak for it; empty: none is asked for."""
    address: tuple[str, int] | None = None
    """An MLLP address of its own; None: the general one."""


@dataclass(frozen=True, slots=True)
class Site:
    """The whole site file, parsed and checked."""

    name: str
    nation: Nation
    default_centre: str
    hospitals: tuple[Hospital, ...]
    wards: tuple[Ward, ...]
    centres: tuple[Centre, ...]
    feeds: tuple[Feed, ...]
    chi_system: str = "urn:oid:2.16.840.1.113883.2.1.3.2.4.16.53"
    synthetic: bool = False
    claim_draft_profiles: bool = False
    url: str = ""
    """Where people outside reach the pages, for the link in an e-mail; empty: our own address."""
    policy: tuple[tuple[str, float], ...] = ()
    """Overrides of policy values, by name."""
    probe_ward: tuple[str, str] = field(default=("THINKCARER", "PROBE"))
    """Hospital and ward reserved for ``thinkcarer probe``; no desk shows it."""

    def hospital(self, code: str) -> Hospital | None:
        """The hospital of that code, None if the site file does not name it."""
        return next((h for h in self.hospitals if h.code == code), None)

    def ward(self, hospital: str, code: str) -> Ward | None:
        """The ward of that code in that hospital, None if the site file does not name it."""
        return next((w for w in self.wards if (w.hospital, w.code) == (hospital, code)), None)

    def ward_sent(self, hospital: str, code: str) -> Ward | None:
        """The ward that a message names; without a hospital where only one has such a ward."""
        found = self.ward(hospital, code)
        if found is None and not hospital:
            same = [w for w in self.wards if w.code == code]
            found = same[0] if len(same) == 1 else None
        return found

    def hospitals_sent(self, ward: Ward) -> tuple[str, ...]:
        """As what messages may name the ward's hospital: its code, or not at all."""
        is_only = self.ward_sent("", ward.code) == ward
        return (ward.hospital, "") if is_only else (ward.hospital,)

    def centre(self, code: str) -> Centre | None:
        """The centre of that code, None if the site file does not name it."""
        return next((c for c in self.centres if c.code == code), None)

    def feed(self, name: str) -> Feed | None:
        """The feed of that name, None if the site file does not name it."""
        return next((f for f in self.feeds if f.name == name), None)
