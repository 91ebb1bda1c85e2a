"""A listener with mutual TLS for two feeds, and senders that speak to it well or badly."""

import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager, suppress
from pathlib import Path

from ingest.header import FeedRule
from ingest.mllp import Limits
from ingest.peers import Bindings
from service.database import Database
from service.tls import own_certificate, server_tls
from tests.support.authority import HOST, Authority, Pair
from tests.support.door import Client, Standing, an_admission, standing_door

MONKLANDS = FeedRule("monklands", sending_facility="L302H")
HAIRMYRES = FeedRule("hairmyres", sending_facility="L303H", certificate_names=("engine.example",))
RULES = (MONKLANDS, HAIRMYRES)
OURS, THEIRS = an_admission("OURS"), an_admission("THEIRS", facility="L303H")
Logged = list[MutableMapping[str, object]]


@contextmanager
def a_door(
    database: Database,
    authority: Authority,
    rules: tuple[FeedRule, ...] = RULES,
    limits: Limits | None = None,
    client_ca: Path | None = None,
) -> Iterator[Standing]:
    """A listener with mutual TLS for these feeds of the site."""
    settings = authority.settings(client_ca)
    bindings = Bindings(RULES, own_certificate(settings))
    with standing_door(database, limits, rules, server_tls(settings), bindings) as standing:
        yield standing


@contextmanager
def speaking(door: Standing, context: ssl.SSLContext) -> Iterator[Client]:
    """A sender that has done its part of the handshake."""
    opened = socket.create_connection(("127.0.0.1", door.listener.port), 10)
    with Client(context.wrap_socket(opened, server_hostname=HOST)) as client:
        yield client


def is_turned_away(door: Standing, context: ssl.SSLContext) -> bool:
    """No byte of an answer, and nothing written."""
    with suppress(OSError, AssertionError), speaking(door, context) as client:
        client.ask(OURS)
        return False
    return door.counts.wait_for("handshake_failed") and door.rows() == []


def reasons(logged: Logged) -> list[str]:
    """Why handshakes failed, in order."""
    return [str(line["reason"]) for line in logged if line["event"] == "handshake_failed"]


def s_client(
    door: Standing, authority: Authority, shown: Pair, *options: str
) -> subprocess.Popen[bytes]:
    address = ("-connect", f"127.0.0.1:{door.listener.port}", "-servername", HOST)
    files = ("-CAfile", authority.ca_file, "-cert", shown.cert, "-key", shown.key)
    return subprocess.Popen(
        ["openssl", "s_client", *address, *files, "-quiet", "-verify_return_error", *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def hello_of(authority: Authority) -> bytes:
    """The first bytes of a handshake."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = authority.sender().wrap_bio(incoming, outgoing, server_hostname=HOST)
    with suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def send_slowly(client: Client, data: bytes) -> None:
    with suppress(OSError):
        for byte in data:
            client.send(bytes([byte]))
            time.sleep(0.05)


def connect_from(source: str, door: Standing) -> socket.socket:
    return socket.create_connection(("127.0.0.1", door.listener.port), 10, (source, 0))


def flood_until(stop: threading.Event, door: Standing) -> None:
    """Connections of one address beyond what it may hold, as fast as they come."""
    while not stop.is_set():
        with suppress(OSError):
            connect_from("127.0.1.1", door).close()
