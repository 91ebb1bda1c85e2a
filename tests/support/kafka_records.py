"""Parcels for a Kafka topic, topics for them, and what a reader of a topic sees."""

import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import count

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import NewTopic

from alerts.channels.kafka_producer import Brokers
from alerts.channels.kafka_topic import fault_of
from alerts.delivery import Parcel
from alerts.model.alert import Recipient, RecipientKind
from tests.support.kafka_server import BRIEF, a_name

_numbers = count(1)


@dataclass(frozen=True)
class Record:
    """What a reader of the topic sees."""

    stay: str
    value: bytes
    headers: dict[str, bytes]

    @property
    def alert(self) -> str:
        return self.headers["obligation-id"].decode()


def a_parcel(stay: str = "stay-1", payload: str = '{"resourceType":"Task"}') -> Parcel:
    """A notice of its own on each call."""
    number = next(_numbers)
    centre = Recipient(RecipientKind.CENTRE, "LANCARERS")
    alert = f"00000000-0000-5000-8000-{number:012}"
    return Parcel(
        number, alert, stay, "Communication", 1, centre, "kafka", "kafka", payload, attempts=1
    )


def parcels_of(stays: int, total: int) -> list[Parcel]:
    """So many of them, of several stays in turn."""
    return [a_parcel(stay=f"stay-{number % stays}") for number in range(total)]


def a_topic(brokers: Brokers, name: str = "", **configs: str) -> str:
    """Four partitions; ready when this returns."""
    name = name or a_name("notices")
    with closing(KafkaAdminClient(bootstrap_servers=list(brokers.addresses), **BRIEF)) as admin:
        admin.create_topics([NewTopic(name, 4, 1, topic_configs=configs)])
    until = time.monotonic() + 20
    while fault_of(brokers, name):
        assert time.monotonic() < until, f"the topic {name} does not appear"
    return name


def remove_topic(brokers: Brokers, name: str) -> None:
    with closing(KafkaAdminClient(bootstrap_servers=list(brokers.addresses), **BRIEF)) as admin:
        admin.delete_topics([name])
    until = time.monotonic() + 20
    while not fault_of(brokers, name):
        assert time.monotonic() < until, f"the topic {name} does not go"


def records(brokers: Brokers, topic: str) -> list[Record]:
    """Everything in it, partition by partition in order."""
    consumer = KafkaConsumer(bootstrap_servers=list(brokers.addresses), **BRIEF)
    with closing(consumer):
        parts = [TopicPartition(topic, part) for part in consumer.partitions_for_topic(topic)]
        consumer.assign(parts)
        consumer.seek_to_beginning(*parts)
        ends = consumer.end_offsets(parts)
        found = []
        until = time.monotonic() + 30
        while any(consumer.position(part) < ends[part] for part in parts):
            assert time.monotonic() < until, "the topic cannot be read to its end"
            for polled in consumer.poll(500).values():
                found += polled
    found.sort(key=lambda each: (each.partition, each.offset))
    return [Record(each.key.decode(), each.value, dict(each.headers)) for each in found]


def alerts_by_stay(found: Sequence[Record | Parcel]) -> dict[str, list[str]]:
    """Which were there, in order."""
    ordered: dict[str, list[str]] = defaultdict(list)
    for each in found:
        ordered[each.stay].append(each.alert)
    return dict(ordered)
