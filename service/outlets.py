"""The ways out of one site: which destinations there are and what carries to each."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TypeAlias
from urllib.parse import quote

from alerts.channels.assertion import Client, KeyInvalid
from alerts.channels.dialling import CannotDial
from alerts.channels.fhir_rest import FhirServer
from alerts.channels.inbox import Inbox
from alerts.channels.kafka_producer import Brokers
from alerts.channels.kafka_topic import KafkaTopic
from alerts.channels.smart import GivenToken, SmartTokens, TokenSource
from alerts.channels.smtp import Letterbox, LinkInvalid, Mail
from alerts.channels.smtp_server import AddressInvalid, SmtpServer, SmtpUrlInvalid
from alerts.delivery import FHIR, INBOX
from alerts.model.site import Centre, Site
from service.dispatch import Outlet
from service.errors import ServiceError
from service.settings import PREFIX, Settings

Clock: TypeAlias = Callable[[], datetime]

FHIR_CARRIERS = 4
"""Parcels of different stays that one FHIR server is given at a time."""
AT_ONCE = 50
"""Parcels a turn for the inbox, which nobody outside sees."""


class OutletsInvalid(ServiceError):
    """A centre's channel is not set up. Set it up, or choose the channel inbox."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        """``faults``: one sentence each."""
        super().__init__("\n".join(faults))
        self.faults = faults


def outlets_of(settings: Settings, site: Site, now: Clock) -> tuple[Outlet, ...]:
    """Everything that can be carried to; raises OutletsInvalid where a centre cannot."""
    faults = tuple(fault for centre in site.centres for fault in _faults_of(centre, settings))
    if faults:
        raise OutletsInvalid(faults)
    try:
        return tuple(_outlets(settings, site, now))
    except (CannotDial, KeyInvalid) as err:
        raise OutletsInvalid((str(err),)) from err
    except SmtpUrlInvalid as err:
        raise OutletsInvalid((f"{PREFIX}SMTP_URL: {err}.",)) from err
    except (AddressInvalid, LinkInvalid) as err:
        raise OutletsInvalid((f"The site file, email or url: {err}.",)) from err


def _outlets(settings: Settings, site: Site, now: Clock) -> Iterator[Outlet]:
    yield Outlet(INBOX, Inbox(), at_once=AT_ONCE)
    if settings.fhir_url:
        server = FhirServer(settings.fhir_url, _token(settings, now), now)
        yield Outlet(FHIR, server, carriers=FHIR_CARRIERS)
    used = {centre.channel for centre in site.centres}
    if "kafka" in used:
        yield Outlet("kafka", KafkaTopic(brokers_of(settings), settings.kafka_out_topic))
    if "smtp" in used:
        yield Outlet("smtp", mail_of(settings, site, now))
    for centre in site.centres:
        if centre.channel == FHIR and centre.fhir_url:
            # Our token is for the hospital's server: nobody else is shown it.
            server = FhirServer(centre.fhir_url, None, now)
            yield Outlet(f"{FHIR}:{centre.code}", server, carriers=FHIR_CARRIERS)


def brokers_of(settings: Settings) -> Brokers:
    """The brokers of the topic out."""
    return Brokers(
        addresses=settings.kafka_brokers,
        security=settings.kafka_security,
        ca=settings.kafka_ca,
        user=settings.kafka_user,
        password=settings.kafka_password,
    )


def mail_of(settings: Settings, site: Site, now: Clock) -> Mail:
    """The mail server, and the address and link of each centre that is written to."""
    base = site.url or "http://{}:{}".format(*settings.http_address)
    letterboxes = {
        centre.code: Letterbox(centre.email, f"{base}/centre/{quote(centre.code, safe='')}")
        for centre in site.centres
        if centre.channel == "smtp"
    }
    return Mail(SmtpServer.from_url(settings.smtp_url), letterboxes, now)


def _token(settings: Settings, now: Clock) -> TokenSource | None:
    if settings.fhir_token:
        return GivenToken(settings.fhir_token)
    if not settings.fhir_token_url:
        return None
    client = Client(settings.fhir_token_url, settings.fhir_client_id, settings.fhir_private_key)
    return SmartTokens(client, now)


def _faults_of(centre: Centre, settings: Settings) -> Iterator[str]:
    who = f"The centre {centre.code} has the channel {centre.channel}, and"
    if centre.channel == "kafka" and not settings.kafka_brokers:
        yield f"{who} {PREFIX}KAFKA_BROKERS is not set."
    if centre.channel == "smtp" and not settings.smtp_url:
        yield f"{who} {PREFIX}SMTP_URL is not set."
    if centre.channel == FHIR and not centre.fhir_url and not settings.fhir_url:
        yield f"{who} neither its fhir_url nor {PREFIX}FHIR_URL is set."
