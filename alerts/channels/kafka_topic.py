"""A topic for centres that read Kafka: one Task or Communication a record, in a stay's order."""

import ssl
import threading
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from kafka import KafkaProducer
from kafka.errors import (
    AuthorizationError,
    InvalidRecordError,
    KafkaConnectionError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    SaslAuthenticationFailedError,
    UnknownTopicOrPartitionError,
)
from kafka.producer.future import FutureRecordMetadata, RecordMetadata

from alerts.channels.kafka_producer import (
    ENDING,
    FAILURES,
    Brokers,
    Waits,
    end,
    is_known,
    reached,
)
from alerts.delivery import Accepted, Parcel, Receipt, Refused, Unavailable

SCHEMA = b"1"
"""What a record holds and its headers say; a change that breaks readers counts it up."""
_CONTENT = b"application/fhir+json; fhirVersion=4.0"
_GONE_FOR = 5
"""Seconds: a broker that has just started may not know its topics yet."""
_NEVER = (MessageSizeTooLargeError, RecordListTooLargeError, InvalidRecordError)
_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (UnknownTopicOrPartitionError, "the topic {topic} does not exist"),
    (AuthorizationError, "we may not write to the topic {topic}"),
    (SaslAuthenticationFailedError, "the brokers do not take our user and password, or are silent"),
    (KafkaTimeoutError, "the brokers do not answer in time"),
    (KafkaConnectionError, "the connection to the brokers was lost"),
    (FileNotFoundError, "the file of the brokers' CA is not there"),
    (ssl.SSLCertVerificationError, "a broker's certificate is not good for its name"),
    (ssl.SSLError, "no TLS with the brokers"),
    (OSError, "no broker can be reached"),
)


class KafkaTopic:
    """Sends one record at a time and waits until every replica in sync has it.

    While a broker restarts the producer repeats by itself, and the broker drops what it has
    already. A record that is not acknowledged in all that time, or before this process dies, is
    sent again by another producer, and may then stand there twice: with the same obligation-id
    and version.
    """

    def __init__(self, brokers: Brokers, topic: str, waits: Waits | None = None) -> None:
        self._brokers, self._topic = brokers, topic
        self._waits = waits or Waits()
        self._one_at_a_time = threading.Lock()
        self._producer: KafkaProducer | None = None
        self._closed = False
        self._is_under_way = False

    @property
    def patience(self) -> timedelta:
        """To dial, to come in, to learn of the topic and of its leader; then the record itself."""
        waits = self._waits
        return timedelta(seconds=4 * waits.reach + waits.acknowledge + 3 * ENDING)

    def send(self, parcel: Parcel) -> Receipt:
        """Taken once it is acknowledged, so that one stay's notices stay in order."""
        with self._one_at_a_time:
            if self._closed:
                return Unavailable("we are closing down")
            self._is_under_way = False
            try:
                return Accepted(self._acknowledged(parcel))
            except FAILURES as failure:
                # No producer outlives a failure: after some it takes nothing any more.
                self._let_go()
                answer = _answer(failure, self._topic)
                if self._is_under_way and isinstance(answer, Unavailable):
                    return replace(answer, is_in_doubt=True)
                return answer

    def fault(self) -> str:
        """Are the brokers and the topic there, and are we let in."""
        return fault_of(self._brokers, self._topic)

    def close(self) -> None:
        """A record that waits for its acknowledgement is given up within seconds."""
        self._closed = True
        self._let_go()

    def _acknowledged(self, parcel: Parcel) -> str:
        producer = self._producer
        if producer is None:
            producer = self._producer = reached(self._brokers, self._topic, self._waits)
        sent = producer.send(
            self._topic, parcel.payload.encode(), parcel.stay.encode(), _headers(parcel)
        )
        self._is_under_way = True
        if self._closed:
            self._let_go()
        taken = self._awaited(producer, sent)
        return f"{taken.topic}/{taken.partition}/{taken.offset}"

    def _awaited(self, producer: KafkaProducer, sent: FutureRecordMetadata) -> RecordMetadata:
        """Where the topic was removed, a producer asks for it hundreds of times a second."""
        gone_for = 0
        for _ in range(int(self._waits.acknowledge + ENDING)):
            with suppress(KafkaTimeoutError):
                return sent.get(1)
            if sent.is_done:
                break
            gone_for = 0 if is_known(producer, self._topic) else gone_for + 1
            if gone_for == _GONE_FOR:
                raise UnknownTopicOrPartitionError
        return sent.get(0)

    def _let_go(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            end(producer)


def fault_of(brokers: Brokers, topic: str) -> str:
    """Why nothing could be sent there now, in words for a person; empty if it could."""
    try:
        end(reached(brokers, topic, Waits()))
    except FAILURES as failure:
        return _answer(failure, topic).why
    return ""


def _headers(parcel: Parcel) -> list[tuple[str, bytes]]:
    return [
        ("kind", parcel.kind.encode()),
        ("schema", SCHEMA),
        ("content-type", _CONTENT),
        ("obligation-id", parcel.alert.encode()),
        ("version", str(parcel.version).encode()),
    ]


def _answer(failure: Exception, topic: str) -> Refused | Unavailable:
    """What it means; the words of a failure itself may quote what was sent."""
    name = type(failure).__name__
    if isinstance(failure, _NEVER):
        return Refused(f"the topic {topic} takes no such record: {name}")
    for kind, words in _WORDS:
        if isinstance(failure, kind):
            return Unavailable(words.format(topic=topic))
    return Unavailable(f"the brokers did not acknowledge: {name}")
