"""Real servers for tests: where they are, or why a test is skipped."""

import os
from pathlib import Path

import pytest


def fhir_url() -> str:
    """The base of a strict FHIR R4 server; skips where there is none, fails where CI has none."""
    return _server("TEST_FHIR_URL", "a FHIR R4 server").rstrip("/")


def kafka_brokers() -> str:
    """The address of a Kafka broker; skips where there is none, fails where CI has none."""
    return _server("TEST_KAFKA_BROKERS", "a Kafka broker")


def secure_kafka() -> tuple[str, Path, str, str]:
    """Address, CA, user and password of a broker that speaks SASL_SSL."""
    names = ("SECURE_BROKERS", "CA", "USER", "PASSWORD")
    address, ca, user, password = (
        _server(f"TEST_KAFKA_{name}", "a Kafka broker with SASL_SSL") for name in names
    )
    return address, Path(ca), user, password


def starter() -> Path:
    """The program that starts servers which a test may restart; skips where there is none."""
    return Path(_server("TEST_SERVICES", "the program that starts real servers"))


def _server(name: str, what: str) -> str:
    url = os.environ.get(name, "")
    if url:
        return url
    reason = f"{name} is not set: needs {what}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
