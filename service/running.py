"""Puts the roles together: what starts first, what stops first."""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Self

import structlog
import uvicorn

from alerts.delivery import routes_of
from alerts.model.events import Answered, FactRecorded
from alerts.model.site import Site
from alerts.store import claims, imports, outbox, register, requests
from alerts.store import policy as policy_store
from alerts.store.visit_questions import Answer
from ingest.failpoints import passing
from ingest.feed_activity import FeedActivity
from service import probe
from service.beside.protocol import socket_path
from service.beside.server import CommandServer
from service.database import Database, Rank
from service.dispatch import Outlet
from service.doors import Doors
from service.engines import sqlite_path
from service.errors import ServiceError
from service.gauges import Gauges
from service.lanes import Lanes
from service.match_answers import decide_match, take_back
from service.metrics import Metrics
from service.outlets import outlets_of
from service.pipeline import Line, record_entry
from service.settings import PREFIX, Settings
from service.site import dialects_of
from service.tls import certificates_of
from service.visit_answers import answer_visit
from service.web.app import create_app
from service.web.desk import Desk
from service.workers import Bell, deliver, work

log = structlog.get_logger()

ALL_ROLES = frozenset({"listen", "work", "deliver", "web"})


def line_of(
    database: Database, site: Site, now: Callable[[], datetime], settings: Settings
) -> Line:
    """What the steps of the line need."""
    return Line(
        database=database,
        site=site,
        dialects=dialects_of(site),
        now=now,
        metrics=Metrics(gauges_of(database, site, now, settings)),
        chance=random.random,
        has_hospital_server=bool(settings.fhir_url),
    )


def gauges_of(
    database: Database, site: Site, now: Callable[[], datetime], settings: Settings
) -> Gauges:
    """What a scrape asks for, of this installation."""
    url = settings.database_url
    return Gauges(
        database=database,
        now=now,
        known=destinations_of(site, settings),
        certificates=certificates_of(settings),
        activity=FeedActivity(tuple(feed.name for feed in site.feeds)),
        disk=sqlite_path(url).resolve().parent if url.startswith("sqlite") else None,
    )


def destinations_of(site: Site, settings: Settings) -> tuple[str, ...]:
    """Every receiver that something decided here may go to."""
    ways = routes_of(site, bool(settings.fhir_url))
    return tuple(sorted({way.destination for way in ways}))


@dataclass(frozen=True, slots=True)
class Acts:
    """What the pages may do: each a step of the line."""

    line: Line
    ring: Callable[[], None]

    def record_fact(self, actor: str, stay: str, event: FactRecorded) -> None:
        """Keep a fact that the ward recorded."""
        record_entry(self.line, actor, stay, event)
        self.ring()

    def answer(self, actor: str, stay: str, event: Answered) -> None:
        """Keep what somebody answered on a Task or notice."""
        record_entry(self.line, actor, stay, event)
        self.ring()

    def decide_match(self, actor: str, task: str, is_same: bool) -> None:
        """Keep a coordinator's answer."""
        decide_match(self.line, actor, task, is_same)
        self.ring()

    def answer_visit(self, answer: Answer) -> None:
        """Keep a coordinator's answer about two patients under one visit number."""
        answer_visit(self.line, answer)
        self.ring()

    def take_back_match(self, actor: str, decision: int, hospital: str) -> None:
        """Undo a coordinator's answer."""
        take_back(self.line, actor, decision, hospital)
        self.ring()


@dataclass(slots=True)
class Running:
    """The roles of one process, from start to stop; use it in a ``with`` block."""

    settings: Settings
    database: Database
    line: Line
    roles: frozenset[str] = ALL_ROLES
    one_click: bool = False
    work_bell: Bell = field(default_factory=Bell)
    delivery_bells: list[Bell] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)
    _outlets: tuple[Outlet, ...] = ()
    _doors: Doors | None = None
    _lanes: Lanes | None = None
    _web: uvicorn.Server | None = None
    _commands: CommandServer | None = None

    def __enter__(self) -> Self:
        """Start: HTTP first, the MLLP port last."""
        if "deliver" in self.roles:
            self._outlets = outlets_of(self.settings, self.line.site, self.line.now)
        if "work" in self.roles and not self.settings.database_url.startswith("sqlite"):
            self._lanes = Lanes(self.database)
        self._prepare()
        passing("started")
        if self.roles & {"listen", "web"}:
            self._doors = Doors(self.settings, self.line, self.work_bell)
        if "web" in self.roles:
            self._start_web()
        if "work" in self.roles:
            self._start_work()
        for outlet in self._outlets:
            self._start_carrying(outlet)
        self._start_commands()
        if self._doors and "listen" in self.roles:
            self._doors.open()
        log.info("service_started", role=",".join(sorted(self.roles)), port=self.mllp_port)
        return self

    def __exit__(self, *_: object) -> None:
        """Drain: no new frames, those in hand finished, then the rest; nothing in hand is lost."""
        if self._doors:
            self._doors.close()
        passing("draining")
        if self._commands:
            self._commands.close()
        for bell in (self.work_bell, *self.delivery_bells):
            bell.stop()
        for outlet in self._outlets:
            outlet.channel.close()
        if self._web:
            self._web.should_exit = True
        for thread in self._threads:
            thread.join(timeout=10)
        if self._lanes:
            self._lanes.stop()
        log.info("service_stopped", role=",".join(sorted(self.roles)))

    @property
    def mllp_port(self) -> int | None:
        """The bound port, None where this process does not listen."""
        return self._doors.mllp_port if self._doors else None

    @property
    def http_port(self) -> int | None:
        """The bound port, None where this process serves no pages."""
        if self._web is None:
            return None
        port: int = self._web.servers[0].sockets[0].getsockname()[1]
        return port

    def missing(self) -> tuple[str, ...]:
        """Dependencies that do not answer, in words, for ``/health/ready``."""
        faults = [fault] if (fault := self.database.fault()) else []
        for thread in self._threads:
            if not thread.is_alive():
                faults.append(f"role {thread.name}")
        return (*faults, *(self._doors.faults() if self._doors else ()))

    def ring_for_delivery(self) -> None:
        """There may be something to carry."""
        for bell in self.delivery_bells:
            bell.ring()

    def _prepare(self) -> None:
        """What must stand in the database before anything starts."""
        now = self.line.now()
        with self.database.write(Rank.WORK) as tx:
            register.have_alone(tx)  # several may start at the same moment
            policy_store.remember(tx, dict(self.line.site.policy), now)
            register.upsert(tx, (probe.REGISTRATION,), now)
            if "work" in self.roles and register.is_another_site(tx, self.line.under):
                asked = requests.request_for_the_site(tx, now)
                log.info("site_changed", stays=asked)
            if self.settings.database_url.startswith("sqlite"):
                imports.abandon(tx)
                claims.release(tx, now)  # the lock file says that we are alone
            if self._outlets:
                stranded = outbox.strand(tx, [o.destination for o in self._outlets], now)
                if stranded:
                    log.warning("parcels_stranded", count=stranded)
            passing("preparing")

    def _start_commands(self) -> None:
        """Only of SQLite, where no other process may write."""
        if self.settings.database_url.startswith("sqlite"):
            path = socket_path(self.settings.database_url)
            self._commands = CommandServer(self.line, path, self._wake)
            self._commands.open()

    def _wake(self) -> None:
        """A command may have left work or something to carry."""
        self.work_bell.ring()
        self.ring_for_delivery()

    def _start_work(self) -> None:
        """Alone on SQLite; on PostgreSQL each worker has its lanes."""
        hold = None
        if self._lanes is not None:
            self._lanes.start()
            hold = self._lanes.hold
        step = partial(work, self.line, self.work_bell, self.ring_for_delivery, hold)
        self._thread("work", step)

    def _start_carrying(self, outlet: Outlet) -> None:
        for _ in range(outlet.carriers):
            bell = Bell()
            self.delivery_bells.append(bell)
            name = f"deliver {outlet.destination}"
            self._thread(name, partial(deliver, self.line, outlet, bell))

    def _start_web(self) -> None:
        host, port = self.settings.http_address
        certificates = certificates_of(self.settings)
        desk = Desk(
            database=self.database,
            site=self.line.site,
            secret_key=self.settings.secret_key,
            pages_open=self.settings.http_is_loopback,
            one_click=self.one_click,
            now=self.line.now,
            acts=Acts(self.line, self._wake),
            ready=self.missing,
            metrics=partial(self.line.metrics.text, self.missing),
            certificates=lambda: certificates,
            door=self._doors.door if self._doors else None,
            max_message_bytes=self.settings.max_message_bytes,
            destinations=destinations_of(self.line.site, self.settings),
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
        remedy = "Use --port." if self.one_click else f"Set {PREFIX}HTTP_ADDRESS."
        taken = f"{host}:{port} cannot be opened for the pages. Is another program using it?"
        _until(
            lambda: self._web is not None and self._web.started,
            self._threads[-1],
            f"{taken} {remedy}",
        )

    def _thread(self, name: str, run: Callable[[], None]) -> None:
        thread = threading.Thread(target=run, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)


def _until(is_ready: Callable[[], bool], thread: threading.Thread, fault: str) -> None:
    """Wait for a server in a thread; one that ended could not start, which is the fault."""
    while not is_ready():
        if not thread.is_alive():
            raise ServiceError(fault)
        time.sleep(0.01)
