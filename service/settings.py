"""The settings: read once from the environment, every fault reported at once."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Self

from service import readers
from service.errors import ServiceError

PREFIX = "THINKCARER_"
_LATER = ("OIDC_",)
"""Settings that a later release will have."""


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
    kafka_brokers: tuple[str, ...] = field(
        default=(), metadata=_meaning("Kafka bootstrap servers; empty means no Kafka")
    )
    kafka_in_topic: str = field(
        default="adt.hl7v2", metadata=_meaning("Topic that messages come in by", "adt.hl7v2")
    )
    kafka_out_topic: str = field(
        default="carer.notices",
        metadata=_meaning("Topic for centres whose channel is `kafka`", "carer.notices"),
    )
    kafka_security: str = field(
        default="", metadata=_meaning("`ssl` or `sasl_ssl`; empty means plain")
    )
    kafka_ca: Path | None = field(
        default=None, metadata=_meaning("CA (PEM) that the brokers' certificates come from")
    )
    kafka_user: str = field(default="", metadata=_meaning("User for SCRAM-SHA-512"))
    kafka_password: str = field(default="", repr=False, metadata=_meaning("Password of that user"))
    drop_folder: Path | None = field(
        default=None, metadata=_meaning("Folder watched for `.hl7` files")
    )
    fhir_url: str = field(
        default="",
        metadata=_meaning(
            "Base of the hospital's FHIR R4 server: gets every ward and coordinator Task, and "
            "what goes to centres on channel `fhir` without a server of their own"
        ),
    )
    fhir_token_url: str = field(
        default="", metadata=_meaning("Token address for SMART backend services")
    )
    fhir_client_id: str = field(default="", metadata=_meaning("Client id there"))
    fhir_private_key: str = field(
        default="",
        repr=False,
        metadata=_meaning("Private key (PEM, or the path of its file) that signs for a token"),
    )
    fhir_token: str = field(
        default="", repr=False, metadata=_meaning("A bearer token that does not change, instead")
    )
    smtp_url: str = field(
        default="",
        repr=False,
        metadata=_meaning(
            "Mail server for centres on channel `smtp`: `smtps://user:password@host` or "
            "`smtp://host:587` (STARTTLS), with `?from=address`; an e-mail holds a link only"
        ),
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
        return readers.is_loopback(self.http_address[0])

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
    return faults + _faults_of_kafka(read) + _faults_of_fhir(read)


def _faults_of_kafka(read: Settings) -> list[str]:
    faults = []
    if read.kafka_security and not read.kafka_brokers:
        faults.append(f"{PREFIX}KAFKA_SECURITY needs {PREFIX}KAFKA_BROKERS.")
    is_signed_in = bool(read.kafka_user) and bool(read.kafka_password)
    if read.kafka_security == "sasl_ssl" and not is_signed_in:
        faults.append(
            f"{PREFIX}KAFKA_SECURITY sasl_ssl needs {PREFIX}KAFKA_USER and {PREFIX}KAFKA_PASSWORD."
        )
    if read.kafka_security != "sasl_ssl" and (read.kafka_user or read.kafka_password):
        faults.append(
            f"{PREFIX}KAFKA_USER and {PREFIX}KAFKA_PASSWORD need {PREFIX}KAFKA_SECURITY sasl_ssl: "
            "a password does not go over a plain connection."
        )
    if read.kafka_ca is not None and not read.kafka_security:
        faults.append(f"{PREFIX}KAFKA_CA needs {PREFIX}KAFKA_SECURITY ssl or sasl_ssl.")
    return faults


def _faults_of_fhir(read: Settings) -> list[str]:
    faults = []
    smart = (read.fhir_token_url, read.fhir_client_id, read.fhir_private_key)
    if any(smart) and not all(smart):
        faults.append(
            f"{PREFIX}FHIR_TOKEN_URL, {PREFIX}FHIR_CLIENT_ID and {PREFIX}FHIR_PRIVATE_KEY go "
            "together: set all three."
        )
    if read.fhir_token and any(smart):
        faults.append(f"{PREFIX}FHIR_TOKEN and {PREFIX}FHIR_TOKEN_URL exclude each other.")
    if (read.fhir_token or any(smart)) and not read.fhir_url:
        faults.append(f"{PREFIX}FHIR_TOKEN and {PREFIX}FHIR_TOKEN_URL need {PREFIX}FHIR_URL.")
    return faults


_READERS: dict[str, Callable[[str], object]] = {
    "database_url": readers.database_url,
    "site": readers.path,
    "mllp_address": readers.address,
    "mllp_tls_cert": readers.path,
    "mllp_tls_key": readers.path,
    "mllp_tls_client_ca": readers.path,
    "http_address": readers.address,
    "kafka_brokers": readers.brokers,
    "kafka_in_topic": readers.topic,
    "kafka_out_topic": readers.topic,
    "kafka_security": readers.kafka_security,
    "kafka_ca": readers.path,
    "kafka_user": readers.text,
    "kafka_password": readers.text,
    "drop_folder": readers.folder,
    "fhir_url": readers.web_url,
    "fhir_token_url": readers.web_url,
    "fhir_client_id": readers.text,
    "fhir_private_key": readers.private_key,
    "fhir_token": readers.text,
    "smtp_url": readers.text,
    "secret_key": readers.secret,
    "max_message_bytes": readers.whole_number,
    "mllp_peer_connections": readers.whole_number,
    "log_format": readers.log_format,
}
_SECRETS = frozenset({"secret_key", "kafka_password", "fhir_private_key", "fhir_token"})


def _masked(name: str, value: object) -> str:
    if name in _SECRETS:
        return readers.MASK if value else ""
    if name in ("database_url", "smtp_url"):
        return readers.without_password(str(value))
    if name == "kafka_brokers":
        return ",".join(str(part) for part in value) if isinstance(value, tuple) else ""
    if isinstance(value, tuple):
        return ":".join(str(part) for part in value)
    return "" if value is None else str(value)
