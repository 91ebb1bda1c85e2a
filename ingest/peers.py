"""Which feeds a peer may speak for, by the names in its certificate, and why one was refused."""

import ssl
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from ingest.header import FeedRule

NO_FEED = "the certificate may speak for no feed here"
NO_CERTIFICATE = "no certificate was shown"
_REASONS = {
    "HTTP_REQUEST": "no TLS was spoken",
    "HTTPS_PROXY_REQUEST": "no TLS was spoken",
    "WRONG_VERSION_NUMBER": "no TLS was spoken",
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": NO_CERTIFICATE,
    "UNSUPPORTED_PROTOCOL": "only TLS below 1.2 was offered",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """The certificate that a peer proved to hold; both empty where it showed none."""

    names: frozenset[str] = frozenset()
    der: bytes = b""


@dataclass(frozen=True, slots=True)
class Bindings:
    """The rules of the whole site, and our own certificate (DER), which the probe shows."""

    rules: tuple[FeedRule, ...]
    own: bytes = b""

    def feeds_here(self, shown: Shown, here: Sequence[FeedRule]) -> frozenset[str] | None:
        """What a peer may speak for at an address of the feeds ``here``; None any, empty none."""
        if shown.der and shown.der == self.own:
            return None
        feeds = feeds_for(shown.names, self.rules)
        return None if feeds is None else feeds & {rule.name for rule in here}


def feeds_for(names: Iterable[str], rules: Sequence[FeedRule]) -> frozenset[str] | None:
    """The feeds that a certificate of these names may speak for; None any, empty none.

    A feed that lists names takes those alone. A certificate that names feeds speaks for those
    alone, any other for the feeds that list no names.
    """
    told = {name.casefold() for name in names}
    named = frozenset(rule.name for rule in rules if told & _names_of(rule))
    if named:
        return named
    unlisted = frozenset(rule.name for rule in rules if not rule.certificate_names)
    return None if len(unlisted) == len(rules) else unlisted


def shown_in(certificate: Mapping[str, object], der: bytes) -> Shown:
    """Common names and DNS names of a verified certificate, as ``getpeercert`` tells them."""
    subject = _pairs(certificate.get("subject", ()))
    others = _pairs(certificate.get("subjectAltName", ()))
    names = [value for kind, value in subject if kind == "commonName"]
    names += [value for kind, value in others if kind == "DNS"]
    return Shown(frozenset(name for name in names if name), der)


def why_refused(shown: Shown) -> str:
    """In words for the log; the fingerprint tells which certificate and holds no name."""
    if not shown.der:
        return NO_CERTIFICATE
    return f"{NO_FEED} (SHA-256 {sha256(shown.der).hexdigest()})"


def why_failed(failure: OSError) -> str:
    """Why a handshake failed, in words for the log: ours or constants of OpenSSL, no data."""
    match failure:
        case ssl.SSLCertVerificationError():
            return f"certificate refused: {getattr(failure, 'verify_message', 'unknown')}"
        case ssl.SSLEOFError() | ConnectionError():
            return "closed during the handshake"
        case TimeoutError():
            return "the handshake was not finished in time"
        case ssl.SSLError():
            reason = getattr(failure, "reason", None) or "unknown"
            return _REASONS.get(reason, reason.replace("_", " ").lower())
    return "the connection failed"


def _names_of(rule: FeedRule) -> set[str]:
    """The certificate names that mean this feed."""
    names = rule.certificate_names or (rule.name, rule.sending_facility)
    return {name.casefold() for name in names if name != "*"}


def _pairs(part: object) -> Iterator[tuple[str, str]]:
    """Kind and value, however deep they lie."""
    match part:
        case (str(kind), str(value)):
            yield kind, value
        case tuple(parts):
            for each in parts:
                yield from _pairs(each)
