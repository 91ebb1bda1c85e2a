"""Senders that flood, stall, trickle or never read: they pay for it, and nobody else does."""

import re
import selectors
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import httpx2
import pytest
from hl7.client import MLLPClient

from ingest import journal
from ingest.mllp import Limits
from ingest.room import MOST, OWN
from service.database import connect
from tests.support.adt import Adt
from tests.support.databases import sqlite_copy
from tests.support.door import Client, an_admission, framed, msa, standing_door
from tests.support.hostile import HOSTILE
from tests.support.running_service import RunningService, send_one
from tests.support.taking import until

pytestmark = [pytest.mark.timeout(180)]

MEGABYTE = 1024 * 1024
HALF = b"\x0bMSH|^~\\&|TRAK|L302H|||20261123090000||ADT^A01|HALF|P|2.4\rPID|1||"
REGULAR = "127.0.2.1"
"""The address of the sender who does nothing wrong; each of the others has its own."""


@pytest.fixture
def service(migrated_sqlite: Path, tmp_path: Path) -> Iterator[RunningService]:
    made = RunningService(tmp_path, sqlite_copy(migrated_sqlite, tmp_path))
    made.start()
    send_one(made.mllp_port, [Adt(visit="FIRST", control_id="FIRST").raw()])
    made.settle()
    try:
        yield made
    finally:
        made.end()


@contextmanager
def connected(service: RunningService, source: str) -> Iterator[socket.socket]:
    opened = socket.create_connection(("127.0.0.1", service.mllp_port), 10, (source, 0))
    with closing(opened):
        yield opened


def counted(service: RunningService, what: str) -> float:
    found = re.search(
        rf'^thinkcarer_door_total{{what="{what}"}} (\S+)',
        httpx2.get(service.url("/metrics")).text,
        re.MULTILINE,
    )
    return float(found[1]) if found else 0.0


def answer_times(service: RunningService, kept: int, fresh: int) -> list[float]:
    """Seconds to each answer, over one connection that stays and over one of its own each."""
    took = []
    with connected(service, REGULAR) as stays:
        for number in range(kept):
            took.append(ask(stays, f"K{number}"))
    for number in range(fresh):
        began = time.monotonic()
        with connected(service, REGULAR) as new:
            ask(new, f"F{number}")
        took.append(time.monotonic() - began)
    return sorted(took)


def ask(line: socket.socket, name: str) -> float:
    began, answer = time.monotonic(), b""
    line.sendall(framed(Adt(visit=name, control_id=name).raw()))
    while not answer.endswith(b"\x1c\r"):
        part = line.recv(65_536)
        assert part, "closed without an answer"
        answer += part
    assert f"MSA|AA|{name}".encode() in answer
    return time.monotonic() - began


def drip(lines: list[socket.socket], stop: threading.Event) -> None:
    """One byte of a message that never ends to each, again and again."""
    while not stop.is_set():
        for line in lines:
            with suppress(OSError):
                line.send(b"x")
        stop.wait(0.2)


def test_a_thousand_half_open_and_dripping_senders_hold_nobody_up(service: RunningService):
    stop, dripping = threading.Event(), []
    with ExitStack() as held:
        for number in range(1_000):
            line = held.enter_context(connected(service, f"127.0.1.{number // 120 + 1}"))
            if number % 2:
                line.sendall(HALF)
                dripping.append(line)
        dripper = threading.Thread(target=drip, args=(dripping, stop))
        dripper.start()
        try:
            took = answer_times(service, kept=200, fresh=20)
        finally:
            stop.set()
            dripper.join(10)
        assert took[int(len(took) * 0.99)] < 0.5
        assert counted(service, "connection_refused") == 0, "all of them were open"
    until(lambda: counted(service, "frame_half") == len(dripping))
    kept = {str(row["control_id"]) for row in service.rows("journal")}
    assert kept == {"FIRST", *(f"K{n}" for n in range(200)), *(f"F{n}" for n in range(20))}


def test_one_address_gets_its_share_and_no_more(service: RunningService):
    with ExitStack() as held:
        lines = [held.enter_context(connected(service, "127.0.1.1")) for _ in range(1_000)]
        most = Limits().peer_connections
        until(lambda: counted(service, "connection_refused") == 1_000 - most)
        assert sum(is_closed(line) for line in lines) == 1_000 - most
        assert answer_times(service, kept=20, fresh=5)[-1] < 1


def is_closed(line: socket.socket) -> bool:
    with selectors.DefaultSelector() as looking:
        looking.register(line, selectors.EVENT_READ)
        return bool(looking.select(0))


def test_a_flood_of_connections_is_survived(service: RunningService):
    stop, made = threading.Event(), []

    def flood(source: str) -> None:
        while not stop.is_set():
            with suppress(OSError), connected(service, source):
                made.append(source)

    floods = [threading.Thread(target=flood, args=(f"127.0.1.{n}",)) for n in range(1, 4)]
    for thread in floods:
        thread.start()
    try:
        until(lambda: len(made) > 100)
        took = answer_times(service, kept=100, fresh=20)
        until(lambda: len(made) > 2_000)
    finally:
        stop.set()
        for thread in floods:
            thread.join(10)
    assert took[int(len(took) * 0.99)] < 1
    assert answer_times(service, kept=1, fresh=5)[-1] < 1


ABUSES = {
    "frame_half": HALF,
    "frame_junk": b"x" * 70_000,
    "frame_too_long": b"\x0b" + b"x" * 2 * MEGABYTE,
}


@pytest.mark.parametrize("what", ABUSES)
def test_after_a_broken_framing_the_next_sender_is_answered_within_a_second(
    service: RunningService, what: str
):
    with connected(service, "127.0.1.1") as broken:
        with suppress(OSError):  # it may be closed before all of it is sent
            broken.sendall(ABUSES[what])
            broken.shutdown(socket.SHUT_WR)
        with suppress(ConnectionResetError):
            assert broken.recv(1) == b"", "no answer to what is no message"
    began = time.monotonic()
    with MLLPClient("127.0.0.1", service.mllp_port) as client:
        answer = client.send_message(Adt(visit="NEXT", control_id="NEXT").raw())
    assert msa(answer.strip(b"\x0b\x1c\r")) == ("AA", "NEXT")
    assert time.monotonic() - began < 1
    assert counted(service, what) == 1
    assert [row["control_id"] for row in service.rows("journal")] == ["FIRST", "NEXT"]


@pytest.mark.parametrize("start", [HALF, b"\x0b"], ids=["with a header", "without"])
def test_a_frame_without_end_is_cut_off_at_once_and_costs_no_memory(
    service: RunningService, start: bytes
):
    before, sent, chunk = memory(service), 0, b"x" * 65_536
    with connected(service, "127.0.1.1") as line:
        line.sendall(start)
        began = time.monotonic()
        with suppress(ConnectionError):
            while time.monotonic() - began < 10:
                line.sendall(chunk)
                sent += len(chunk)
        took = time.monotonic() - began
    assert took < 3, "a second of it to let the sender read its answer"
    assert memory(service) - before <= 8 * MEGABYTE, f"after {sent} bytes"
    assert answer_times(service, kept=1, fresh=1)[-1] < 1


def test_512_senders_in_the_middle_of_the_longest_frame_cost_no_more_than_their_room(
    service: RunningService,
):
    most, before = b"\x0bMSH|^~\\&|" + b"x" * (MEGABYTE - 20), memory(service)
    with ExitStack() as held:
        for number in range(512):
            line = held.enter_context(connected(service, f"127.0.1.{number // 120 + 1}"))
            with suppress(ConnectionError):
                line.sendall(most)
        until(lambda: counted(service, "frame_crowded") == 512 - MOST // (MEGABYTE - OWN))
        answer_times(service, kept=5, fresh=1)
        assert memory(service) - before <= 2 * MOST
    until(lambda: counted(service, "frame_half") == MOST // (MEGABYTE - OWN))
    with connected(service, REGULAR) as line:
        line.sendall(framed(b"MSH|^~\\&|" + b"x" * (MEGABYTE - 20)))
        assert line.recv(1) == b"\x0b", "the room is free again"


def memory(service: RunningService) -> int:
    """The most that the process has ever held, in bytes."""
    return 1024 * int(re.findall(r"VmHWM:\s+(\d+) kB", proc(service, "status"))[0])


def processor_time(service: RunningService) -> float:
    """Seconds of all its threads so far."""
    user, system = proc(service, "stat").rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / 100


def proc(service: RunningService, name: str) -> str:
    assert service.process is not None
    return Path(f"/proc/{service.process.pid}/{name}").read_text()


def test_hostile_messages_are_refused_or_parked_at_once_and_the_line_goes_on(
    database_url: str, tmp_path: Path
):
    service = RunningService(tmp_path, database_url)
    try:
        service.start()
        send_one(service.mllp_port, [Adt(visit="FIRST", control_id="FIRST").raw()])
        service.settle()
        before = processor_time(service)
        for message, _ in HOSTILE:
            with connected(service, "127.0.1.1") as line:
                line.sendall(framed(message.encode()))
                assert line.recv(65_536)[:1] == b"\x0b", "answered"
        service.settle()
        took = processor_time(service) - before
        assert answer_times(service, kept=1, fresh=0)[-1] < 1
        service.settle()
    finally:
        service.end()
    assert took / len(HOSTILE) < 0.1, "reading, deciding and storing up to a megabyte each"
    with connect(database_url, writing=False) as database, database.read() as tx:
        states = {row.state for row in journal.find(tx, journal.Search())}
        last = next(r for r in journal.find(tx, journal.Search()) if r.control_id == "K0")
    assert states == {"settled", "parked", "refused"}
    assert last.state == "settled"


def test_who_never_reads_an_answer_is_let_go_in_time(tmp_path: Path):
    wordy = an_admission("DEAF" * 49, application="TRAK^" + "x" * 222, facility="y" * 227)
    with connect(f"sqlite:///{tmp_path}/door.db") as database:
        with database.write() as tx:
            journal.metadata.create_all(tx)
        with standing_door(database, Limits(frame_for=2.0)) as door, door.connect() as deaf:
            sent: list[int] = []
            sending = threading.Thread(target=_send_until_closed, args=(deaf, framed(wordy), sent))
            sending.start()
            sending.join(60)
            assert not sending.is_alive()
            assert door.counts.wait_for("frame_half")
            until(lambda: door.listener.connections() == 0)
            assert msa(door.ask(an_admission("OTHER"))) == ("AA", "OTHER")
            assert [row.control_id[:8] for row in door.rows()] == ["DEAFDEAF", "OTHER"]
            assert sum(sent) > MEGABYTE, "it was the answers that nobody took"


def _send_until_closed(deaf: Client, frame: bytes, sent: list[int]) -> None:
    deaf.socket.settimeout(30)
    with suppress(ConnectionError):
        while True:
            deaf.send(frame)
            sent.append(len(frame))
