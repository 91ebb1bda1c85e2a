"""What every way out promises, asked of each of them: whatever happens, an answer that is safe."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from alerts.channels import CHANNELS
from alerts.channels.exchange import Limits
from alerts.channels.fhir_rest import FhirServer
from alerts.channels.inbox import Inbox
from alerts.channels.kafka_producer import Brokers, Waits
from alerts.channels.kafka_topic import KafkaTopic
from alerts.channels.smart import GivenToken
from alerts.channels.smtp import Letterbox, Mail
from alerts.channels.smtp_server import SmtpServer
from alerts.delivery import Accepted, Channel, Parcel, Receipt, Unavailable
from alerts.model.alert import Recipient, RecipientKind

pytestmark = pytest.mark.kafka
SECRET = "hunter2"  # noqa: S105 - of nobody
CANARY = "CANARY-NAME 9990000018"
NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)
SHORT = 0.5


def an_inbox(_port: int) -> Inbox:
    return Inbox()


def a_fhir_server(port: int) -> FhirServer:
    limits = Limits(connect=SHORT, read=SHORT)
    return FhirServer(f"http://127.0.0.1:{port}", GivenToken(SECRET), lambda: NOW, limits=limits)


def a_topic(port: int) -> KafkaTopic:
    brokers = Brokers((f"127.0.0.1:{port}",), user="desk", password=SECRET)
    return KafkaTopic(brokers, "carer.notices", Waits(SHORT, SHORT))


def a_mail(port: int) -> Mail:
    server = SmtpServer.from_url(f"smtp://desk:{SECRET}@127.0.0.1:{port}?from=a@b.example")
    return Mail(server, {"C1": Letterbox("desk@c1.example", "https://x.example")}, lambda: NOW)


MADE: dict[str, Callable[[int], Channel]] = {
    "inbox": an_inbox,
    "fhir": a_fhir_server,
    "kafka": a_topic,
    "smtp": a_mail,
}
"""Each channel as it leads to one port of this machine."""


def a_parcel() -> Parcel:
    payload = json.dumps({"resourceType": "Task", "id": "a-1", "description": CANARY})
    centre = Recipient(RecipientKind.CENTRE, "C1")
    return Parcel(1, "a-1", "stay-1", "Task", 1, centre, "any", "any", payload, 1)


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@pytest.fixture
def parrot() -> Iterator[int]:
    """A server that says back what it is told, or the parcel's words where it must speak first."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=_parrot, args=(listening,), daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(5)


@pytest.mark.parametrize("name", CHANNELS)
def test_every_channel_is_asked_here(name: str):
    assert isinstance(MADE[name](1), CHANNELS[name])


@pytest.mark.parametrize("name", CHANNELS)
def test_patience_is_set_and_no_longer_than_a_person_waits(name: str, closed_port: int):
    assert timedelta(0) < MADE[name](closed_port).patience < timedelta(minutes=5)


@pytest.mark.parametrize("name", CHANNELS)
def test_nobody_there_is_an_answer(name: str, closed_port: int):
    channel = MADE[name](closed_port)
    started = time.monotonic()
    receipt = channel.send(a_parcel())
    channel.close()
    assert name == "inbox" or isinstance(receipt, Unavailable)
    assert_safe(receipt)
    assert timedelta(seconds=time.monotonic() - started) < channel.patience


@pytest.mark.parametrize("name", CHANNELS)
def test_a_server_that_says_back_what_it_is_told_is_not_quoted(name: str, parrot: int):
    channel = MADE[name](parrot)
    receipt = channel.send(a_parcel())
    channel.close()
    assert name == "inbox" or not isinstance(receipt, Accepted)
    assert_safe(receipt)


@pytest.mark.parametrize("name", CHANNELS)
def test_closing_twice_and_sending_after_it_are_no_faults(name: str, closed_port: int):
    channel = MADE[name](closed_port)
    channel.close()
    channel.close()
    assert_safe(channel.send(a_parcel()))
    channel.close()


@pytest.mark.parametrize("name", CHANNELS)
def test_no_secret_is_shown(name: str, closed_port: int):
    channel = MADE[name](closed_port)
    held = [repr(getattr(channel, each)) for each in vars(channel)]
    assert SECRET not in repr(channel) + "".join(held)


def assert_safe(receipt: Receipt) -> None:
    """Nothing of the parcel, nor of what we sign in with."""
    assert not [word for word in (*CANARY.split(), SECRET) if word in repr(receipt)]


def _parrot(listening: socket.socket) -> None:
    with suppress(OSError):
        while True:
            connection, _ = listening.accept()
            with connection, suppress(OSError):
                connection.settimeout(SHORT / 5)
                connection.sendall(_said_back(connection))


def _said_back(connection: socket.socket) -> bytes:
    try:
        told = connection.recv(65_536)
    except TimeoutError:
        return f"554 5.0.0 {CANARY}\r\n".encode()
    if not told.startswith((b"PUT", b"GET")):
        return told
    head = "HTTP/1.1 422 Unprocessable\r\nContent-Type: text/html\r\nContent-Length: "
    told += CANARY.encode()
    return f"{head}{len(told)}\r\n\r\n".encode() + told
