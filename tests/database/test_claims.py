"""What a worker takes from the journal at a time: the oldest first, and only so many bytes."""

from ingest import journal
from service.database import Database
from tests.database.test_journal import NOON, a_block, written


def test_the_oldest_waiting_entries_are_claimed_first(database: Database) -> None:
    written(database, *(a_block(f"{n}", f"d{n}", lane=n % 2) for n in range(6)))
    with database.write() as tx:
        assert [entry.control_id for entry in journal.claim(tx, 3)] == ["0", "1", "2"]
        assert [entry.control_id for entry in journal.claim(tx, 9, {1})] == ["1", "3", "5"]


def test_a_claim_reads_only_so_many_bytes_and_keeps_the_order(database: Database) -> None:
    part = journal.CLAIMED // 4
    sizes = (part, part + 1, 4, part, part, part, part, part, journal.CLAIMED)
    blocks = (
        a_block(f"{n}", f"d{n}")._replace(raw=b"x" * size, size=size)
        for n, size in enumerate(sizes)
    )
    written(database, *blocks)
    claimed = []
    while some := _claimed_and_finished(database, 4):
        assert [len(entry.raw) for entry in some] == [entry.size for entry in some]
        claimed.append([entry.control_id for entry in some])
    assert claimed == [["0"], ["1"], ["2", "3", "4", "5"], ["6", "7"], ["8"]]


def _claimed_and_finished(database: Database, limit: int) -> list[journal.Entry]:
    with database.write() as tx:
        some = journal.claim(tx, limit)
        journal.finish(tx, [journal.End(entry.id, "ignored", "") for entry in some], NOON)
    return some
