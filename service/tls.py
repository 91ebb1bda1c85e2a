"""What the MLLP port and its senders on this machine speak: TLS contexts from the settings."""

import ssl
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from alerts.model.site import Site
from service.certificates import (
    Certificate,
    expired,
    expiries,
    expiring,
    has_revoked,
    leaf_of,
)
from service.readers import is_loopback
from service.settings import PREFIX, Settings, SettingsInvalid


def server_tls(settings: Settings) -> ssl.SSLContext | None:
    """What the MLLP port speaks, None for plain; raises SettingsInvalid on a bad file."""
    if settings.mllp_tls_cert is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _load_own(context, settings)
    if settings.mllp_tls_client_ca is not None:
        _load_trusted(context, settings.mllp_tls_client_ca, "MLLP_TLS_CLIENT_CA")
        _trust_own(context, settings)
        context.verify_mode = ssl.CERT_REQUIRED
        if has_revoked(settings.mllp_tls_client_ca):
            context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    return context


def client_tls(settings: Settings) -> ssl.SSLContext | None:
    """What a sender on this machine uses to reach the MLLP port; trusts only ours."""
    if settings.mllp_tls_cert is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    _load_own(context, settings)
    _trust_own(context, settings)
    return context


def own_certificate(settings: Settings) -> bytes:
    """The certificate of the MLLP port (DER), which the probe shows; empty where it is plain."""
    return leaf_of(settings.mllp_tls_cert) if settings.mllp_tls_cert else b""


def certificates_of(settings: Settings) -> tuple[Certificate, ...]:
    """The certificates in use, by the names that metrics and pages use."""
    files = {
        "mllp": settings.mllp_tls_cert,
        "mllp-client-ca": settings.mllp_tls_client_ca,
        "kafka-ca": settings.kafka_ca,
    }
    return expiries({name: path for name, path in files.items() if path is not None})


def faults_of(settings: Settings, site: Site, now: datetime) -> tuple[str, ...]:
    """What keeps senders out: certificates that ran out, names of which no certificate is asked."""
    unasked = (
        ()
        if settings.mllp_tls_client_ca
        else tuple(
            f"Feed {feed.name} lists certificate_names and takes nothing over MLLP until "
            f"{PREFIX}MLLP_TLS_CLIENT_CA is set."
            for feed in site.feeds
            if feed.certificate_names
        )
    )
    return (*expired(certificates_of(settings), now), *unasked)


def warnings_of(settings: Settings, site: Site, now: datetime) -> tuple[str, ...]:
    """What works and should not stay as it is."""
    found = list(expiring(certificates_of(settings), now))
    hosts = {settings.mllp_address[0]} | {feed.address[0] for feed in site.feeds if feed.address}
    if settings.mllp_tls_cert is None and not all(is_loopback(host) for host in hosts):
        found.append(
            "MLLP goes over the network unprotected: anybody on the way can read and change "
            f"messages. Set {PREFIX}MLLP_TLS_CERT, or take plain connections only inside a VPN."
        )
    reason = why_no_probe(settings)
    if reason:
        found.append(
            f"`probe` cannot use the MLLP port: {reason}. The certificate of the port must be "
            "good for clients too, and its issuer's CRL beside the client CA if that has one."
        )
    return tuple(found)


def why_no_probe(settings: Settings) -> str | None:
    """Why the MLLP port would turn the probe away, tried without a socket; None if it would not."""
    server, client = server_tls(settings), client_tls(settings)
    if server is None or client is None:
        return None
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (client.wrap_bio(back, there), server.wrap_bio(there, back, server_side=True))
    try:
        for end in ends * 3:
            with suppress(ssl.SSLWantReadError):
                end.do_handshake()
    except ssl.SSLCertVerificationError as failure:
        return failure.verify_message
    except ssl.SSLError as failure:
        return failure.reason
    return None


def _load_own(context: ssl.SSLContext, settings: Settings) -> None:
    try:
        context.load_cert_chain(str(settings.mllp_tls_cert), settings.mllp_tls_key)
    except OSError as err:
        raise SettingsInvalid(
            (f"{PREFIX}MLLP_TLS_CERT and {PREFIX}MLLP_TLS_KEY are not a pair of PEM files.",)
        ) from err


def _trust_own(context: ssl.SSLContext, settings: Settings) -> None:
    """Our certificate itself, not who issued it: a chain may end at a public CA."""
    context.load_verify_locations(cadata=own_certificate(settings))
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN


def _load_trusted(context: ssl.SSLContext, path: Path, name: str) -> None:
    try:
        context.load_verify_locations(path)
    except OSError as err:
        raise SettingsInvalid((f"{PREFIX}{name} is not a PEM file of certificates.",)) from err
