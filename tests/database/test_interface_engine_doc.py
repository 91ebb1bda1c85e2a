"""The table of answers in docs/interface-engine.md, row by row, against the door itself."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from ingest import journal
from ingest.committer import CannotStore, Committer
from ingest.header import MAX_SEGMENTS
from ingest.mllp import FrameTooLong
from ingest.receive import Door, Origin, Reply, receive, receive_too_long
from service.database import Database, Rank, connect
from tests.support.databases import sqlite_copy
from tests.support.door import NOON, PAS, STRICT, Counts, an_admission, msa, wants_identifier
from tests.support.tree import ROOT

ENGINE = Origin("192.0.2.7")
STRANGER = replace(ENGINE, feeds=frozenset({"another"}))


@dataclass(frozen=True, slots=True)
class Told:
    """One row of the table."""

    what: str
    answer: str
    enhanced: str
    row: str


def table() -> list[str]:
    text = (ROOT / "docs/interface-engine.md").read_text().split("## What our answers mean\n")[1]
    return [line for line in text.split("\n## ")[0].splitlines() if line.startswith("| ")]


def told() -> list[Told]:
    lines = table()
    cells = [[cell.strip(" `") for cell in line.strip("|").split(" | ")] for line in lines]
    return [Told(*row[:4]) for row in cells if row[0] != "what arrived"]


Send = Callable[[Door, str], Reply | None]


def plain(block: Callable[[str], bytes], origin: Origin = ENGINE) -> Send:
    return lambda door, accept: receive(block(accept), origin, door)


def again(first: Callable[[str], bytes], second: Callable[[str], bytes]) -> Send:
    def send(door: Door, accept: str) -> Reply | None:
        receive(first(accept), ENGINE, door)
        return receive(second(accept), ENGINE, door)

    return send


def an_admission_for(**fields: str) -> Callable[[str], bytes]:
    return lambda accept: an_admission(**(fields | {"accept": accept}))


def too_long(door: Door, accept: str) -> Reply | None:
    return receive_too_long(FrameTooLong(an_admission(accept=accept), "d" * 64, 9), ENGINE, door)


def crowded(accept: str) -> bytes:
    return an_admission(accept=accept) + b"NTE|1\r" * MAX_SEGMENTS


def unusable(application: str) -> Callable[[str], bytes]:
    return lambda accept: an_admission(application=application, accept=accept).replace(
        b"9990000018^^^NHS^NHS", b""
    )


def unstored(door: Door, accept: str) -> Reply | None:
    def fail(_: object) -> list[journal.Stored]:
        raise CannotStore

    with pytest.raises(CannotStore):
        receive(an_admission(accept=accept), ENGINE, replace(door, commit=fail))
    return None


def without(old: bytes, new: bytes = b"") -> Callable[[str], bytes]:
    return lambda accept: an_admission(accept=accept).replace(old, new, 1)


ARRIVES: dict[str, Send] = {
    "a message": plain(an_admission_for()),
    "the same bytes once more": again(an_admission_for(), an_admission_for()),
    "the same MSH-10 with other bytes": again(an_admission_for(), an_admission_for(name="OTHER")),
    "a trigger that is not used": plain(an_admission_for(kind="ADT^A31")),
    "a sender that no feed names": plain(an_admission_for(application="OLDPAS")),
    "two messages in one frame": plain(lambda accept: an_admission(accept=accept) * 2),
    "content that cannot be used": plain(unusable("TRAK")),
    "content that cannot be used, and the feed refuses it": plain(unusable("STRICT")),
    "another processing id": plain(an_admission_for(processing="T")),
    "MSH-2 that cannot be, such as `^~": plain(without(b"|^~\\&|", b"|^~|")),
    "no MSH-9": plain(an_admission_for(kind="")),
    "no MSH-10": plain(without(b"|MSG1|", b"||")),
    "no MSH at all": plain(lambda _: b"PID|1||9990000018\r"),
    "a feed that this certificate or token may not speak for": plain(an_admission_for(), STRANGER),
    "too many segments or separators": plain(crowded),
    "too many bytes": too_long,
    "anything while we cannot store": unstored,
}


@pytest.fixture
def database(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Database]:
    with connect(sqlite_copy(migrated_sqlite, tmp_path)) as opened:
        yield opened


@pytest.fixture
def door(database: Database) -> Iterator[Door]:
    committer = Committer(lambda: database.write(Rank.ACK))
    yield Door(
        (PAS, STRICT), committer.commit, lambda: NOON, wants_identifier, Counts(), lambda: None
    )
    assert committer.close()


def test_every_case_of_the_table_is_tried():
    assert [each.what for each in told()] == list(ARRIVES)


@pytest.mark.parametrize("case", told(), ids=lambda case: case.what)
@pytest.mark.parametrize("accept", ["", "AL"])
def test_the_answer_is_the_one_that_is_told(
    door: Door, database: Database, case: Told, accept: str
):
    reply = ARRIVES[case.what](door, accept)
    wanted = case.enhanced if accept else case.answer
    assert (msa(reply.answer)[0] if reply else "none") == wanted
    with database.read() as tx:
        rows = journal.find(tx, journal.Search())
        states = [row.state for row in rows]
    if case.row == "none":
        assert len(states) == (1 if reply else 0)
        assert reply is None or reply.is_repeat
    else:
        assert states[-1] == case.row


def test_what_is_closed_after_the_answer_is_what_the_table_says(door: Door):
    closed = re.compile(r"^\| (.+?) \|.*the connection is closed after")
    closing = {found[1] for line in table() if (found := closed.match(line))}
    last = {what for what, send in ARRIVES.items() if (reply := send(door, "")) and reply.is_last}
    assert last == closing
