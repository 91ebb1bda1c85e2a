"""The journal and the group commit, on both databases."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, select
from sqlalchemy.exc import OperationalError

from ingest import journal
from ingest.committer import CannotStore, Committer
from ingest.journal import Block, Search
from ingest.requeue import requeue
from service.database import Database, Rank
from tests.support.door import an_admission, msa, standing_door

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def a_block(control_id: str = "MSG1", digest: str = "d1", lane: int = 7) -> Block:
    return Block(
        received_at=NOON,
        source="mllp:pas",
        peer="10.0.0.1",
        feed="pas",
        sender="TRAK|L302H",
        control_id=control_id,
        trigger="A01",
        lane=lane,
        digest=digest,
        size=4,
        state="waiting",
        reason="",
        answer=b"MSA|AA|" + control_id.encode() + digest.encode(),
        raw=b"MSH|",
    )


def written(database: Database, *blocks: Block) -> list[journal.Stored]:
    with database.write() as tx:
        return journal.append(tx, blocks)


def listed(database: Database, search: Search | None = None) -> list[journal.EntryRow]:
    with database.read() as tx:
        return journal.find(tx, search or Search())


@pytest.mark.parametrize("many", [1, 2])
def test_every_value_of_a_block_goes_into_its_own_column(database: Database, many: int) -> None:
    blocks = [a_block(f"MSG{n}")._replace(reason="r", head="h", lane=n) for n in range(many)]
    written(database, *blocks)
    with database.read() as tx:
        rows = tx.execute(select(journal.journal).order_by(journal.journal.c.id)).mappings().all()
    kept = [row.get(name) for row in rows for name in Block._fields if name != "received_at"]
    told = [value for block in blocks for value in (*block[1:-1], None)]  # no line is kept
    assert kept == told


def test_an_entry_comes_back_as_it_went_in(database: Database) -> None:
    (stored,) = written(database, a_block())
    with database.read() as tx:
        entry = journal.get(tx, stored.id)
    assert entry is not None
    assert (entry.raw, entry.answer, entry.received_at) == (b"MSH|", stored.answer, NOON)
    assert (entry.state, entry.reason, entry.flags, entry.repeats) == ("waiting", "", "", 0)
    with database.read() as tx:
        assert journal.get(tx, stored.id + 1) is None


def test_a_repeat_is_answered_from_the_first_row(database: Database) -> None:
    (first,) = written(database, a_block())
    again = a_block()._replace(answer=b"another answer")
    (second,) = written(database, again)
    assert (second.id, second.answer, second.is_repeat) == (first.id, first.answer, True)
    assert [row.repeats for row in listed(database)] == [1]


def test_repeats_within_one_group_are_found(database: Database) -> None:
    other = a_block("MSG2", "d2")
    stored = written(database, a_block(), other, a_block(), other, a_block())
    assert [entry.is_repeat for entry in stored] == [False, False, True, True, True]
    assert [row.repeats for row in listed(database)] == [2, 1]


def test_ids_follow_the_order_of_arrival(database: Database) -> None:
    written(database, *(a_block(f"{n}", f"d{n}") for n in range(40)))
    written(database, *(a_block(f"{n}", f"d{n}") for n in range(35, 80)))
    assert [row.control_id for row in listed(database)] == [f"{n}" for n in range(80)]


def test_a_control_id_used_again_is_flagged_but_not_if_it_is_empty(database: Database) -> None:
    written(database, a_block("A", "d1"), a_block("", "d2"))
    written(database, a_block("A", "d3"), a_block("", "d4"), a_block("B", "d5"))
    written(database, a_block("C", "d6"), a_block("C", "d7"))
    flags = {row.digest for row in listed(database) if row.flags == "control-id-reused"}
    assert flags == {"d3", "d7"}


def test_an_entry_ends_settled_ignored_or_parked(database: Database) -> None:
    ids = [entry.id for entry in written(database, *(a_block(f"{n}", f"d{n}") for n in range(4)))]
    later = NOON + timedelta(seconds=1)
    with database.write() as tx:
        ends = (
            journal.End(ids[0], "settled", "admitted", '{"alerts": []}'),
            journal.End(ids[1], "ignored", "not for us"),
            journal.End(ids[2], "parked", "no PV1"),
        )
        journal.finish(tx, ends, later)
        assert journal.backlog(tx) == {"parked": 1, "waiting": 1}
        assert journal.counts(tx) == {"settled": 1, "ignored": 1, "parked": 1, "waiting": 1}
        assert [entry.id for entry in journal.claim(tx, 9)] == ids[3:]
    ends = [(row.state, row.reason, row.outcome, row.settled_at) for row in listed(database)]
    assert ends == [
        ("settled", "admitted", '{"alerts": []}', later),
        ("ignored", "not for us", "", later),
        ("parked", "no PV1", "", later),
        ("waiting", "", "", None),
    ]


def test_only_parked_entries_with_a_feed_are_requeued(database: Database) -> None:
    no_feed = a_block("2", "d2")._replace(feed="", source="mllp:-", state="parked")
    too_long = a_block("3", "d3")._replace(raw=None, head="MSH|", state="parked")
    parked = a_block("1", "d1")._replace(state="parked", reason="no PV1")
    ids = [entry.id for entry in written(database, parked, no_feed, too_long, a_block("4", "d4"))]
    with database.write() as tx:
        assert requeue(tx, [*ids, 999], lambda _raw: None) == {
            ids[0]: "still no feed of the site file names its sender",
            ids[1]: "still no feed of the site file names its sender",
            ids[2]: "only its header was kept, not the message: send it anew",
            ids[3]: "it is waiting, not parked",
            999: "there is no such entry",
        }
        assert set(requeue(tx, ids, lambda _raw: "pas")) == {ids[2], ids[3]}
    rows = listed(database)
    assert [row.state for row in rows] == ["waiting", "waiting", "parked", "waiting"]
    assert (rows[1].feed, rows[1].source) == ("pas", "mllp:pas")


def test_entries_are_found_by_state_time_and_control_id(database: Database) -> None:
    late = a_block("LATE", "d2")._replace(received_at=NOON + timedelta(hours=1), state="parked")
    written(database, a_block(), late)
    for search in (
        Search(state="parked"),
        Search(since=NOON + timedelta(minutes=1)),
        Search(control_id="LATE"),
        Search(after=listed(database)[0].id),
    ):
        assert [row.control_id for row in listed(database, search)] == ["LATE"]
    assert [row.control_id for row in listed(database, Search(limit=1))] == ["MSG1"]


def test_many_senders_at_once_each_get_their_own_answer(database: Database) -> None:
    committer = Committer(lambda: database.write(Rank.ACK))
    answers: dict[str, bytes] = {}

    def send_some(sender: int) -> None:
        for number in range(20):
            name = f"{sender}-{number}"
            answers[name] = committer.commit([a_block(name, f"d{name}")])[0].answer

    _all_at_once(send_some, 8)
    assert answers == {name: f"MSA|AA|{name}d{name}".encode() for name in answers}
    assert len(listed(database)) == len(answers) == 160
    assert committer.close()


def test_one_bad_block_does_not_fail_its_neighbours(database: Database) -> None:
    gate, opened = threading.Event(), threading.Event()

    @contextmanager
    def held() -> Iterator[Connection]:
        opened.set()
        gate.wait(5)
        with database.write(Rank.ACK) as tx:
            yield tx

    committer = Committer(held)
    refused: list[str] = []

    def send_one(number: int) -> None:
        block = a_block(f"{number}", f"d{number}")
        if number == 5:
            block = block._replace(received_at="never")  # type: ignore[arg-type]
        try:
            committer.commit([block])
        except CannotStore:
            refused.append(block.control_id)

    first = threading.Thread(target=send_one, args=(0,))
    first.start()
    assert opened.wait(5)
    others = [threading.Thread(target=send_one, args=(number,)) for number in range(1, 10)]
    for thread in others:
        thread.start()
    gate.set()
    for thread in (first, *others):
        thread.join(10)
    assert refused == ["5"]
    assert {row.control_id for row in listed(database)} == {f"{n}" for n in range(10)} - {"5"}


def test_a_commit_of_unknown_outcome_gives_no_answer_and_the_repeat_finds_the_row(
    database: Database,
) -> None:
    is_cut = [True]

    @contextmanager
    def cut_in_commit() -> Iterator[Connection]:
        with database.write(Rank.ACK) as tx:
            yield tx
        if is_cut.pop():
            is_cut.append(False)
            raise OperationalError("COMMIT", None, ConnectionError())

    committer = Committer(cut_in_commit)
    with pytest.raises(CannotStore):
        committer.commit([a_block()])
    assert committer.commit([a_block()])[0].is_repeat
    assert len(listed(database)) == 1


def test_a_store_that_is_down_fails_everyone_at_once_and_serves_when_it_is_back(
    database: Database,
) -> None:
    is_down = [True]

    @contextmanager
    def flaky() -> Iterator[Connection]:
        if is_down:
            raise RuntimeError("anything")
        with database.write(Rank.ACK) as tx:
            yield tx

    committer = Committer(flaky)
    failed: list[int] = []

    def send_one(number: int) -> None:
        with pytest.raises(CannotStore):
            committer.commit([a_block(f"{number}", f"d{number}")])
        failed.append(number)

    _all_at_once(send_one, 6)
    assert len(failed) == 6
    is_down.clear()
    assert not committer.commit([a_block()])[0].is_repeat


def test_a_closed_committer_takes_nothing(database: Database) -> None:
    committer = Committer(lambda: database.write(Rank.ACK))
    assert committer.close()
    with pytest.raises(CannotStore):
        committer.commit([a_block()])


def test_two_listeners_that_race_write_one_row_and_answer_alike(database: Database) -> None:
    with standing_door(database) as one, standing_door(database) as two:
        answers: list[bytes] = []

        def ask(number: int) -> None:
            door = (one, two)[number % 2]
            with door.connect() as client:
                answers.extend(client.ask(an_admission(f"{n}")) for n in range(10))

        _all_at_once(ask, 6)
        rows = one.rows()
    assert len(answers) == 60
    assert len(set(answers)) == 10
    assert sorted({msa(answer)[1] for answer in answers}) == [f"{n}" for n in range(10)]
    assert [row.repeats for row in rows] == [5] * 10


def _all_at_once(act: Callable[[int], None], threads: int) -> None:
    failures: list[BaseException] = []

    def run(number: int) -> None:
        try:
            act(number)
        except BaseException as failure:  # noqa: BLE001 - told to the test's own thread
            failures.append(failure)

    started = [threading.Thread(target=run, args=(number,)) for number in range(threads)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join(20)
    assert not failures, failures
