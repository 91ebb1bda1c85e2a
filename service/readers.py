"""Reads what a setting's text says; a ValueError says in words what the setting takes."""

import re
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

MASK = "********"
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")


def database_url(text: str) -> str:
    """A SQLAlchemy URL of a database that is supported, with the driver that is."""
    scheme, slashes, rest = text.partition("://")
    if not slashes:
        raise ValueError("this is not a database URL such as sqlite:///thinkcarer.db")
    if scheme in ("postgresql", "postgres", "postgresql+psycopg"):
        return f"postgresql+psycopg://{rest}"
    if scheme not in ("sqlite", "sqlite+pysqlite"):
        raise ValueError(f"{scheme} is not supported: use sqlite or postgresql+psycopg")
    return f"sqlite://{rest}"


def path(text: str) -> Path:
    """A file or folder that is there."""
    found = Path(text)
    if not found.exists():
        raise ValueError(f"there is no file {text}")
    return found


def folder(text: str) -> Path:
    """A folder that is there."""
    found = Path(text)
    if not found.is_dir():
        raise ValueError(f"there is no folder {text}")
    return found


def address(text: str) -> tuple[str, int]:
    """Host and port."""
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError("this takes HOST:PORT, such as 127.0.0.1:2575")
    return host.removeprefix("[").removesuffix("]"), int(port)


def secret(text: str) -> str:
    """Something that cannot be guessed."""
    if len(text) < 16:
        raise ValueError("use at least 16 characters that nobody can guess")
    return text


def whole_number(text: str) -> int:
    """A number from 1."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 1_000_000_000:
        raise ValueError("this takes a whole number from 1")
    return int(text)


def log_format(text: str) -> str:
    """A renderer of the log."""
    if text not in ("console", "json"):
        raise ValueError("this takes console or json")
    return text


def brokers(text: str) -> tuple[str, ...]:
    """Bootstrap servers."""
    found = tuple(each.strip() for each in text.split(",") if each.strip())
    for each in found:
        try:
            address(each)
        except ValueError as err:
            raise ValueError("this takes HOST:PORT, several with commas between them") from err
    return found


def topic(text: str) -> str:
    """A name that Kafka takes for a topic."""
    if not _TOPIC.fullmatch(text) or text in (".", ".."):
        raise ValueError("a topic's name takes letters, digits, dot, hyphen and underscore")
    return text


def kafka_security(text: str) -> str:
    """How brokers are spoken to."""
    if text not in ("ssl", "sasl_ssl"):
        raise ValueError("this takes ssl or sasl_ssl")
    return text


def private_key(text: str) -> str:
    """A private key in PEM, given itself or as the path of its file."""
    pem = text if text.startswith("-----BEGIN") else _file_text(text)
    if "PRIVATE KEY-----" not in pem:
        raise ValueError("this takes a private key in PEM, or the path of its file")
    return pem


def web_url(text: str) -> str:
    """An https address without a password; plain http is for this machine alone."""
    parts = _parts(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("this takes an address such as https://fhir.example/r4")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("this takes an address without sign-in, question mark or hash")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError("plain http goes over the network unprotected: use https")
    return text.rstrip("/")


def text(value: str) -> str:
    """Any text."""
    return value


def is_loopback(host: str) -> bool:
    """Only this machine can be reached by that name."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def without_password(url: str) -> str:
    """The URL with its password masked, also one that is given as a parameter."""
    masked = re.sub(r"(://[^:/@?]*:).*@", rf"\g<1>{MASK}@", url)
    return re.sub(r"([?&]\w*password=)[^&]*", rf"\g<1>{MASK}", masked)


def _file_text(name: str) -> str:
    try:
        return Path(name).read_text(encoding="ascii")
    except (OSError, ValueError) as err:
        raise ValueError("this takes a private key in PEM, or the path of its file") from err


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as err:
        raise ValueError("this takes an address such as https://fhir.example/r4") from err
    return parts
