"""What a transaction decided is written together, and before anybody asks for it."""

import pytest

from alerts.delivery import Route
from alerts.store import alerts, outbox
from alerts.store.write_buffer import WriteBuffer
from service.database import Database
from tests.support.outbox_rows import told
from tests.support.records import NOW, WARD, a_notice, a_task


@pytest.mark.parametrize(
    ("asked", "found"), [((), 0), (("stay-2",), 0), (("stay-1",), 2), (("stay-2", "stay-1"), 2)]
)
def test_what_a_stay_was_told_is_written_before_it_is_asked_for(
    database: Database, asked: tuple[str, ...], found: int
):
    with database.write() as tx:
        writes = WriteBuffer(tx, NOW)
        _tell(writes)
        writes.flush_of(asked)
        assert len(alerts.raised_for(tx, ("stay-1",))["stay-1"]) == len(outbox.find(tx)) == found


def test_it_is_written_once_and_in_order(database: Database):
    with database.write() as tx:
        writes = WriteBuffer(tx, NOW)
        _tell(writes)
        writes.flush()
        writes.flush()
        for alert in (a_task(urgent=True), a_notice()):
            writes.record(alert, told(2))
            writes.put(_posting(alert.id, 2))
        writes.flush()
        listed = [(parcel.alert, parcel.version, parcel.state) for parcel in outbox.find(tx)]
        assert listed == [
            ("notice-1", 1, "withdrawn"),
            ("task-1", 1, "withdrawn"),
            ("task-1", 2, "waiting"),
            ("notice-1", 2, "waiting"),
        ]
        assert alerts.get(tx, "task-1") == a_task(urgent=True)
        assert [version.version for version in alerts.versions(tx, "task-1")] == [1, 2]


def _tell(writes: WriteBuffer) -> None:
    for alert in (a_notice(), a_task()):
        writes.record(alert, told())
        writes.put(_posting(alert.id, 1))


def _posting(alert: str, version: int) -> outbox.Posting:
    return outbox.Posting(alert, "stay-1", "Task", version, WARD, Route("fhir", "fhir:lanarkshire"))
