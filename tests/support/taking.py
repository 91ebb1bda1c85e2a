"""A door that no listener opens: what it journals, and a switch that makes it fail."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic, sleep

from ingest import journal
from ingest.committer import CannotStore, Committer
from ingest.journal import Block, Search, Stored
from ingest.receive import Door
from service.clock import utc_now
from service.database import Database, Rank
from tests.support.door import PAS, Counts


@dataclass
class Taking:
    """Everything that comes in goes to one journal."""

    database: Database
    counts: Counts = field(default_factory=Counts)
    is_down: bool = False

    def __post_init__(self) -> None:
        self._committer = Committer(lambda: self.database.write(Rank.ACK))
        self.door = Door(
            rules=(PAS,),
            commit=self.commit,
            now=utc_now,
            inspect=lambda *_: None,
            tally=self.counts,
            on_stored=lambda: None,
        )

    def commit(self, blocks: Sequence[Block]) -> list[Stored]:
        if self.is_down:
            raise CannotStore(CannotStore.__doc__)
        return self._committer.commit(blocks)

    def rows(self) -> list[journal.EntryRow]:
        with self.database.read() as tx:
            return journal.find(tx, Search())

    def wait_for(self, rows: int, within: float = 60) -> list[journal.EntryRow]:
        until(lambda: len(self.rows()) >= rows, within)
        return self.rows()


def until(is_so: Callable[[], bool], within: float = 30) -> None:
    """Wait for it; a failure where it is not so in time."""
    end = monotonic() + within
    while not is_so():
        assert monotonic() < end, "not in time"
        sleep(0.1)
