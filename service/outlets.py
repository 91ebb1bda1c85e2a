"""The ways out of one site: which destinations there are and what carries to each."""

from collections.abc import Callable, Iterator
from datetime import datetime

from alerts.channels import CHANNELS
from alerts.delivery import FHIR, INBOX
from alerts.model.site import Centre, Site
from service.dispatch import Outlet
from service.errors import ServiceError
from service.settings import PREFIX, Settings

AT_ONCE = 50
"""Parcels a turn for the inbox, which nobody outside sees."""


class OutletsInvalid(ServiceError):
    """A centre's channel is not set up. Set it up, or choose the channel inbox."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        """``faults``: one sentence each."""
        super().__init__("\n".join(faults))
        self.faults = faults


def outlets_of(settings: Settings, site: Site, now: Callable[[], datetime]) -> tuple[Outlet, ...]:
    """Everything that can be carried to; raises OutletsInvalid where a centre cannot."""
    faults = tuple(fault for centre in site.centres for fault in _faults_of(centre, settings))
    if faults:
        raise OutletsInvalid(faults)
    return tuple(_outlets(settings, site))


def _outlets(settings: Settings, site: Site) -> Iterator[Outlet]:
    yield Outlet(INBOX, CHANNELS[INBOX](), at_once=AT_ONCE)


def _faults_of(centre: Centre, settings: Settings) -> Iterator[str]:
    who = f"The centre {centre.code} has the channel {centre.channel}, and"
    if centre.channel == "kafka" and not settings.kafka_brokers:
        yield f"{who} {PREFIX}KAFKA_BROKERS is not set."
    if centre.channel == "smtp" and not settings.smtp_url:
        yield f"{who} {PREFIX}SMTP_URL is not set."
    if centre.channel == FHIR and not centre.fhir_url and not settings.fhir_url:
        yield f"{who} neither its fhir_url nor {PREFIX}FHIR_URL is set."
