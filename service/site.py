"""The site file: hospitals, wards, centres and feeds, every fault reported at once."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from alerts.model.events import PatientClass
from alerts.model.identity import IdentifierKind
from alerts.model.site import Feed, Nation, Site
from ingest.header import AckMode, FeedRule, Unattributable, feed_for, read_header
from mapping.hl7.dialect import Dialect
from service.errors import ServiceError
from service.sitefile import read_documents, site_from

__all__ = [
    "Entrance",
    "SiteInvalid",
    "dialect_of",
    "dialects_of",
    "entrances_of",
    "load_site",
    "rules_of",
]

DEMO = Path(__file__).with_name("demo_site.toml")
"""The built-in synthetic site."""
_ACK_MODES: dict[str, AckMode] = {"auto": "auto", "original": "original", "enhanced": "enhanced"}
_DIED = {
    Nation.SCOTLAND: frozenset({"4", "5", "40", "41", "42", "43"}),
    Nation.ENGLAND: frozenset({"4", "5"}),
}
"""Discharge methods that mean died: NHS data dictionary, and discharge types of SMR01."""


@dataclass(frozen=True, slots=True)
class Entrance:
    """An MLLP address and the feeds that may come in there."""

    address: tuple[str, int]
    rules: tuple[FeedRule, ...]


class SiteInvalid(ServiceError):
    """The site file has faults. Correct each one and start again."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        """``faults``: one sentence each, with file, table and key."""
        super().__init__("\n".join(faults))
        self.faults = faults


def load_site(path: Path | None) -> Site:
    """The site of a file or a folder of .toml files, None for the demo site."""
    faults: list[str] = []
    tables = read_documents(path or DEMO, faults)
    site = site_from(tables, faults) if tables else None
    if faults or site is None:
        raise SiteInvalid(tuple(faults))
    return site


def dialect_of(site: Site, feed: Feed) -> Dialect:
    """How messages of that feed are read."""
    return Dialect(
        name=feed.name,
        charset=feed.charset,
        identifiers={alias: IdentifierKind(kind) for alias, kind in feed.identifiers},
        discharge_method_field=feed.discharge_method_field,
        discharge_destination_field=feed.discharge_destination_field,
        carer_relationships=frozenset(feed.carer_relationships),
        synthetic=site.synthetic,
        death_methods=_DIED[site.nation].union(feed.death_methods),
        zone=ZoneInfo(feed.time_zone),
        discharge_outside_a03=feed.discharge_outside_a03,
        visit_authority=feed.visit_authority,
        patient_authority=feed.patient_authority,
        patient_classes={sent: PatientClass(kind) for sent, kind in feed.patient_classes},
        sensitive_values=frozenset(feed.sensitive_values),
        planned_date_fields=feed.planned_date_field,
    )


def dialects_of(site: Site) -> dict[str, Dialect]:
    """The dialect of each feed, by its name."""
    return {feed.name: dialect_of(site, feed) for feed in site.feeds}


def rules_of(site: Site) -> tuple[FeedRule, ...]:
    """What the door must know of each feed."""
    return tuple(
        FeedRule(
            name=feed.name,
            sending_application=feed.sending_application,
            sending_facility=feed.sending_facility,
            ack_mode=_ACK_MODES[feed.ack_mode],
            processing_id=feed.processing_id or "P",
            refuse_unusable=feed.refuse_unusable,
            certificate_names=feed.certificate_names,
            ways=frozenset(feed.ways),
        )
        for feed in site.feeds
    )


def entrances_of(site: Site, general: tuple[str, int]) -> tuple[Entrance, ...]:
    """The general MLLP address first, then those of feeds that have one of their own."""
    rules: dict[tuple[str, int], list[FeedRule]] = {general: []}
    for feed, rule in zip(site.feeds, rules_of(site), strict=True):
        rules.setdefault(feed.address or general, []).append(rule)
    return tuple(Entrance(address, tuple(those)) for address, those in rules.items())


def unattributed(site: Site) -> Iterator[str]:
    """Feeds of any sender whose numbers are told apart by nothing but the messages."""
    for feed in site.feeds:
        takes_any = "*" in (feed.sending_application, feed.sending_facility)
        missing = [
            name for name in ("visit_authority", "patient_authority") if not getattr(feed, name)
        ]
        if takes_any and missing:
            yield (
                f"Feed {feed.name} takes messages of more than one sender and has no "
                f"{' and no '.join(missing)}: where PV1-19.4 or PID-3.4 is empty, whose number it "
                "is is guessed. Name the authority, or give each sender a feed of its own."
            )


def feed_finder(site: Site) -> Callable[[bytes], str | None]:
    """Answers the feed of a block that had none when it came, by the rules as they are now."""
    rules = rules_of(site)

    def feed_of(block: bytes) -> str | None:
        try:
            found = feed_for(read_header(block), rules)
        except Unattributable:
            return None
        return found.name if found else None

    return feed_of
