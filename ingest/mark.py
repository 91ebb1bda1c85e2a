"""The newest entry that this process put on disk, and whether the database still has it.

PostgreSQL writes commits in their order: where the newest is there, so are all before it.
"""

import structlog
from sqlalchemy import Connection, bindparam, exists, func, select

from ingest.journal import journal

log = structlog.get_logger()

# Along the primary key; an id alone may have been given to another message meanwhile.
_LOOK = select(
    func.pg_is_in_recovery().label("is_standby"),
    exists()
    .where(journal.c.id == bindparam("entry_id"), journal.c.digest == bindparam("digest"))
    .label("is_there"),
)


class Mark:
    """Kept in memory alone: a new start believes the database that it finds."""

    __slots__ = ("_newest", "is_lost")

    def __init__(self) -> None:
        """Nothing was put on disk yet."""
        self._newest: tuple[int, str] | None = None
        self.is_lost = False
        """The database fell back to an older state; it stays so until a new start."""

    def move(self, entry_id: int, digest: str) -> None:
        """This entry is on disk."""
        if self._newest is None or entry_id > self._newest[0]:
            self._newest = entry_id, digest

    def look(self, tx: Connection) -> bool:
        """See whether the entry is lost; False where that cannot be told yet.

        A standby may still be about to take it over. SQLite's file is ours alone.
        """
        newest = self._newest
        if newest is None or self.is_lost or tx.dialect.name == "sqlite":
            return False
        found = tx.execute(_LOOK, {"entry_id": newest[0], "digest": newest[1]}).one()
        if not (found.is_standby or found.is_there):
            self.is_lost = True
            log.error(
                "database_fell_back",
                entry_id=newest[0],
                reason="The database no longer has this entry, which was acknowledged.",
            )
        return not found.is_standby
