"""One thread answers every connection: no one peer, fault or wait becomes another's."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from ingest import journal
from ingest.header import Fault, FeedRule, Header
from ingest.journal import Block, Stored
from ingest.listener import serve
from ingest.mllp import Limits
from ingest.receive import Door
from service.database import Database, connect
from tests.support.door import NOON, PAS, Standing, an_admission, framed, msa, standing_door

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
def another(door: Standing, rules: Door) -> Iterator[Standing]:
    """The same journal behind a port with rules of its own."""
    listener = serve(("127.0.0.1", 0), rules, Limits(frame_for=LATE / 2))
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

    def __call__(self, blocks: Sequence[Block]) -> list[Stored]:
        self.is_asked.set()
        self.is_over.wait(self._seconds)
        return self._commit(blocks)


class _Clock:
    """A door's clock; while it is held, whoever reads it waits, and with it the port."""

    def __init__(self) -> None:
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
