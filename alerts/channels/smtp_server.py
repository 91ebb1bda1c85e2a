"""Which mail server carries our e-mails, and in whose name: one URL, taken apart and checked."""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import SplitResult, unquote, urlsplit

from alerts.channels.dialling import is_loopback

# RFC 5321 §4.1.2 without quoted strings and address literals, which no desk has.
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,253}")
_FROM = re.compile(r"from=([^&=]+)")


class SmtpUrlInvalid(ValueError):
    """Not smtps://user:password@host:465?from=address or smtp://host:587?from=address."""


class AddressInvalid(ValueError):
    """Not one plain e-mail address, such as desk@centre.example."""


class Security(StrEnum):
    """How the way to the mail server is kept secret."""

    TLS = "tls"
    STARTTLS = "starttls"
    NONE = "none"
    """Only to this machine itself."""


_SCHEMES = {"smtps": (Security.TLS, 465), "smtp": (Security.STARTTLS, 587)}


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """A mail server and how we sign in; ``sender`` is the mailbox that bounces come back to."""

    host: str
    port: int
    security: Security
    sender: str
    user: str = ""
    password: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        check_address(self.sender)

    @property
    def domain(self) -> str:
        """What follows the @ of the sender: our name at the server, and in Message-IDs."""
        return self.sender.partition("@")[2]

    @classmethod
    def from_url(cls, url: str) -> "SmtpServer":
        """Take the setting apart; raises SmtpUrlInvalid, which never quotes it."""
        if not (url.isascii() and url.isprintable()):
            raise SmtpUrlInvalid("it holds what is no printable ASCII; write it as %XX")
        parts, port = _parts(url)
        security, usual = _SCHEMES[parts.scheme]
        host = parts.hostname or ""
        if security is Security.STARTTLS and is_loopback(host):
            security = Security.NONE
        user, password = (unquote(part or "") for part in (parts.username, parts.password))
        _check_signing_in(user, password)
        return cls(host, port or usual, security, _sender(parts.query, user, host), user, password)


def check_address(address: str) -> None:
    """Raise AddressInvalid where it is no plain address, above all where it is more than one."""
    if not _ADDRESS.fullmatch(address):
        raise AddressInvalid("not one plain e-mail address")


def _parts(url: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        # Not from it: what it says quotes a password where that holds an unwritten sign.
        raise SmtpUrlInvalid("its host or port cannot be read; write /, ?, # as %XX") from None
    if parts.scheme not in _SCHEMES:
        raise SmtpUrlInvalid("it must begin with smtps:// or smtp://")
    if not parts.hostname:
        raise SmtpUrlInvalid("it names no host")
    if parts.path not in ("", "/") or parts.fragment:
        raise SmtpUrlInvalid("only ?from=address follows the host; write /, ?, # as %XX")
    return parts, port


def _check_signing_in(user: str, password: str) -> None:
    if bool(user) != bool(password):
        raise SmtpUrlInvalid("a user and a password come together")
    # smtplib sends nothing else; and a line end would begin a command of its own.
    if not all(part.isascii() and part.isprintable() for part in (user, password)):
        raise SmtpUrlInvalid("the user and the password are printable ASCII")


def _sender(query: str, user: str, host: str) -> str:
    """Who sends, and hears of bounces; without from= whoever signs in, or a name of ours there."""
    if not query:
        if _ADDRESS.fullmatch(user):
            return user
        is_name = any(sign.isalpha() for sign in host) and ":" not in host
        return f"thinkcarer@{host if is_name else 'localhost'}"
    given = _FROM.fullmatch(query)
    if given is None:
        raise SmtpUrlInvalid(
            "after the question mark only from=address may stand: who sends, and hears of bounces"
        )
    sender = unquote(given.group(1))
    try:
        check_address(sender)
    except AddressInvalid as err:
        raise SmtpUrlInvalid("its from= is not one plain e-mail address") from err
    return sender
