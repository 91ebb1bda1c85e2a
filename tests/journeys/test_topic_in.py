"""Messages from a Kafka topic, with real brokers: none lost, none twice, none committed early."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from ingest.receive import Origin, receive
from ingest.topic import GROUP, Consuming, TopicSource, TopicUnreachable, topics_missing
from service.database import connect
from tests.support.databases import sqlite_copy
from tests.support.door import an_admission
from tests.support.kafka_server import a_name, committed, create_topic, produce
from tests.support.restarting import OwnServers
from tests.support.services import kafka_brokers, secure_kafka
from tests.support.taking import Taking, until

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.timeout(240),
    pytest.mark.xdist_group("topic-in"),  # they share the group of readers,
]
LIMIT = 200_000
_numbers = count(1)


@pytest.fixture
def taking(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Taking]:
    with connect(sqlite_copy(migrated_sqlite, tmp_path)) as database:
        yield Taking(database)


@pytest.fixture
def source() -> TopicSource:
    brokers = kafka_brokers()
    return TopicSource((brokers,), create_topic(brokers, a_name(), partitions=2))


def test_each_record_becomes_an_entry_that_names_its_place(taking: Taking, source: TopicSource):
    _send(source, [("a", an_admission(control_id="M1")), ("a", an_admission(control_id="M2"))])
    with _consuming(taking, source):
        one, two = taking.wait_for(2)
        until(lambda: _done(source) == 2)
    assert (one.control_id, two.control_id) == ("M1", "M2")
    assert one.source.startswith(f"kafka:{source.topic}/")
    assert (one.state, two.source) == ("waiting", one.source.removesuffix("0") + "1")


def test_the_same_message_by_another_way_has_one_effect(taking: Taking, source: TopicSource):
    message = an_admission(control_id="BOTH")
    receive(message, Origin("10.0.0.1"), taking.door)
    _send(source, [("a", message), ("b", message), ("a", an_admission(control_id="NEXT"))])
    with _consuming(taking, source):
        rows = taking.wait_for(2)
        until(lambda: _done(source) == 3)
    assert [(row.control_id, row.repeats) for row in rows if row.control_id == "BOTH"] == [
        ("BOTH", 2)
    ]


def test_poison_and_oversize_are_parked_with_their_place_and_the_rest_moves_on(
    taking: Taking, source: TopicSource
):
    big = an_admission(control_id="BIG") + b"ZZZ|" + b"x" * LIMIT
    huge = b"\x00" * (3 * 1_048_576 // 4)
    poison: list[bytes | None] = [None, b"", b"\xff\xfe junk", b"MSH", huge, big]
    _send(source, [("a", an_admission(control_id="FIRST"))])
    with _consuming(taking, source):
        taking.wait_for(1)  # it belongs to the group
        _send(source, [("a", each) for each in [*poison, an_admission(control_id="LAST")]])
        started = time.monotonic()
        until(lambda: any(row.control_id == "LAST" for row in taking.rows()), 30)
        until(lambda: _done(source) == len(poison) + 2)
        assert time.monotonic() - started < 5
    parked = [row for row in taking.rows() if row.state == "parked"]
    # No value and an empty one are the same bytes: one entry, and a repeat of it.
    assert len(parked) == len(poison) - 1
    assert all(row.source.startswith(f"kafka:{source.topic}/") for row in parked)
    assert sum(row.repeats for row in parked) == 1


def test_nothing_is_committed_before_the_journal_has_it(taking: Taking, source: TopicSource):
    taking.is_down = True
    _send(source, [("a", an_admission(control_id=f"M{n}")) for n in range(50)])
    with _consuming(taking, source) as consuming:
        until(lambda: "journal cannot store" in (consuming.fault() or ""), 40)
        time.sleep(3)
        assert (_done(source), taking.rows()) == (0, [])
        taking.is_down = False
        rows = taking.wait_for(50)
        until(lambda: _done(source) == 50)
        assert consuming.fault() is None
    assert [row.control_id for row in rows] == [f"M{n}" for n in range(50)]
    assert sum(row.repeats for row in rows) == 0


def test_a_second_reader_shares_and_leaves_and_nothing_is_lost_or_doubled(
    taking: Taking, source: TopicSource
):
    total = iter(range(10_000))

    def some(n: int) -> None:
        _send(source, [(f"k{i}", an_admission(control_id=f"M{next(total)}")) for i in range(n)])

    with _consuming(taking, source):
        some(200)
        with _consuming(taking, source):
            some(200)
            time.sleep(5)
            some(200)
        some(200)
        rows = taking.wait_for(800, 90)
        until(lambda: _done(source) == 800, 60)
    assert len({row.control_id for row in rows}) == len(rows) == 800


def test_each_partition_keeps_its_order(taking: Taking, source: TopicSource):
    _send(
        source,
        [(f"k{n % 5}", an_admission(control_id=f"{n % 5}-{n:03d}")) for n in range(150)],
    )
    with _consuming(taking, source):
        rows = taking.wait_for(150)
    for key in range(5):
        mine = [row.control_id for row in rows if row.control_id.startswith(f"{key}-")]
        assert mine == sorted(mine)


def test_a_topic_that_is_not_there_is_said_and_read_once_it_is(taking: Taking):
    source = TopicSource((kafka_brokers(),), a_name())
    assert topics_missing(source, [source.topic]) == (source.topic,)
    with _consuming(taking, source) as consuming:
        until(lambda: "is not there" in (consuming.fault() or ""), 40)
        create_topic(source.brokers[0], source.topic)
        _send(source, [("a", an_admission())])
        taking.wait_for(1, 60)
    assert topics_missing(source, [source.topic]) == ()


def test_brokers_that_do_not_answer_stop_nothing(taking: Taking):
    source = TopicSource(("127.0.0.1:1",), "adt.hl7v2")
    with _consuming(taking, source) as consuming:
        until(lambda: "do not answer" in (consuming.fault() or ""), 30)
        started = time.monotonic()
    assert time.monotonic() - started < 8
    with pytest.raises(TopicUnreachable, match="do not answer"):
        topics_missing(source, ["adt.hl7v2"])


def test_tls_and_a_user_that_the_brokers_know(taking: Taking, source: TopicSource):
    address, ca, user, password = secure_kafka()
    secure = replace(
        source, brokers=(address,), security="sasl_ssl", ca=ca, user=user, password=password
    )
    _send(source, [("a", an_admission())])
    with _consuming(taking, secure):
        taking.wait_for(1)
    with pytest.raises(TopicUnreachable):
        topics_missing(replace(secure, password="guess"), [source.topic])  # noqa: S106
    assert password not in repr(secure)


def test_brokers_that_are_killed_and_come_back_cost_nothing(taking: Taking, tmp_path: Path):
    servers = OwnServers(tmp_path)
    try:
        servers.start("kafka")
        brokers = servers.addresses["KAFKA_BROKERS"]
        source = TopicSource((brokers,), create_topic(brokers, a_name(), partitions=2))
        with _consuming(taking, source):
            _send(source, [(f"k{n}", an_admission(control_id=f"A{n}")) for n in range(100)])
            taking.wait_for(50)
            servers.kill("kafka")
            time.sleep(2)
            servers.start_again("kafka")
            _send(source, [(f"k{n}", an_admission(control_id=f"B{n}")) for n in range(100)])
            rows = taking.wait_for(200, 90)
            until(lambda: _done(source) == 200, 60)
    finally:
        servers.stop()
    assert len({row.control_id for row in rows}) == len(rows) == 200


def test_a_reader_that_fell_out_of_its_group_in_silence_is_replaced(
    taking: Taking, source: TopicSource
):
    with _consuming(taking, source) as consuming:
        _send(source, [("a", an_admission(control_id="M1"))])
        taking.wait_for(1)
        # As seen in the library: its partitions are taken away and never given back.
        reader = consuming.reader
        assert reader is not None
        reader.membership.on_partitions_revoked(())
        reader.forget_partitions()
        _send(source, [("a", an_admission(control_id="M2"))])
        rows = taking.wait_for(2, 60)
        assert consuming.reader is not reader
        assert taking.counts.counted["topic_failed"] >= 1
    assert [row.control_id for row in rows] == ["M1", "M2"]


@contextmanager
def _consuming(taking: Taking, source: TopicSource) -> Iterator[Consuming]:
    consuming = Consuming(source, taking.door, LIMIT)
    consuming.start()
    try:
        yield consuming
    finally:
        consuming.stop(10)


def _send(source: TopicSource, records: Sequence[tuple[str, bytes | None]]) -> None:
    produce(source.brokers[0], source.topic, records)


def _done(source: TopicSource) -> int:
    return committed(source.brokers[0], source.topic, GROUP)
