"""The probe: a reserved person on a reserved ward, seen by no desk and told to no centre."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from alerts.model.identity import Identifier, IdentifierKind
from alerts.model.register import CaredFor, Carer, Registration, Sharing
from alerts.model.site import Feed, Site

NUMBER = "9999990002"
LONDON = ZoneInfo("Europe/London")

REGISTRATION = Registration(
    registration_id="PROBE",
    centre="THINKCARER",
    carer=Carer(given="Probe", family="Carer"),
    patient=CaredFor(
        identifier=Identifier(IdentifierKind.NHS, NUMBER),
        given="Probe",
        family="Thinkcarer",
        birth_date=date(1950, 1, 1),
    ),
    relationship="CHILD",
    agrees_hospital=True,
    agrees_events=False,
    sharing=Sharing.FULL,
    registered_on=date(2026, 1, 1),
)
"""On the register of no centre: nothing about it can leave."""


def admission(site: Site, feed: Feed, visit: str, now: datetime) -> bytes:
    """An ADT^A01 of the reserved person."""
    return _message(site, feed, "A01", visit, now)


def cancellation(site: Site, feed: Feed, visit: str, now: datetime) -> bytes:
    """The ADT^A11 that takes the admission back."""
    return _message(site, feed, "A11", visit, now)


def _message(site: Site, feed: Feed, trigger: str, visit: str, now: datetime) -> bytes:
    local = f"{now.astimezone(LONDON):%Y%m%d%H%M%S}"
    application = "THINKCARER" if feed.sending_application == "*" else feed.sending_application
    facility = "PROBE" if feed.sending_facility == "*" else feed.sending_facility
    authority = next((alias for alias, kind in feed.identifiers if kind == "nhs"), "NHS")
    hospital, ward = site.probe_ward
    processing = feed.processing_id
    segments = (
        f"MSH|^~\\&|{application}|{facility}|THINKCARER||{local}||ADT^{trigger}"
        f"|{visit}{trigger}|{processing}|2.4",
        f"EVN|{trigger}|{local}",
        f"PID|1||{NUMBER}^^^{authority}^NH||Thinkcarer^Probe||19500101",
        f"PV1|1|I|{ward}^^^{hospital}||||||||||||||||{visit}|||||||||||||||||||||||||{local}",
        "ZU8||||0",
    )
    return ("\r".join(segments) + "\r").encode()
