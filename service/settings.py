"""The settings: read once from the environment, every fault reported at once."""

import re
import secrets
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from ipaddress import ip_address
from pathlib import Path
from typing import Self

from service.errors import ServiceError

PREFIX = "THINKCARER_"
_LATER = ("KAFKA_", "FHIR_", "OIDC_", "DROP_FOLDER", "SMTP_URL")
"""Settings that a later release will have."""
_MASK = "********"


class SettingsInvalid(ServiceError):
    """The settings have faults. Correct each one and start again."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        """``faults``: one sentence each."""
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Shown:
    """One setting as ``check`` and the README show it."""

    name: str
    value: str
    default: str
    meaning: str


def _meaning(words: str, default: str = "") -> dict[str, str]:
    return {"meaning": words, "default": default}


@dataclass(frozen=True, slots=True)
class Settings:
    """What an installation can set; names in the environment are these in capitals, prefixed."""

    database_url: str = field(
        default="sqlite:///thinkcarer.db",
        metadata=_meaning(
            "Where everything is kept; `postgresql+psycopg://…` in production",
            "sqlite:///thinkcarer.db",
        ),
    )
    site: Path | None = field(
        default=None,
        metadata=_meaning("Path of the site file, or of a folder of them", "built-in demo site"),
    )
    mllp_address: tuple[str, int] = field(
        default=("127.0.0.1", 2575),
        metadata=_meaning("Where messages come in over MLLP", "127.0.0.1:2575"),
    )
    mllp_tls_cert: Path | None = field(
        default=None, metadata=_meaning("Certificate chain (PEM) of the MLLP port; turns TLS on")
    )
    mllp_tls_key: Path | None = field(
        default=None, metadata=_meaning("Private key (PEM) of that certificate")
    )
    mllp_tls_client_ca: Path | None = field(
        default=None,
        metadata=_meaning("CA (PEM) that senders' certificates must come from: mutual TLS"),
    )
    http_address: tuple[str, int] = field(
        default=("127.0.0.1", 8000),
        metadata=_meaning("Web pages, FHIR, health and metrics", "127.0.0.1:8000"),
    )
    secret_key: str = field(
        default="",
        repr=False,
        metadata=_meaning("Signs sessions; required unless the HTTP address is loopback"),
    )
    max_message_bytes: int = field(
        default=1_048_576,
        metadata=_meaning("Larger frames are refused at the door", "1048576"),
    )
    mllp_peer_connections: int = field(
        default=128, metadata=_meaning("Connections that one address may hold open", "128")
    )
    log_format: str = field(
        default="json",
        metadata=_meaning("`console` or `json`", "`console` on a terminal, else `json`"),
    )

    @classmethod
    def load(cls, environ: Mapping[str, str], on_terminal: bool) -> Self:
        """Read the environment; raises SettingsInvalid with every fault."""
        given = {k: v.strip() for k, v in environ.items() if k.startswith(PREFIX)}
        names = {PREFIX + each.name.upper(): each.name for each in fields(cls)}
        faults = [_unknown(name) for name in sorted(given) if name not in names]
        values: dict[str, object] = {"log_format": "console" if on_terminal else "json"}
        for name, attribute in names.items():
            if given.get(name):
                try:
                    values[attribute] = _READERS[attribute](given[name])
                except ValueError as err:
                    faults.append(f"{name}: {err}.")
        read = cls(**values)  # type: ignore[arg-type]
        faults += _faults_together(read)
        if faults:
            raise SettingsInvalid(tuple(faults))
        if not read.secret_key:
            return cls(**values | {"secret_key": secrets.token_urlsafe(32)})  # type: ignore[arg-type]
        return read

    @property
    def http_is_loopback(self) -> bool:
        """Only this machine can reach the pages."""
        return _is_loopback(self.http_address[0])

    def shown(self) -> tuple[Shown, ...]:
        """Every setting with its value, secrets masked."""
        return tuple(
            Shown(
                PREFIX + each.name.upper(),
                _masked(each.name, getattr(self, each.name)),
                each.metadata["default"] or "-",
                each.metadata["meaning"],
            )
            for each in fields(self)
        )

    def tls_context(self) -> ssl.SSLContext | None:
        """What the MLLP port speaks, None for plain; raises SettingsInvalid on a bad file."""
        if self.mllp_tls_cert is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._load_own(context)
        if self.mllp_tls_client_ca is not None:
            self._load_trusted(context, self.mllp_tls_client_ca, "MLLP_TLS_CLIENT_CA")
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def client_tls(self) -> ssl.SSLContext | None:
        """What a sender on this machine uses to reach the MLLP port; trusts only ours."""
        if self.mllp_tls_cert is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        self._load_trusted(context, self.mllp_tls_cert, "MLLP_TLS_CERT")
        self._load_own(context)
        return context

    def _load_own(self, context: ssl.SSLContext) -> None:
        try:
            context.load_cert_chain(str(self.mllp_tls_cert), self.mllp_tls_key)
        except OSError as err:
            raise SettingsInvalid(
                (f"{PREFIX}MLLP_TLS_CERT and {PREFIX}MLLP_TLS_KEY are not a pair of PEM files.",)
            ) from err

    def _load_trusted(self, context: ssl.SSLContext, path: Path, name: str) -> None:
        try:
            context.load_verify_locations(path)
        except OSError as err:
            raise SettingsInvalid((f"{PREFIX}{name} is not a PEM file of certificates.",)) from err


def _unknown(name: str) -> str:
    if name.removeprefix(PREFIX).startswith(_LATER):
        return f"{name} is not part of this release: take it away."
    return f"{name} is not a setting: see the table in README for the names."


def _faults_together(read: Settings) -> list[str]:
    """What is wrong only when settings are seen together."""
    faults = []
    if (read.mllp_tls_cert is None) != (read.mllp_tls_key is None):
        faults.append(f"{PREFIX}MLLP_TLS_CERT and {PREFIX}MLLP_TLS_KEY go together: set both.")
    if read.mllp_tls_client_ca is not None and read.mllp_tls_cert is None:
        faults.append(f"{PREFIX}MLLP_TLS_CLIENT_CA needs {PREFIX}MLLP_TLS_CERT.")
    if not read.secret_key and not read.http_is_loopback:
        faults.append(
            f"{PREFIX}SECRET_KEY is required, since {PREFIX}HTTP_ADDRESS is not loopback."
        )
    return faults


def _database_url(text: str) -> str:
    scheme, slashes, rest = text.partition("://")
    if not slashes:
        raise ValueError("this is not a database URL such as sqlite:///thinkcarer.db")
    if scheme in ("postgresql", "postgres", "postgresql+psycopg"):
        return f"postgresql+psycopg://{rest}"
    if scheme not in ("sqlite", "sqlite+pysqlite"):
        raise ValueError(f"{scheme} is not supported: use sqlite or postgresql+psycopg")
    return f"sqlite://{rest}"


def _path(text: str) -> Path:
    path = Path(text)
    if not path.exists():
        raise ValueError(f"there is no file {text}")
    return path


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError("this takes HOST:PORT, such as 127.0.0.1:2575")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _secret(text: str) -> str:
    if len(text) < 16:
        raise ValueError("use at least 16 characters that nobody can guess")
    return text


def _whole_number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 1_000_000_000:
        raise ValueError("this takes a whole number from 1")
    return int(text)


def _log_format(text: str) -> str:
    if text not in ("console", "json"):
        raise ValueError("this takes console or json")
    return text


_READERS: dict[str, Callable[[str], object]] = {
    "database_url": _database_url,
    "site": _path,
    "mllp_address": _address,
    "mllp_tls_cert": _path,
    "mllp_tls_key": _path,
    "mllp_tls_client_ca": _path,
    "http_address": _address,
    "secret_key": _secret,
    "max_message_bytes": _whole_number,
    "mllp_peer_connections": _whole_number,
    "log_format": _log_format,
}


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _masked(name: str, value: object) -> str:
    if name == "secret_key":
        return _MASK if value else ""
    if name == "database_url":
        return _without_password(str(value))
    if isinstance(value, tuple):
        return ":".join(str(part) for part in value)
    return "" if value is None else str(value)


def _without_password(url: str) -> str:
    """The URL with its password masked, also one that is given as a parameter."""
    masked = re.sub(r"(://[^:/@?]*:).*@", rf"\g<1>{_MASK}@", url)
    return re.sub(r"([?&]\w*password=)[^&]*", rf"\g<1>{_MASK}", masked)
