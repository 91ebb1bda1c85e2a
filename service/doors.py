"""The ways in of one process: what they share, what starts first and what stops first."""

from dataclasses import dataclass, field, replace

from ingest.committer import Committer
from ingest.folder import Watching
from ingest.header import Fault, FeedRule, Header
from ingest.listener import Listener, serve
from ingest.mllp import Limits
from ingest.peers import Bindings
from ingest.receive import Door
from ingest.topic import Consuming, TopicSource
from mapping.hl7.events import unusable
from service.database import Rank
from service.errors import ServiceError
from service.pipeline import Line
from service.settings import Settings
from service.site import entrances_of, rules_of
from service.tls import own_certificate, server_tls
from service.workers import Bell

DRAIN_FOR = 5.0
"""Seconds a frame in hand may take after SIGTERM."""


@dataclass(slots=True)
class Doors:
    """The doors of one process; nothing is open before ``open``."""

    settings: Settings
    line: Line
    work_bell: Bell
    door: Door = field(init=False)
    _committer: Committer = field(init=False)
    _listeners: list[Listener] = field(default_factory=list)
    _topic: Consuming | None = None
    _folder: Watching | None = None

    def __post_init__(self) -> None:
        """One committer, so that whatever comes in at once shares commits."""
        database = self.line.database
        self._committer = Committer(lambda: database.write(Rank.ACK), database.mark.move)
        self.door = Door(
            rules=rules_of(self.line.site),
            commit=self._committer.commit,
            now=self.line.now,
            inspect=self._inspect,
            tally=self.line.metrics,
            on_stored=self.work_bell.ring,
        )

    def open(self) -> None:
        """Begin to take messages in."""
        limits = Limits(
            message_bytes=self.settings.max_message_bytes,
            peer_connections=self.settings.mllp_peer_connections,
        )
        tls = server_tls(self.settings)
        bindings = Bindings(self.door.rules, own_certificate(self.settings))
        for entrance in entrances_of(self.line.site, self.settings.mllp_address):
            door = replace(self.door, rules=entrance.rules)
            try:
                listener = serve(entrance.address, door, limits, tls, bindings)
            except OSError as err:
                host, port = entrance.address
                raise ServiceError(
                    f"{host}:{port} cannot be opened for MLLP: {err.strerror}."
                ) from err
            self._listeners.append(listener)
        for listener in self._listeners:
            listener.start()
        if self.settings.kafka_brokers:
            limit = self.settings.max_message_bytes
            self._topic = Consuming(topic_source(self.settings), self.door, limit)
            self._topic.start()
        if self.settings.drop_folder is not None:
            limit = self.settings.max_message_bytes
            self._folder = Watching(self.settings.drop_folder, self.door, limit)
            self._folder.start()

    def close(self) -> None:
        """Take nothing more, finish what is in hand."""
        if self._topic:
            self._topic.stop(DRAIN_FOR)
        if self._folder:
            self._folder.stop(DRAIN_FOR)
        for listener in self._listeners:
            listener.stop(DRAIN_FOR)
        self._committer.close()

    @property
    def mllp_port(self) -> int | None:
        """The bound port of the general MLLP address, None before it is open."""
        return self._listeners[0].port if self._listeners else None

    def faults(self) -> tuple[str, ...]:
        """Ways in that do not take anything now, in words."""
        topic = self._topic.fault() if self._topic else None
        folder = self._folder.fault() if self._folder else None
        told = (("Kafka in", topic), ("drop folder", folder))
        return tuple(f"{name}: {fault}" for name, fault in told if fault)

    def _inspect(self, block: bytes, _header: Header, rule: FeedRule) -> Fault | None:
        """Why a message of a feed that refuses unusable content is unusable."""
        found = unusable(block, self.line.dialects[rule.name])
        return Fault(found.code, found.text, found.location) if found else None


def topic_source(settings: Settings) -> TopicSource:
    """The topic that messages come in by."""
    return TopicSource(
        brokers=settings.kafka_brokers,
        topic=settings.kafka_in_topic,
        security=settings.kafka_security,
        ca=settings.kafka_ca,
        user=settings.kafka_user,
        password=settings.kafka_password,
    )
