"""Notices to a Kafka topic, with real brokers: as they are, in order, none lost, none twice."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from alerts.channels.kafka_producer import Brokers, Waits
from alerts.channels.kafka_topic import KafkaTopic, fault_of
from alerts.delivery import Accepted, Refused, Unavailable
from tests.support.kafka_records import (
    Record,
    a_parcel,
    a_topic,
    alerts_by_stay,
    parcels_of,
    records,
    remove_topic,
)
from tests.support.kafka_server import a_name
from tests.support.running_service import free_port
from tests.support.services import kafka_brokers, secure_kafka

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="session")
def brokers() -> Brokers:
    return Brokers((kafka_brokers(),))


@pytest.fixture
def topic(brokers: Brokers) -> str:
    return a_topic(brokers)


@pytest.fixture
def channel(brokers: Brokers, topic: str) -> Iterator[KafkaTopic]:
    with closing(KafkaTopic(brokers, topic)) as channel:
        yield channel


def test_a_record_is_the_parcel_as_it_is(brokers, topic, channel):
    parcel = a_parcel(stay="stay-é", payload='{"resourceType":"Communication","text":"Ó"}')
    receipt = channel.send(parcel)
    (record,) = records(brokers, topic)
    assert isinstance(receipt, Accepted)
    assert receipt.answer.startswith(f"{topic}/")
    assert record == Record(
        "stay-é",
        '{"resourceType":"Communication","text":"Ó"}'.encode(),
        {
            "kind": b"Communication",
            "schema": b"1",
            "content-type": b"application/fhir+json; fhirVersion=4.0",
            "obligation-id": parcel.alert.encode(),
            "version": b"1",
        },
    )


def test_one_stays_notices_keep_their_order_over_all_partitions(brokers, topic, channel):
    parcels = parcels_of(7, 70)
    assert all(isinstance(channel.send(parcel), Accepted) for parcel in parcels)
    assert alerts_by_stay(records(brokers, topic)) == alerts_by_stay(parcels)


def test_several_threads_send_one_at_a_time(brokers, topic, channel):
    parcels = parcels_of(40, 40)
    with ThreadPoolExecutor(8) as threads:
        receipts = list(threads.map(channel.send, parcels))
    assert {type(each) for each in receipts} == {Accepted}
    assert alerts_by_stay(records(brokers, topic)) == alerts_by_stay(parcels)


def test_tls_and_a_user_that_the_brokers_know(brokers, topic):
    with closing(KafkaTopic(secure_brokers(), topic)) as channel:
        assert isinstance(channel.send(a_parcel()), Accepted)
    assert len(records(brokers, topic)) == 1


WRONG = [
    # what is wrong with it, and what is said
    ({"password": "guess"}, "the brokers do not take our user and password, or are silent"),
    ({"ca": None}, "a broker's certificate is not good for its name"),
    ({"ca": Path("/nowhere/ca.pem")}, "the file of the brokers' CA is not there"),
]


@pytest.mark.parametrize(("changes", "why"), WRONG)
def test_who_is_not_let_in_has_sent_nothing(brokers, topic, changes, why):
    stranger = replace(secure_brokers(), **changes)
    with closing(KafkaTopic(stranger, topic, Waits(reach=1))) as channel:
        assert channel.send(a_parcel()) == Unavailable(why)
    assert not records(brokers, topic)
    assert "guess" not in repr(stranger)


def test_tls_to_a_plain_listener_is_no_connection(brokers, topic):
    with closing(KafkaTopic(replace(brokers, security="ssl"), topic)) as channel:
        assert channel.send(a_parcel()) == Unavailable("no TLS with the brokers")


def test_a_missing_topic_is_named_at_once_and_found_once_it_is_there(brokers):
    topic = a_name()
    with closing(KafkaTopic(brokers, topic)) as channel:
        started = time.monotonic()
        assert channel.send(a_parcel()) == Unavailable(f"the topic {topic} does not exist")
        assert fault_of(brokers, topic) == f"the topic {topic} does not exist"
        assert time.monotonic() - started < 3
        a_topic(brokers, topic)
        assert isinstance(channel.send(a_parcel()), Accepted)
        assert fault_of(brokers, topic) == ""


def test_no_broker_there_is_said_at_once(topic):
    away = Brokers(tuple(f"127.0.0.1:{free_port()}" for _ in range(3)))
    with closing(KafkaTopic(away, topic)) as channel:
        started = time.monotonic()
        assert channel.send(a_parcel()) == Unavailable("no broker can be reached")
        assert time.monotonic() - started < 1


def test_one_broker_of_several_is_enough_to_begin_with(brokers, topic):
    some = Brokers((f"127.0.0.1:{free_port()}", *brokers.addresses))
    with closing(KafkaTopic(some, topic)) as channel:
        assert isinstance(channel.send(a_parcel()), Accepted)


@pytest.mark.parametrize("limit", [1000, 3_000_000])
def test_a_record_too_large_is_refused_and_the_next_goes_on(brokers, limit):
    topic = a_topic(brokers, **{"max.message.bytes": str(limit)})
    with closing(KafkaTopic(brokers, topic)) as channel:
        receipt = channel.send(a_parcel(payload="x" * 2_000_000))
        assert receipt == Refused(
            f"the topic {topic} takes no such record: MessageSizeTooLargeError"
        )
        receipt = channel.send(a_parcel(payload="x" * 2000))
        assert isinstance(receipt, Refused if limit == 1000 else Accepted)
        assert isinstance(channel.send(a_parcel()), Accepted)


def test_a_topic_made_anew_is_written_to_again(brokers, topic, channel):
    assert isinstance(channel.send(a_parcel()), Accepted)
    remove_topic(brokers, topic)
    started = time.monotonic()
    assert channel.send(a_parcel()) == Unavailable(
        f"the topic {topic} does not exist", is_in_doubt=True
    )
    assert time.monotonic() - started < 15
    a_topic(brokers, topic)
    parcel = a_parcel()
    until = time.monotonic() + 30
    while not isinstance(channel.send(parcel), Accepted):
        assert time.monotonic() < until
    assert [each.alert for each in records(brokers, topic)] == [parcel.alert]


def test_after_closing_nothing_is_sent(brokers, topic, channel):
    channel.send(a_parcel())
    channel.close()
    channel.close()
    assert channel.send(a_parcel()) == Unavailable("we are closing down")
    assert len(records(brokers, topic)) == 1


def secure_brokers() -> Brokers:
    address, ca, user, password = secure_kafka()
    return Brokers((address,), "sasl_ssl", ca, user, password)
