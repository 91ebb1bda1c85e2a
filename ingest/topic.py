"""A Kafka topic of ER7 messages: a place in the topic is committed after the journal has it.

The errors of this module: TopicMissing, TopicUnreachable.
"""

import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TypeAlias

import structlog
from kafka import KafkaConsumer
from kafka.consumer.fetcher import ConsumerRecord
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata, TopicPartition

from ingest.committer import CannotStore
from ingest.failpoints import passing
from ingest.group import Membership
from ingest.mllp import FrameTooLong
from ingest.receive import Door, Incoming, Origin, receive_all, receive_too_long
from ingest.steady import keep_on

log = structlog.get_logger()

GROUP = "thinkcarer"
POLL = 1.0
"""Seconds; a shorter poll may abandon the joining of the group without a word."""
AGAIN_AFTER = 2.0
_MOST = 500
_HEAD = 4_096
_SECURITY = {"": "PLAINTEXT", "ssl": "SSL", "sasl_ssl": "SASL_SSL"}
_FAILURES = (KafkaError, OSError, ValueError, RuntimeError)
"""A wrong address is a ValueError; a consumer that is closed under our hands a RuntimeError."""
_Polled: TypeAlias = Mapping[TopicPartition, Sequence[ConsumerRecord]]


class TopicMissing(Exception):
    """The topic is not there, or may not be read."""


class TopicUnreachable(Exception):
    """The brokers do not answer, or do not let us in."""


@dataclass(frozen=True, slots=True)
class TopicSource:
    """Which topic, and how we show who we are; ``security`` is "", ssl or sasl_ssl."""

    brokers: tuple[str, ...]
    topic: str
    security: str = ""
    ca: Path | None = None
    user: str = ""
    password: str = field(default="", repr=False)


class Consuming:
    """Takes a topic in with one thread that does not end before it is stopped."""

    def __init__(self, source: TopicSource, door: Door, message_bytes: int) -> None:
        """Nothing is read before start."""
        self._source = source
        self._door = door
        self._message_bytes = message_bytes
        self._stopping = threading.Event()
        self._fault: str | None = "the topic has not been reached yet"
        self._thread = threading.Thread(target=self._run, name="topic", daemon=True)
        self.reader: Reader | None = None

    def start(self) -> None:
        """Begin to read, from the earliest record that the group has not committed."""
        self._thread.start()

    def stop(self, wait_for: float = 5.0) -> None:
        """Finish the records in hand and leave the group."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(wait_for)

    def fault(self) -> str | None:
        """Why nothing is taken in now, in words; None while all is well."""
        return self._fault

    def _run(self) -> None:
        keep_on(self._read, self._ended, self._stopping)

    def _read(self) -> float:
        with Reader(self._source, self._message_bytes) as reader:
            self.reader = reader
            self._take_in(reader)
        return AGAIN_AFTER

    def _ended(self, failure: Exception) -> float:
        match failure:
            case TopicMissing():
                self._failed(f"the topic {self._source.topic} is not there", failure)
            case KafkaError() | OSError() | ValueError() | RuntimeError():
                self._failed("the brokers do not answer, or have let us go", failure)
            case _:
                self._failed("a fault in the service ended the reading", failure)
        return AGAIN_AFTER

    def _take_in(self, reader: "Reader") -> None:
        """Until told to stop, or until the group is lost."""
        while not self._stopping.is_set():
            records = reader.poll()
            why = reader.membership.lost(time.monotonic(), reader.is_held)
            if why:
                self._failed(why, None)
                return
            if self._fault and not reader.is_held and reader.membership.is_member:
                self._fault = None
                log.info("topic_reading", source=self._source.topic)
            if records:
                self._store(reader, records)

    def _store(self, reader: "Reader", records: _Polled) -> None:
        """The journal first, then our place in the topic; a repeat in between has no effect."""
        passing("records-polled")
        try:
            self._journal(records)
        except CannotStore as failure:
            self._failed("the journal cannot store what the topic brings", failure)
            reader.hold(records)
        else:
            passing("records-journaled")
            reader.commit(records)
            passing("offsets-committed")

    def _journal(self, records: _Polled) -> None:
        whole = []
        for record in (each for those in records.values() for each in those):
            block = record.value or b""
            place = f"{record.topic}/{record.partition}/{record.offset}"
            line = record.topic, record.partition
            origin = Origin("", way="kafka", place=place, is_answered=False, line=line)
            if len(block) > self._message_bytes:
                receive_too_long(_too_long(block, self._message_bytes), origin, self._door)
            else:
                whole.append(Incoming(block, origin))
        if whole:
            receive_all(whole, self._door)

    def _failed(self, why: str, failure: Exception | None) -> None:
        self._door.tally.count("topic_failed")
        if self._fault != why:
            error = type(failure).__name__ if failure else ""
            log.warning("topic_failed", source=self._source.topic, reason=why, error=error)
        self._fault = why


class Reader:
    """One consumer of the group, from joining to leaving."""

    def __init__(self, source: TopicSource, message_bytes: int) -> None:
        self._source = source
        self._held_until: float | None = None
        self._consumer = KafkaConsumer(
            **_connection(source),
            group_id=GROUP,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            partition_assignment_strategy=[RangePartitionAssignor],
            session_timeout_ms=10_000,
            heartbeat_interval_ms=3_000,
            max_poll_records=_MOST,
            max_partition_fetch_bytes=max(message_bytes, 1_048_576),
            allow_auto_create_topics=False,
        )
        self.membership = Membership(self._consumer, source.topic, time.monotonic())

    def __enter__(self) -> "Reader":
        if self._source.topic not in self._consumer.topics():
            self._consumer.close(autocommit=False)
            raise TopicMissing(TopicMissing.__doc__)
        self._consumer.subscribe([self._source.topic], listener=self.membership)
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._consumer.close(autocommit=False, timeout_ms=2_000)
        except _FAILURES as failure:
            log.warning("topic_left", source=self._source.topic, error=type(failure).__name__)

    def forget_partitions(self) -> None:
        """Lose what was assigned, as the library itself may do without a word."""
        self._consumer.pause(*self._consumer.assignment())

    @property
    def is_held(self) -> bool:
        """Nothing is read for a while."""
        return self._held_until is not None

    def poll(self) -> _Polled:
        """The next records; none while reading is held, and the group is kept all the same."""
        if self._held_until is not None and time.monotonic() >= self._held_until:
            self._held_until = None
            self._consumer.resume(*self._consumer.paused())
        found: _Polled = self._consumer.poll(timeout_ms=int(POLL * 1_000))
        self.membership.brought(sum(map(len, found.values())), time.monotonic())
        return found

    def commit(self, records: _Polled) -> None:
        """Everything up to these is in the journal."""
        self._consumer.commit(
            {
                partition: OffsetAndMetadata(those[-1].offset + 1, "", -1)
                for partition, those in records.items()
                if those
            }
        )

    def hold(self, records: _Polled) -> None:
        """Go back to the first of these and read nothing for a while."""
        ours = self._consumer.assignment()
        for partition, those in records.items():
            if partition in ours and those:
                self._consumer.seek(partition, those[0].offset)
        self._consumer.pause(*ours)
        self._held_until = time.monotonic() + AGAIN_AFTER


def topics_missing(source: TopicSource, names: Sequence[str]) -> tuple[str, ...]:
    """Which of these topics the brokers do not have; raises TopicUnreachable."""
    try:
        consumer = KafkaConsumer(**_connection(source))
        try:
            known = consumer.topics()
        finally:
            consumer.close(autocommit=False)
    except _FAILURES as failure:
        raise TopicUnreachable(
            f"The brokers {', '.join(source.brokers)} do not answer or do not let us in "
            f"({type(failure).__name__})."
        ) from failure
    return tuple(name for name in names if name not in known)


def _connection(source: TopicSource) -> dict[str, object]:
    settings: dict[str, object] = {
        "bootstrap_servers": list(source.brokers),
        "client_id": GROUP,
        "security_protocol": _SECURITY[source.security],
        "reconnect_backoff_max_ms": 1_000,
        "request_timeout_ms": 15_000,
        "bootstrap_timeout_ms": 5_000,
    }
    if source.security:
        cafile = str(source.ca) if source.ca else None
        settings["ssl_context"] = ssl.create_default_context(cafile=cafile)
    if source.security == "sasl_ssl":
        settings |= {
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": source.user,
            "sasl_plain_password": source.password,
        }
    return settings


def _too_long(block: bytes, limit: int) -> FrameTooLong:
    """The digest is of the bytes up to the first over the limit, as for a frame."""
    return FrameTooLong(block[:_HEAD], sha256(block[: limit + 1]).hexdigest(), len(block))
