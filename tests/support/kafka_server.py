"""A Kafka broker for tests: topics of one's own, records in and out."""

import time
from collections.abc import Sequence
from uuid import uuid4

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic

BRIEF = {"reconnect_backoff_max_ms": 1_000, "bootstrap_timeout_ms": 30_000}


def a_name(kind: str = "adt") -> str:
    """A topic's name that no other test has."""
    return f"{kind}-{uuid4()}"


def create_topic(brokers: str, name: str, partitions: int = 1) -> str:
    admin = KafkaAdminClient(bootstrap_servers=brokers, **BRIEF)
    try:
        admin.create_topics([NewTopic(name, partitions, 1)])
    finally:
        admin.close()
    _until_known(brokers, name)
    return name


def produce(brokers: str, topic: str, records: Sequence[tuple[str, bytes | None]]) -> None:
    """Key and value; those of one key stay in order. All are on disk when this returns."""
    producer = KafkaProducer(
        bootstrap_servers=brokers, acks="all", max_request_size=8_000_000, **BRIEF
    )
    try:
        sent = [producer.send(topic, value, key.encode()) for key, value in records]
        for each in sent:
            each.get(60)
    finally:
        producer.close()


def read_all(brokers: str, topic: str) -> list[tuple[bytes, bytes]]:
    """Every record, each partition's in order."""
    consumer = KafkaConsumer(bootstrap_servers=brokers, **BRIEF)
    try:
        mine = [TopicPartition(topic, n) for n in consumer.partitions_for_topic(topic) or ()]
        ends = consumer.end_offsets(mine)
        consumer.assign(mine)
        consumer.seek_to_beginning(*mine)
        found: list[tuple[bytes, bytes]] = []
        until = time.monotonic() + 30
        while any(consumer.position(each) < end for each, end in ends.items()):
            assert time.monotonic() < until, "the topic cannot be read to its end"
            for records in consumer.poll(timeout_ms=1_000).values():
                found += [(record.key, record.value) for record in records]
        return found
    finally:
        consumer.close(autocommit=False)


def committed(brokers: str, topic: str, group: str) -> int:
    """How many records of the topic the group has done with."""
    consumer = KafkaConsumer(bootstrap_servers=brokers, group_id=group, **BRIEF)
    try:
        parts = consumer.partitions_for_topic(topic) or ()
        return sum(consumer.committed(TopicPartition(topic, n)) or 0 for n in parts)
    finally:
        consumer.close(autocommit=False)


def _until_known(brokers: str, name: str) -> None:
    until = time.monotonic() + 20
    while True:
        consumer = KafkaConsumer(bootstrap_servers=brokers, **BRIEF)
        try:
            if consumer.partitions_for_topic(name):
                return
        finally:
            consumer.close(autocommit=False)
        assert time.monotonic() < until, f"the topic {name} does not appear"
        time.sleep(0.2)
