"""The line without sockets: a door, a worker and a clock that a test moves by hand."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from alerts.channels import CHANNELS
from alerts.model.alert import Alert, Task
from alerts.model.register import Registration
from alerts.model.site import Site
from alerts.store import alerts as alert_store
from ingest import journal
from ingest.committer import Committer
from ingest.receive import Door, Origin, receive
from service.batches import process_batch
from service.database import Database, Rank
from service.deciding import decide_next, go_on, import_register
from service.dispatch import Hand, Outlet, deliver_next
from service.metrics import Metrics
from service.pipeline import (
    Line,
    Progress,
    wake_next,
)
from service.site import dialects_of, load_site, rules_of
from tests.support.adt import Adt

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@dataclass
class HandClock:
    """Tells the time that a test set."""

    at: datetime = START

    def __call__(self) -> datetime:
        return self.at


@dataclass
class TestLine:
    """One database and everything between the door and the outbox."""

    __test__ = False

    database: Database
    clock: HandClock = field(default_factory=HandClock)
    site: Site = field(default_factory=lambda: load_site(None))

    def __post_init__(self) -> None:
        self.line = Line(
            database=self.database,
            site=self.site,
            dialects=dialects_of(self.site),
            now=self.clock,
            metrics=Metrics(dict),
            chance=lambda: 0.5,
        )
        self.committer = Committer(lambda: self.database.write(Rank.ACK))
        self.door = Door(
            rules=rules_of(self.site),
            commit=self.committer.commit,
            now=self.clock,
            inspect=lambda *_: None,
            tally=self.line.metrics,
            on_stored=lambda: None,
        )

    def registered(self, *rows: Registration) -> None:
        import_register(self.line, rows)
        while go_on(self.line):
            pass

    def take_in(self, message: Adt) -> None:
        """Receive it and leave it waiting."""
        self.clock.at = max(self.clock.at, message.at + timedelta(minutes=1))
        receive(message.raw(), Origin("test"), self.door)

    def take(self, *messages: Adt | bytes, minutes: float = 1) -> None:
        """Receive each a minute after it happened, and work it off at once."""
        for message in messages:
            if isinstance(message, Adt):
                self.clock.at = max(self.clock.at, message.at + timedelta(minutes=minutes))
                message = message.raw()
            receive(message, Origin("test"), self.door)
            self.work()

    def work(self) -> None:
        while process_batch(self.line, Progress()):
            pass
        wake_next(self.line, Progress())
        while go_on(self.line) or decide_next(self.line, Progress()):
            pass
        inbox = Outlet("inbox", CHANNELS["inbox"](), at_once=50)
        while deliver_next(self.line, inbox, Hand()):
            pass

    def entries(self) -> list[journal.EntryRow]:
        with self.database.read() as tx:
            return journal.find(tx, journal.Search())

    def alerts(self) -> list[Alert]:
        with self.database.read() as tx:
            ids = tx.execute(text("select id from alert order by authored_at, id")).scalars().all()
            found = [alert_store.get(tx, alert_id) for alert_id in ids]
        return [alert for alert in found if alert is not None]

    def told(self) -> list[str]:
        """Every Task and notice as it stands: ``involve-carer ward:L302H/M7A requested``."""
        return sorted(_told(alert) for alert in self.alerts())


def _told(alert: Alert) -> str:
    what = alert.code if isinstance(alert, Task) else alert.event
    return f"{what} {alert.recipient.kind}:{alert.recipient.code} {alert.status}"
