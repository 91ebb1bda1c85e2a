"""When the certificates in use run out, and what the PEM files that hold them hold besides."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from service.errors import ServiceError

_NOTICE = timedelta(days=30)
_NOTICE_OF_LIST = timedelta(days=1)
"""Lists of what was revoked are made anew every few days."""
_RENEW = "put a new one in its place and start again."
_LIST = re.compile(rb"-----BEGIN X509 CRL-----.*?-----END X509 CRL-----", re.DOTALL)


class CertificateUnreadable(ServiceError):
    """A file is not a PEM file of certificates. Name one that is."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A file of certificates by our name for it, and when it stops being good."""

    name: str
    expires_at: datetime
    notice: timedelta = _NOTICE
    """How long before that somebody is told."""


def expiries(paths: Mapping[str, Path]) -> tuple[Certificate, ...]:
    """When each file runs out, and each list of what was revoked; by their names."""
    return tuple(found for name, path in paths.items() for found in _read(name, path))


def expired(certificates: Iterable[Certificate], now: datetime) -> tuple[str, ...]:
    """A sentence for each that has run out."""
    return tuple(
        f"Certificate {each.name} expired on {_day(each)}: {_RENEW}"
        for each in certificates
        if each.expires_at <= now
    )


def expiring(certificates: Iterable[Certificate], now: datetime) -> tuple[str, ...]:
    """A sentence for each that runs out soon and has not yet."""
    return tuple(
        f"Certificate {each.name} expires on {_day(each)}: {_RENEW}"
        for each in certificates
        if now < each.expires_at <= now + each.notice
    )


def leaf_of(path: Path) -> bytes:
    """The first certificate of a chain, the one that its owner shows (DER)."""
    return _certificates(path)[0].public_bytes(Encoding.DER)


def has_revoked(path: Path) -> bool:
    """Whether the file holds a list of what was revoked (CRL) beside its certificates."""
    return _LIST.search(_content(path)) is not None


def _read(name: str, path: Path) -> Iterator[Certificate]:
    yield Certificate(name, _end_of(_certificates(path)))
    ends = [each for each in _list_ends(path) if each is not None]
    if ends:
        yield Certificate(f"{name}-crl", min(ends), _NOTICE_OF_LIST)


def _end_of(certificates: list[x509.Certificate]) -> datetime:
    """The first to run out, but of roots the last: an old one lies beside its successor."""
    roots = [each for each in certificates if each.issuer == each.subject]
    others = [each for each in certificates if each.issuer != each.subject]
    ends = [each.not_valid_after_utc for each in others]
    return min((*ends, max(each.not_valid_after_utc for each in roots))) if roots else min(ends)


def _certificates(path: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(_content(path))
    except ValueError as err:
        raise CertificateUnreadable(f"{path} is not a PEM file of certificates.") from err


def _list_ends(path: Path) -> list[datetime | None]:
    lists = _LIST.findall(_content(path))
    try:
        return [x509.load_pem_x509_crl(each).next_update_utc for each in lists]
    except ValueError as err:
        raise CertificateUnreadable(f"{path} holds a CRL that cannot be read.") from err


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as err:
        raise CertificateUnreadable(f"{path} cannot be read.") from err


def _day(certificate: Certificate) -> str:
    at = certificate.expires_at.astimezone(UTC)
    return f"{at.day} {at:%B %Y}"
