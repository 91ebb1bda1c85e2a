"""One thread answers every connection: no one peer, fault or wait becomes another's."""

import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
import trustme

from ingest import journal
from ingest.committer import CannotStore
from ingest.header import Fault, FeedRule, Header
from ingest.journal import Block, Stored
from ingest.listener import serve
from ingest.mllp import CHUNK, Limits
from ingest.receive import Door
from service.database import Database, connect
from tests.support.door import (
    NOON,
    PAS,
    Client,
    Standing,
    an_admission,
    framed,
    msa,
    standing_door,
)
from tests.support.taking import until

MEGABYTE = 2**20
_FAILS = """CREATE TRIGGER fails BEFORE INSERT ON journal WHEN new.control_id = 'P1'
BEGIN SELECT RAISE(ABORT, 'not now'); END"""
LATE = 0.6
"""Seconds, longer than a frame may take here."""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with connect(f"sqlite:///{tmp_path}/door.db") as opened:
        with opened.write() as tx:
            journal.metadata.create_all(tx)
        yield opened


@pytest.fixture
def door(database: Database) -> Iterator[Standing]:
    with standing_door(database, rules=(PAS,)) as standing:
        yield standing


@contextmanager
def another(door: Standing, rules: Door, longest: int = MEGABYTE) -> Iterator[Standing]:
    """The same journal behind a port with rules of its own."""
    limits = Limits(frame_for=LATE / 2, message_bytes=longest)
    listener = serve(("127.0.0.1", 0), rules, limits)
    listener.start()
    try:
        yield replace(door, listener=listener)
    finally:
        listener.stop(1.0)


def test_what_one_message_meets_does_not_meet_those_that_came_with_it(door: Standing) -> None:
    def buggy(block: bytes, _header: Header, _rule: FeedRule) -> Fault | None:
        if b"BAD" in block:
            raise KeyError("a bug")
        return None

    clock, rules = _Clock(), (replace(PAS, refuse_unusable=True),)
    strict = replace(door.door, rules=rules, inspect=buggy, now=clock)
    with another(door, strict) as standing, ExitStack() as stack:
        clients = {name: stack.enter_context(standing.connect()) for name in ("1", "BAD", "2")}
        with clock.held(standing):
            for name, client in clients.items():
                client.send(framed(an_admission(name)))
        assert clients["BAD"].is_closed()
        for name in ("1", "2"):
            assert msa(clients[name].answer()) == ("AA", name)
            assert msa(clients[name].ask(an_admission(f"{name} again"))) == ("AA", f"{name} again")
    assert [row.control_id for row in door.rows()] == ["FIRST", "1", "2", "1 again", "2 again"]
    assert door.counts.counted["not_stored"] == 1


def test_a_fault_of_ours_ends_the_connection_that_met_it_and_no_other(door: Standing) -> None:
    def buggy() -> datetime:
        if threading.current_thread().name == "mllp" and clock.has_bug:
            clock.has_bug = False
            raise KeyError("a bug")
        return clock()

    clock = _Clock()
    rules = replace(door.door, now=buggy)
    with another(door, rules, 1_000) as port, port.connect() as long, port.connect() as other:
        with clock.held(port):
            other.send(framed(an_admission("OTHER")))
            long.send(b"\x0bMSH|^~\\&|TRAK|x|||1||ADT^A01|LONG|P|2.4\r" + b"x" * 2_000)
            clock.has_bug = True
        assert long.is_closed()
        assert msa(other.answer()) == ("AA", "OTHER")
        assert msa(other.ask(an_admission("NEXT"))) == ("AA", "NEXT")


def test_a_peer_that_sends_much_at_once_fills_no_memory(door: Standing) -> None:
    frames = b"".join(framed(an_admission(f"M{n}")) for n in range(5_000))
    slow = replace(door.door, commit=_Slow(door.door, 0.005))
    with another(door, slow) as port, port.connect() as eager:
        sending = threading.Thread(target=eager.send, args=(frames,))
        sending.start()
        most = 0
        for number in range(5_000):
            assert msa(eager.answer()) == ("AA", f"M{number}")
            held = [len(each._cutter._buffer) for each in list(port.listener._loop.open)]
            most = max(most, *held, 0)
        sending.join(5)
    assert most <= 2 * CHUNK


def test_nothing_is_stored_of_a_connection_after_what_could_not_be(door: Standing) -> None:
    """Else the sender, who begins again at the first, would put it after the others."""
    failing = _Slow(door.door, 0.0)
    clock = _Clock()
    rules = replace(door.door, commit=failing, now=clock)
    with another(door, rules) as port, ExitStack() as stack:
        peers = [stack.enter_context(port.connect()) for _ in range(9)]
        with clock.held(port):
            for number, peer in enumerate(peers):
                peer.send(b"".join(framed(an_admission(f"P{number}-{n}")) for n in range(63)))
            failing.fails_at = 3
        for peer in peers:
            heard = _all_answers(peer)
            assert len(heard) in (0, 63)
    kept = {row.control_id for row in door.rows()} - {"FIRST"}
    for number in range(9):
        mine = [name for name in kept if name.startswith(f"P{number}-")]
        assert len(mine) in (0, 63)
    assert len(kept) < 9 * 63, "some of it was refused"


def test_what_comes_after_a_block_that_failed_waits_for_it(door: Standing) -> None:
    four = b"".join(framed(an_admission(f"P{n}")) for n in range(4))
    clock = _Clock()
    with another(door, replace(door.door, now=clock)) as port, ExitStack() as stack:
        eager, other = (stack.enter_context(port.connect()) for _ in range(2))
        with clock.held(port):
            eager.send(four)
            other.send(framed(an_admission("OTHER")))
            with door.database.write() as tx:
                tx.exec_driver_sql(_FAILS)
        assert [msa(answer) for answer in _all_answers(eager)] == [("AA", "P0")]
        assert msa(other.answer()) == ("AA", "OTHER")
        with door.database.write() as tx:
            tx.exec_driver_sql("DROP TRIGGER fails")
        again = stack.enter_context(port.connect())
        again.send(four)
        assert [msa(again.answer()) for _ in range(4)] == [("AA", f"P{n}") for n in range(4)]
    mine = [row.control_id for row in door.rows() if row.control_id.startswith("P")]
    assert mine == ["P0", "P1", "P2", "P3"]


def test_what_is_too_long_is_answered_after_what_came_before_it(door: Standing) -> None:
    clock = _Clock()
    rules = replace(door.door, now=clock)
    with another(door, rules) as port, port.connect() as client:
        with clock.held(port):
            before = b"".join(framed(an_admission(f"A{n}")) for n in range(100))
            long = b"\x0bMSH|^~\\&|TRAK|x|||1||ADT^A01|LONG|P|2.4\r" + b"x" * 2 * MEGABYTE
            sending = threading.Thread(target=_send, args=(client, before + long + before))
            sending.start()
        expected = [("AA", f"A{n}") for n in range(100)] + [("AR", "LONG")]
        assert [msa(client.answer()) for _ in range(101)] == expected
        assert client.is_closed()
        sending.join(5)


def test_deadlines_hold_while_every_commit_takes_its_time(door: Standing) -> None:
    slow = replace(door.door, commit=_Slow(door.door, 0.12))
    with another(door, slow) as port, port.connect() as busy, port.connect() as silent:
        silent.send(framed(an_admission())[:50])
        began = time.monotonic()
        while time.monotonic() < began + 4 * LATE and not door.counts.counted["frame_late"]:
            busy.ask(an_admission(f"{time.monotonic()}"))
        assert door.counts.counted["frame_late"] == 1
        assert silent.is_closed()


def test_who_never_finishes_a_handshake_holds_up_no_stop(door: Standing) -> None:
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("localhost").configure_cert(server)
    listener = serve(("127.0.0.1", 0), door.door, Limits(), server)
    listener.start()
    with replace(door, listener=listener).connect():
        until(lambda: listener.connections() == 1)
        began = time.monotonic()
        assert listener.stop(5.0) == 0
        assert time.monotonic() - began < 2


def test_while_we_wait_for_the_disk_nobody_is_late(door: Standing) -> None:
    slow = replace(door.door, commit=_Slow(door.door, LATE))
    frame = framed(an_admission("PATIENT"))
    with another(door, slow) as standing, standing.connect() as one, standing.connect() as other:
        other.send(frame[:50])
        time.sleep(0.05)
        one.send(framed(an_admission("FIRST")))
        time.sleep(LATE / 4)
        other.send(frame[50:-2])
        assert msa(one.answer()) == ("AA", "FIRST")
        other.send(frame[-2:])
        assert msa(other.answer()) == ("AA", "PATIENT")
    assert not door.counts.counted["frame_late"]


def test_a_stop_does_not_wait_for_a_database_that_hangs(door: Standing) -> None:
    hanging = _Slow(door.door, 5.0)
    with another(door, replace(door.door, commit=hanging)) as standing:
        with standing.connect() as client:
            client.send(framed(an_admission()))
            assert hanging.is_asked.wait(5)
            began = time.monotonic()
            assert standing.listener.stop(drain_for=0.2) == 1
            assert time.monotonic() - began < 2
            assert client.is_closed()
        hanging.is_over.set()


def test_who_sends_on_and_on_is_answered_in_turn_with_others(door: Standing) -> None:
    many = b"".join(framed(an_admission(f"M{n}")) for n in range(300))
    clock = _Clock()
    rules = replace(door.door, now=clock)
    with another(door, rules) as port, port.connect() as busy, port.connect() as other:
        with clock.held(port):
            busy.send(many)
            other.send(framed(an_admission("OTHER")))
        assert msa(other.answer()) == ("AA", "OTHER")
        assert [msa(busy.answer())[1] for _ in range(300)] == [f"M{n}" for n in range(300)]
    ids = [row.control_id for row in door.rows()]
    assert ids.index("OTHER") < 150


class _Slow:
    """Stores after so many seconds, or once it is over."""

    def __init__(self, door: Door, seconds: float) -> None:
        self._commit, self._seconds = door.commit, seconds
        self.is_asked, self.is_over = threading.Event(), threading.Event()
        self.fails_at = 0
        """The so manieth call from now on stores nothing."""

    def __call__(self, blocks: Sequence[Block]) -> list[Stored]:
        self.is_asked.set()
        self.is_over.wait(self._seconds)
        self.fails_at -= 1
        if self.fails_at == 0:
            raise CannotStore
        return self._commit(blocks)


def _send(client: Client, data: bytes) -> None:
    with suppress(OSError):  # closed on us
        client.send(data)


def _all_answers(client: Client) -> list[bytes]:
    heard = []
    with suppress(AssertionError, OSError):
        while len(heard) < 63:
            heard.append(client.answer())
    return heard


class _Clock:
    """A door's clock; while it is held, whoever reads it waits, and with it the port."""

    def __init__(self) -> None:
        self.has_bug = False
        self._is_asked, self._goes_on = threading.Event(), threading.Event()
        self._goes_on.set()

    def __call__(self) -> datetime:
        self._is_asked.set()
        self._goes_on.wait(5)
        return NOON

    @contextmanager
    def held(self, standing: Standing) -> Iterator[None]:
        """What is sent meanwhile comes together."""
        with standing.connect() as first:
            self._goes_on.clear()
            self._is_asked.clear()
            first.send(framed(an_admission("FIRST")))
            assert self._is_asked.wait(5)
            yield
            self._goes_on.set()
            assert msa(first.answer()) == ("AA", "FIRST")
