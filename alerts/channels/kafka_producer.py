"""A producer that knows its topic, or why there is none: soon, and with nothing left open."""

import socket
import ssl
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from kafka import KafkaProducer
from kafka.cluster import ClusterMetadata
from kafka.errors import (
    KafkaError,
    KafkaTimeoutError,
    SaslAuthenticationFailedError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

# A wrong address is a ValueError, and one that is closed under our hands a RuntimeError.
FAILURES = (KafkaError, OSError, ValueError, RuntimeError)
ENDING = 2.0
"""Seconds that a producer has to finish."""
_SECURITY = {"": "PLAINTEXT", "ssl": "SSL", "sasl_ssl": "SASL_SSL"}
_Setting: TypeAlias = str | int | bool | list[str] | ssl.SSLContext


@dataclass(frozen=True, slots=True)
class Brokers:
    """Where they are (HOST:PORT), and who we are to them; ``security``: "", ssl or sasl_ssl."""

    addresses: tuple[str, ...]
    security: str = ""
    ca: Path | None = None
    user: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds: for the brokers to be reached at all, and for them to acknowledge a record."""

    reach: float = 4.0
    acknowledge: float = 120.0


def reached(brokers: Brokers, topic: str, waits: Waits) -> KafkaProducer:
    """A producer for that topic; raises one of FAILURES."""
    tls = ssl.create_default_context(cafile=brokers.ca) if brokers.security else None
    _dial(brokers, tls, waits.reach)
    producer = _opened(_settings(brokers, tls, waits))
    try:
        _check_topic(producer._metadata, topic, waits.reach)
    except FAILURES:
        end(producer)
        raise
    return producer


def is_known(producer: KafkaProducer, topic: str) -> bool:
    """Was the topic there when the brokers were asked last?"""
    return producer._metadata.partitions_for_topic(topic) is not None


def end(producer: KafkaProducer) -> None:
    """What is not acknowledged within ENDING is given up."""
    try:
        producer.close(ENDING)
    except KafkaError:
        # kafka-python 3.0.12: the flush inside gave up, and the thread would go on for ever.
        producer._sender.force_close()
        producer._sender.join(ENDING)


def _dial(brokers: Brokers, tls: ssl.SSLContext | None, seconds: float) -> None:
    """Does anybody answer? A producer would try for all its time and not say what is wrong."""
    failure = OSError()
    for address in brokers.addresses:
        host, _, port = address.rpartition(":")
        host = host.strip("[]")
        try:
            with socket.create_connection(
                (host, int(port)), seconds / len(brokers.addresses)
            ) as plain:
                if tls is not None:
                    tls.wrap_socket(plain, server_hostname=host).close()
                return
        except OSError as err:
            failure = err
    raise failure


def _opened(settings: dict[str, _Setting]) -> KafkaProducer:
    try:
        return KafkaProducer(**settings)
    except KafkaTimeoutError as err:
        if "sasl_mechanism" in settings:
            # It tries again and again where it is turned away, as if nobody were there.
            raise SaslAuthenticationFailedError from err
        raise


def _settings(brokers: Brokers, tls: ssl.SSLContext | None, waits: Waits) -> dict[str, _Setting]:
    settings: dict[str, _Setting] = {
        "bootstrap_servers": list(brokers.addresses),
        "client_id": "thinkcarer",
        "security_protocol": _SECURITY[brokers.security],
        "acks": "all",
        "enable_idempotence": True,
        "max_in_flight_requests_per_connection": 1,
        "bootstrap_timeout_ms": int(waits.reach * 1000),
        "max_block_ms": int(waits.reach * 1000),
        "request_timeout_ms": int(waits.acknowledge * 1000 / 6),
        "delivery_timeout_ms": int(waits.acknowledge * 1000),
        "reconnect_backoff_max_ms": 1000,
        "metrics_enabled": False,
    }
    if tls is not None:
        settings["ssl_context"] = tls
    if brokers.security == "sasl_ssl":
        settings["sasl_mechanism"] = "SCRAM-SHA-512"
        settings["sasl_plain_username"] = brokers.user
        settings["sasl_plain_password"] = brokers.password
    return settings


def _check_topic(cluster: ClusterMetadata, topic: str, seconds: float) -> None:
    """Ask for it once: a producer asks hundreds of times a second for one that is missing."""
    # kafka-python 3.0.12 does not hand this setting on, and has missing topics created.
    cluster.config["allow_auto_create_topics"] = False
    asked = cluster.add_topic(topic)
    # The first answer may be to a question that was on its way before.
    for _ in range(2):
        told = threading.Event()
        asked.add_both(lambda _, told=told: told.set())
        if not told.wait(seconds):
            raise KafkaTimeoutError
        if cluster.partitions_for_topic(topic) is not None:
            return
        asked = cluster.request_update()
    if topic in cluster.unauthorized_topics:
        raise TopicAuthorizationFailedError
    raise UnknownTopicOrPartitionError
