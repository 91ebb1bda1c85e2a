"""A real listener on a free loopback port, a client that speaks bytes, and messages to send."""

import socket
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ssl import SSLContext

from ingest import journal
from ingest.committer import Committer
from ingest.header import Fault, FeedRule, Header
from ingest.listener import Listener, serve
from ingest.mllp import END, START, Limits
from ingest.peers import Bindings
from ingest.receive import Door
from service.database import Database, Rank

PAS = FeedRule("pas", sending_application="TRAK")
STRICT = FeedRule("strict", sending_application="STRICT", refuse_unusable=True)
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
PATIENCE = 10.0


@dataclass
class Counts:
    """A Tally that a test can read, also from another thread."""

    counted: Counter[str] = field(default_factory=Counter)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def count(self, name: str, n: int = 1) -> None:
        with self.changed:
            self.counted[name] += n
            self.changed.notify_all()

    def wait_for(self, name: str, n: int = 1) -> bool:
        with self.changed:
            return self.changed.wait_for(lambda: self.counted[name] >= n, PATIENCE)


@dataclass
class Standing:
    """An open door: where it listens, what it counted, what it wrote."""

    database: Database
    listener: Listener
    door: Door
    counts: Counts

    def connect(self) -> "Client":
        return Client(socket.create_connection(("127.0.0.1", self.listener.port), PATIENCE))

    def ask(self, message: bytes) -> bytes:
        with self.connect() as client:
            return client.ask(message)

    def rows(self) -> list[journal.Entry]:
        with self.database.read() as tx:
            ids = [row.id for row in journal.find(tx, journal.Search())]
            return [found for found in (journal.get(tx, i) for i in ids) if found]


class Client:
    """Sends what it is told and reads whole answers."""

    def __init__(self, opened: socket.socket) -> None:
        self.socket = opened
        self.socket.settimeout(PATIENCE)
        self.buffer = b""

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def ask(self, message: bytes) -> bytes:
        self.send(framed(message))
        return self.answer()

    def answer(self) -> bytes:
        while END not in self.buffer:
            data = self.socket.recv(65_536)
            assert data, "closed without an answer"
            self.buffer += data
        block, self.buffer = self.buffer.split(END, 1)
        assert block.startswith(START)
        return block[1:]

    def is_closed(self) -> bool:
        """Whether the other side closes without another byte."""
        try:
            return not self.buffer and not self.socket.recv(65_536)
        except ConnectionResetError:
            return True


@contextmanager
def standing_door(
    database: Database,
    limits: Limits | None = None,
    rules: Sequence[FeedRule] = (PAS, STRICT),
    tls: SSLContext | None = None,
    bindings: Bindings | None = None,
) -> Iterator[Standing]:
    """A started listener over this database, stopped at the end."""
    counts = Counts()
    committer = Committer(lambda: database.write(Rank.ACK))
    door = Door(
        rules=tuple(rules),
        commit=committer.commit,
        now=lambda: NOON,
        inspect=wants_identifier,
        tally=counts,
        on_stored=lambda: counts.count("bell"),
    )
    listener = serve(("127.0.0.1", 0), door, limits or Limits(), tls, bindings)
    listener.start()
    try:
        yield Standing(database, listener, door, counts)
    finally:
        listener.stop(2.0)
        assert committer.close()


def wants_identifier(block: bytes, _header: Header, _rule: FeedRule) -> Fault | None:
    """Content is unusable without a patient identifier."""
    return None if b"^^^NHS" in block else Fault(101, "no patient identifier", "PID^1^3")


def framed(block: bytes) -> bytes:
    return START + block + END


def an_admission(control_id: str = "MSG1", **fields: str) -> bytes:
    """A short A01; keywords replace the parts of MSH by name."""
    given = {
        "application": "TRAK",
        "facility": "L302H",
        "kind": "ADT^A01^ADT_A01",
        "processing": "P",
        "version": "2.4",
        "accept": "",
        "applic": "",
        "name": "TESTPERSON^ANNA",
        "end": "\r",
    } | fields
    msh = (
        f"MSH|^~\\&|{given['application']}|{given['facility']}|CARER|HUB|20260302115900||"
        f"{given['kind']}|{control_id}|{given['processing']}|{given['version']}"
        f"|||{given['accept']}|{given['applic']}"
    )
    lines = (
        msh,
        "EVN|A01|20260302115900",
        f"PID|1||9990000018^^^NHS^NHS||{given['name']}||19400229|F",
        "PV1|1|I|M7A^B1^1^L302H",
        "",
    )
    return given["end"].join(lines).encode()


def msa(answer: bytes, bar: bytes = b"|") -> tuple[str, str]:
    """MSA-1 and MSA-2 of an answer."""
    fields = segment(answer, b"MSA").split(bar)
    return fields[1].decode(), fields[2].decode()


def segment(answer: bytes, name: bytes) -> bytes:
    """The one segment of that name."""
    found = [line for line in answer.split(b"\r") if line.startswith(name)]
    assert len(found) == 1, found
    return found[0]
