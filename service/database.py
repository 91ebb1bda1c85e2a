"""The database: one way to write, one way to read, and the checks that make a commit durable."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from shutil import disk_usage
from types import TracebackType
from typing import Self

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ingest.mark import Mark
from service.engines import (
    SETTINGS_OFF,
    TAKES_NO_WRITES,
    DatabaseBusy,
    DatabaseError,
    DatabaseFellBack,
    DatabaseNotReady,
    DatabaseUnavailable,
    DatabaseUnsafe,
    hold_lock,
    postgresql_engine,
    refuse,
    sqlite_path,
    sqlite_reader,
    sqlite_writer,
)
from service.gate import Gate, Rank
from service.sentences import sentence

__all__ = [
    "Database",
    "DatabaseBusy",
    "DatabaseError",
    "DatabaseFellBack",
    "DatabaseNotReady",
    "DatabaseTooNew",
    "DatabaseUnavailable",
    "DatabaseUnsafe",
    "Rank",
    "connect",
    "head",
    "migrate",
    "require_current",
]

_MIGRATIONS = Path(__file__).parent / "migrations"
_MIGRATING = 7_412_065
"""The advisory lock of PostgreSQL that two migrations at once queue up for."""
ROOM = 64 * 2**20
"""Bytes left on the disk of a SQLite file below which ``/health/ready`` asks for more."""
READS_WAIT = 5_000
"""Milliseconds that a read waits for a table that somebody holds: who asks how we are is told."""
_LOOKED = "was asked for what was acknowledged"


class DatabaseTooNew(DatabaseError):
    """The database was brought to a newer release than this one. Start that release instead."""


class Database:
    """Where everything is kept. ``write`` and ``read`` open the only transactions there are."""

    def __init__(self, writer: Engine | None, reader: Engine, closing: ExitStack) -> None:
        """``writer`` None: nothing may be written; ``closing`` undoes what connecting did."""
        self._writer = writer
        self._reader = reader
        self._closing = closing
        self.mark = Mark()
        self._kept: Connection | None = None
        self._gate = Gate() if writer is not None and writer.dialect.name == "sqlite" else None

    def write(self, rank: Rank = Rank.WORK) -> AbstractContextManager[Connection]:
        """A transaction that may write; on SQLite one at a time, by rank."""
        if self._writer is None:
            raise DatabaseUnavailable("This command opened the database to read only.")
        return _told(self._turn(rank), partial(self._begin, self._writer))

    def read(self) -> AbstractContextManager[Connection]:
        """A connection that can only read; pages and commands use it beside any writer."""
        return _told(nullcontext(), self._reader.connect)

    def wanted(self) -> bool:
        """Somebody of another rank waits to write: commit early and let them in."""
        return self._gate is not None and self._gate.wanted()

    def fault(self) -> str:
        """Why it should not be relied on just now, in words; empty where it may be."""
        try:
            with self.read() as tx:
                if tx.dialect.name == "postgresql":
                    refuse(tx.execute(text(SETTINGS_OFF)).scalar())
                    self.mark.look(tx)
                    self._refuse_older()
                    why = tx.execute(text(TAKES_NO_WRITES)).scalar()
                    return f"database: it takes no writes ({why})" if why else ""
                file = tx.execute(text("select file from pragma_database_list")).scalar_one()
                is_nearly_full = disk_usage(file).free < ROOM
        except DatabaseUnsafe as unsafe:
            return f"database: {unsafe}"
        except (DatabaseError, OSError):
            return "database"
        return "database: its disk is nearly full" if is_nearly_full else ""

    def describe(self) -> str:
        """Which database this is and its version, for ``check``."""
        with self.read() as tx:
            if tx.dialect.name == "sqlite":
                version = tx.execute(text("select sqlite_version()")).scalar()
                return f"SQLite {version} ({getattr(tx.dialect.dbapi, '__name__', 'sqlite3')})"
            return f"PostgreSQL {tx.execute(text('show server_version')).scalar()}"

    def close(self) -> None:
        """Close every connection and let others write."""
        if self._kept is not None and self._gate is not None and not self._gate.is_taken():
            self._kept.close()
        self._closing.close()

    def __enter__(self) -> Self:
        """The database, closed at the end of the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()

    @contextmanager
    def _begin(self, writer: Engine) -> Iterator[Connection]:
        """A failover ends connections: each new one is asked for what was acknowledged."""
        if self._gate is not None:
            with self._alone(writer) as tx:
                yield tx
            return
        with writer.begin() as tx:
            if _LOOKED not in tx.info and self.mark.look(tx):
                tx.info[_LOOKED] = True
            self._refuse_older()
            yield tx

    @contextmanager
    def _alone(self, writer: Engine) -> Iterator[Connection]:
        """The one connection that writes to a file is kept open; one that failed is made anew."""
        if self._kept is None:
            self._kept = writer.connect()
        try:
            with self._kept.begin() as transaction:
                yield self._kept
                if not transaction.is_active:
                    raise DatabaseUnavailable(DatabaseUnavailable.__doc__)
        except DBAPIError:
            kept, self._kept = self._kept, None
            if kept is not None:
                kept.close()
            raise

    def _refuse_older(self) -> None:
        if self.mark.is_lost:
            raise DatabaseFellBack(DatabaseFellBack.__doc__)

    def _turn(self, rank: Rank) -> AbstractContextManager[None]:
        return nullcontext() if self._gate is None else self._gate.hold(rank)


def connect(url: str, writing: bool = True) -> Database:
    """Open the database and prove that it is safe to write to; raises a DatabaseError."""
    try:
        name = make_url(url).get_backend_name()
    except ArgumentError as err:
        raise DatabaseUnavailable("THINKCARER_DATABASE_URL is not a database URL.") from err
    if name not in ("sqlite", "postgresql"):
        raise DatabaseUnsafe(f"{name} is not supported: use sqlite or postgresql+psycopg.")
    with ExitStack() as undo:
        opened = _sqlite(url, writing, undo) if name == "sqlite" else _postgresql(url, undo)
        with opened.write() if writing else opened.read() as tx:
            tx.execute(text("select 1"))
        opened._closing = undo.pop_all()
        return opened


def migrate(database: Database) -> None:
    """Bring the database to this release in one transaction; safe to repeat, never goes back."""
    with database.write() as tx:
        if tx.dialect.name == "postgresql":
            tx.execute(text("select pg_advisory_xact_lock(:number)"), {"number": _MIGRATING})
        _check_not_newer(tx)
        config = _alembic()
        config.attributes["connection"] = tx
        command.upgrade(config, "head")


def require_current(database: Database) -> None:
    """Raise unless the database has been brought to exactly this release."""
    with database.read() as tx:
        if _check_not_newer(tx) != set(ScriptDirectory.from_config(_alembic()).get_heads()):
            raise DatabaseNotReady(DatabaseNotReady.__doc__)


def head() -> str:
    """The newest revision that this release knows."""
    return ScriptDirectory.from_config(_alembic()).get_current_head() or ""


def _sqlite(url: str, writing: bool, undo: ExitStack) -> Database:
    path = sqlite_path(url)
    writer = None
    if writing:
        undo.enter_context(hold_lock(path))
        writer = sqlite_writer(path)
        undo.callback(writer.dispose)
        with _told(nullcontext(), writer.begin):
            pass
    elif not path.is_file():
        raise DatabaseUnavailable(f"There is no database at {path}. Run thinkcarer migrate first.")
    reader = sqlite_reader(path)
    undo.callback(reader.dispose)
    return Database(writer, reader, undo)


def _postgresql(url: str, undo: ExitStack) -> Database:
    writer, reader = postgresql_engine(url), postgresql_engine(url, READS_WAIT)
    undo.callback(writer.dispose)
    undo.callback(reader.dispose)
    read_only = reader.execution_options(postgresql_readonly=True)
    return Database(writer, read_only, undo)


def _check_not_newer(tx: Connection) -> set[str]:
    """The revisions that the database stands at, all of them known to this release."""
    heads = set(MigrationContext.configure(tx).get_current_heads())
    known = {each.revision for each in ScriptDirectory.from_config(_alembic()).walk_revisions()}
    if not heads <= known:
        raise DatabaseTooNew(DatabaseTooNew.__doc__)
    return heads


def _alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


@contextmanager
def _told(
    turn: AbstractContextManager[None], opening: Callable[[], AbstractContextManager[Connection]]
) -> Iterator[Connection]:
    """A transaction within one's turn, whose failures are told in one sentence."""
    with turn:
        try:
            with opening() as tx:
                yield tx
        except (DBAPIError, PoolTimeout) as err:
            told = sentence(err)
            if told is None:
                raise
            raise told from err
