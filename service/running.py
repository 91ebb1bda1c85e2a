"""Puts the roles together: what starts first, what stops first."""

import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

import structlog
import uvicorn

from alerts.channels import CHANNELS
from alerts.model.events import Answered, FactRecorded
from alerts.model.site import Site
from alerts.store import outbox, register
from alerts.store import policy as policy_store
from ingest import journal
from ingest.committer import Committer
from ingest.header import Fault, FeedRule, Header
from ingest.listener import Listener, serve
from ingest.mllp import Limits
from ingest.receive import Door
from mapping.hl7.events import unusable
from service import probe
from service.database import Database, Rank
from service.errors import ServiceError
from service.metrics import Metrics
from service.pipeline import Line, decide_match, record_entry
from service.settings import Settings
from service.site import dialects_of, rules_of
from service.web.app import create_app
from service.web.desk import Desk
from service.workers import Bell, deliver, work

log = structlog.get_logger()

ALL_ROLES = frozenset({"listen", "work", "deliver", "web"})
DRAIN_FOR = 5.0
"""Seconds a frame in hand may take after SIGTERM."""


def line_of(database: Database, site: Site, now: Callable[[], datetime]) -> Line:
    """What the steps of the line need."""
    return Line(
        database=database,
        site=site,
        dialects=dialects_of(site),
        now=now,
        metrics=Metrics(lambda: backlog(database)),
        chance=random.random,
    )


def backlog(database: Database) -> Mapping[str, float]:
    """The gauges: what waits for us and what waits for a person."""
    with database.read() as tx:
        entries, parcels = journal.backlog(tx), outbox.backlog(tx)
    return {
        "journal_waiting": entries.get("waiting", 0),
        "journal_parked": entries.get("parked", 0),
        "outbox_waiting": parcels.get("waiting", 0) + parcels.get("sending", 0),
        "outbox_stuck": parcels.get("stuck", 0),
    }


@dataclass(frozen=True, slots=True)
class Acts:
    """What the pages may do: each a step of the line."""

    line: Line
    bell: Bell

    def record_fact(self, actor: str, stay: str, event: FactRecorded) -> None:
        """Keep a fact that the ward recorded."""
        record_entry(self.line, actor, stay, event)
        self.bell.ring()

    def answer(self, actor: str, stay: str, event: Answered) -> None:
        """Keep what somebody answered on a Task or notice."""
        record_entry(self.line, actor, stay, event)
        self.bell.ring()

    def decide_match(self, actor: str, task: str, is_same: bool) -> None:
        """Keep a coordinator's answer."""
        decide_match(self.line, actor, task, is_same)
        self.bell.ring()


@dataclass(slots=True)
class Running:
    """The roles of one process, from start to stop; use it in a ``with`` block."""

    settings: Settings
    database: Database
    line: Line
    roles: frozenset[str] = ALL_ROLES
    one_click: bool = False
    work_bell: Bell = field(default_factory=Bell)
    delivery_bell: Bell = field(default_factory=Bell)
    _threads: list[threading.Thread] = field(default_factory=list)
    _listener: Listener | None = None
    _committer: Committer | None = None
    _web: uvicorn.Server | None = None

    def __enter__(self) -> Self:
        """Start: HTTP first, the MLLP port last."""
        with self.database.write(Rank.WORK) as tx:
            policy_store.remember(tx, dict(self.line.site.policy), self.line.now())
            register.upsert(tx, (probe.REGISTRATION,), self.line.now())
            if self.settings.database_url.startswith("sqlite"):
                outbox.release(tx, self.line.now())  # the lock file says that we are alone
        if "web" in self.roles:
            self._start_web()
        if "work" in self.roles:
            self._thread("work", lambda: work(self.line, self.work_bell, self.delivery_bell.ring))
        if "deliver" in self.roles:
            channels = dict(CHANNELS)
            self._thread("deliver", lambda: deliver(self.line, channels, self.delivery_bell))
        if "listen" in self.roles:
            self._start_listener()
        log.info("service_started", role=",".join(sorted(self.roles)), port=self.mllp_port)
        return self

    def __exit__(self, *_: object) -> None:
        """Drain: no new frames, those in hand finished, then the rest; nothing in hand is lost."""
        if self._listener:
            self._listener.stop(DRAIN_FOR)
        if self._committer:
            self._committer.close()
        for bell in (self.work_bell, self.delivery_bell):
            bell.stop()
        if self._web:
            self._web.should_exit = True
        for thread in self._threads:
            thread.join(timeout=10)
        log.info("service_stopped", role=",".join(sorted(self.roles)))

    @property
    def mllp_port(self) -> int | None:
        """The bound port, None where this process does not listen."""
        return self._listener.port if self._listener else None

    @property
    def http_port(self) -> int | None:
        """The bound port, None where this process serves no pages."""
        if self._web is None:
            return None
        port: int = self._web.servers[0].sockets[0].getsockname()[1]
        return port

    def missing(self) -> tuple[str, ...]:
        """Dependencies that do not answer, in words, for ``/health/ready``."""
        faults = []
        if not self.database.answers():
            faults.append("database")
        for thread in self._threads:
            if not thread.is_alive():
                faults.append(f"role {thread.name}")
        return tuple(faults)

    def _start_listener(self) -> None:
        self._committer = Committer(lambda: self.database.write(Rank.ACK))
        door = Door(
            rules=rules_of(self.line.site),
            commit=self._committer.commit,
            now=self.line.now,
            inspect=self._inspect,
            tally=self.line.metrics,
            on_stored=self.work_bell.ring,
        )
        host, port = self.settings.mllp_address
        limits = Limits(
            message_bytes=self.settings.max_message_bytes,
            peer_connections=self.settings.mllp_peer_connections,
        )
        self._listener = serve((host, port), door, limits, self.settings.tls_context())
        self._listener.start()

    def _inspect(self, block: bytes, _header: Header, rule: FeedRule) -> Fault | None:
        """Why a message of a feed that refuses unusable content is unusable."""
        found = unusable(block, self.line.dialects[rule.name])
        return Fault(found.code, found.text, found.location) if found else None

    def _start_web(self) -> None:
        host, port = self.settings.http_address
        desk = Desk(
            database=self.database,
            site=self.line.site,
            secret_key=self.settings.secret_key,
            pages_open=self.settings.http_is_loopback,
            one_click=self.one_click,
            now=self.line.now,
            acts=Acts(self.line, self.delivery_bell),
            ready=self.missing,
            metrics=self.line.metrics.text,
        )
        config = uvicorn.Config(
            create_app(desk),
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=3,
        )
        self._web = uvicorn.Server(config)
        self._thread("web", self._web.run)
        _until(lambda: self._web is not None and self._web.started, self._threads[-1])

    def _thread(self, name: str, run: Callable[[], None]) -> None:
        thread = threading.Thread(target=run, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)


def _until(is_ready: Callable[[], bool], thread: threading.Thread) -> None:
    """Wait for a server in a thread; a thread that ended could not start."""
    while not is_ready():
        if not thread.is_alive():
            raise ServiceError("The HTTP address cannot be opened; is it in use?")
        time.sleep(0.01)
