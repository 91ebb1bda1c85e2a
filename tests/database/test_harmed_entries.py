"""An entry that changed on the disk since it came in is for a person; the others go on."""

from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from ingest.receive import Origin, receive
from service.batches import CHANGED
from service.database import Database, connect
from tests.support.adt import Adt
from tests.support.databases import sqlite_copy
from tests.support.line import TestLine

VISITS = ("V1", "V2", "V3")
FLIPS = 1_000
WHOLE = 50


@pytest.fixture
def line(database: Database) -> TestLine:
    made = TestLine(database)
    for visit in VISITS:
        made.take_in(Adt(visit=visit, control_id=visit))
    return made


def test_a_bit_that_flips_in_a_waiting_entry_parks_it_and_no_other(line: TestLine):
    raw = Adt(visit="V2", control_id="V2").raw()
    for place in (0, len(raw) // 2, len(raw) - 2, len(raw) - 1):
        _keep(line, _flipped(raw, 8 * place))
        line.work()
        assert [e.state for e in line.entries()] == ["settled", "parked", "settled"], place
        assert line.entries()[1].reason == CHANGED


def test_each_of_a_thousand_flips_is_seen_and_what_is_whole_goes_on(database: Database):
    line, names = TestLine(database), [f"F{number:04}" for number in range(FLIPS + WHOLE)]
    raws = [Adt(visit=name, control_id=name).raw() for name in names]
    for raw in raws:
        receive(raw, Origin("test"), line.door)
    bits = 8 * len(raws[0])
    for number in range(FLIPS):
        raws[number] = _flipped(raws[number], number * bits // FLIPS)
    statement = text("update journal set raw = :raw where control_id = :name")
    with database.write() as tx:
        changed = [{"raw": raws[number], "name": names[number]} for number in range(FLIPS)]
        tx.execute(statement, changed)
    line.work()
    ends = {entry.control_id: (entry.state, entry.reason) for entry in line.entries()}
    assert {name for name in names if ends[name] == ("parked", CHANGED)} == set(names[:FLIPS])
    assert [ends[name][0] for name in names[FLIPS:]] == ["settled"] * WHOLE


def test_a_bit_that_flips_in_the_file_of_sqlite_parks_that_entry_and_no_other(
    migrated_sqlite: Path, tmp_path: Path
):
    url = sqlite_copy(migrated_sqlite, tmp_path)
    messages = {visit: Adt(visit=visit, control_id=visit) for visit in VISITS}
    with connect(url) as database:
        line = TestLine(database)
        for message in messages.values():
            line.take_in(message)
    file, raw = Path(make_url(url).database or ""), messages["V2"].raw()
    content = file.read_bytes()
    assert content.count(raw) == 1, "the log was brought into the file"
    file.write_bytes(content.replace(raw, _flipped(raw, 4 * len(raw))))
    with connect(url) as database:
        line = TestLine(database)
        line.work()
        assert [e.state for e in line.entries()] == ["settled", "parked", "settled"]
        assert line.entries()[1].reason == CHANGED


def test_an_entry_that_is_whole_again_may_be_requeued(line: TestLine):
    raw = Adt(visit="V2", control_id="V2").raw()
    _keep(line, raw[:-9])
    line.work()
    assert [e.state for e in line.entries()] == ["settled", "parked", "settled"]
    _keep(line, raw)
    line.work()
    assert [e.state for e in line.entries()] == ["settled"] * len(VISITS)


def _flipped(raw: bytes, bit: int) -> bytes:
    harmed = bytearray(raw)
    harmed[bit // 8] ^= 1 << bit % 8
    return bytes(harmed)


def _keep(line: TestLine, raw: bytes) -> None:
    """As if the disk had changed it."""
    statement = text("update journal set raw = :raw, state = 'waiting' where control_id = 'V2'")
    with line.database.write() as tx:
        tx.execute(statement, {"raw": raw})
