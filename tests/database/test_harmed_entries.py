"""An entry that changed on the disk since it came in is for a person; the others go on."""

import pytest
from sqlalchemy import text

from service.batches import CHANGED
from service.database import Database
from tests.support.adt import Adt
from tests.support.line import TestLine

VISITS = ("V1", "V2", "V3")


@pytest.fixture
def line(database: Database) -> TestLine:
    made = TestLine(database)
    for visit in VISITS:
        made.take_in(Adt(visit=visit, control_id=visit))
    return made


def test_a_bit_that_flips_in_a_waiting_entry_parks_it_and_no_other(line: TestLine):
    raw = Adt(visit="V2", control_id="V2").raw()
    for place in (0, len(raw) // 2, len(raw) - 2, len(raw) - 1):
        harmed = bytearray(raw)
        harmed[place] ^= 1
        _keep(line, bytes(harmed))
        line.work()
        assert [e.state for e in line.entries()] == ["settled", "parked", "settled"], place
        assert line.entries()[1].reason == CHANGED


def test_an_entry_that_is_whole_again_may_be_requeued(line: TestLine):
    raw = Adt(visit="V2", control_id="V2").raw()
    _keep(line, raw[:-9])
    line.work()
    assert [e.state for e in line.entries()] == ["settled", "parked", "settled"]
    _keep(line, raw)
    line.work()
    assert [e.state for e in line.entries()] == ["settled"] * len(VISITS)


def _keep(line: TestLine, raw: bytes) -> None:
    """As if the disk had changed it."""
    statement = text("update journal set raw = :raw, state = 'waiting' where control_id = 'V2'")
    with line.database.write() as tx:
        tx.execute(statement, {"raw": raw})
