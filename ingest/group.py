"""Whether a consumer still belongs to its group: kafka-python may fall out of it in silence."""

import threading
from collections.abc import Collection

from kafka import KafkaConsumer
from kafka.consumer.subscription_state import ConsumerRebalanceListener
from kafka.errors import KafkaError
from kafka.structs import TopicPartition

JOINS_WITHIN = 15.0
"""Seconds from the start, or from a revocation, to the next assignment."""
SILENT_FOR = 20.0
"""Seconds without a record after which we look whether there are any."""


class Membership(ConsumerRebalanceListener):  # type: ignore[misc]
    """Watches one consumer; its callbacks come on the consumer's own thread and only record."""

    def __init__(self, consumer: KafkaConsumer, topic: str, now: float) -> None:
        """``now`` and all times here: seconds of one monotonic clock."""
        self._consumer = consumer
        self._topic = topic
        self._lock = threading.Lock()
        self._is_member = False
        self._was_revoked = False
        self._since = now
        self._brought_at = now

    @property
    def is_member(self) -> bool:
        """Partitions were assigned, perhaps none, and not revoked since."""
        return self._is_member

    def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """The group is being put together anew."""
        with self._lock:
            self._is_member = False
            self._was_revoked = True

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """We belong to it."""
        with self._lock:
            self._is_member = True

    def brought(self, records: int, now: float) -> None:
        """What a poll brought."""
        with self._lock:
            if self._was_revoked and not self._is_member:
                self._since = now  # waiting begins when we first see it
            self._was_revoked = False
            if self._is_member:
                self._since = now
            if records:
                self._brought_at = now

    def lost(self, now: float, is_held: bool) -> str:
        """Why a new consumer is needed, in words; ``is_held``: we read nothing on purpose."""
        if not self._is_member and now - self._since > JOINS_WITHIN:
            return f"no part of the topic {self._topic} was given to us"
        if is_held:
            self._brought_at = now
        if now - self._brought_at > SILENT_FOR:
            self._brought_at = now
            if self._is_behind():
                return f"the topic {self._topic} has records and brings none"
        return ""

    def _is_behind(self) -> bool:
        """Records are waiting in a partition that is ours."""
        try:
            mine = self._consumer.assignment()
            ends = self._consumer.end_offsets(list(mine)) if mine else {}
            return any(self._consumer.position(each) < end for each, end in ends.items())
        except (KafkaError, RuntimeError, ValueError):
            return False  # the brokers are away: polling says so
