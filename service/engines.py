"""How connections to SQLite and PostgreSQL are made, and what is refused."""

import fcntl
import os
import select
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from urllib.parse import quote

import psycopg
import structlog
from sqlalchemy import Connection, Engine, QueuePool, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from service.errors import ServiceError

try:
    import pysqlite3 as _newest  # type: ignore[import-untyped,import-not-found,unused-ignore]

    SQLITE: ModuleType = _newest
except ImportError:
    SQLITE = sqlite3

log = structlog.get_logger()

IO_ERROR = 10
"""SQLITE_IOERR (sqlite.org/rescode.html); a full disk has a number of its own."""
WAITS_FOR_LOCK = 5_000
"""Milliseconds that SQLite waits for a file lock."""
READERS = 4
WRITERS = 10
IDLE_IN_TRANSACTION = "5s"
"""PostgreSQL ends a transaction whose owner has stopped, so that its locks block nobody."""
_MISSED = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
"""Seconds, and milliseconds, after which a server that vanished without a word is given up."""

SETTINGS_OFF = (
    "select string_agg(name, ', ' order by name) from pg_settings where setting = 'off' "
    "and name in ('fsync', 'full_page_writes', 'synchronous_commit')"
)
"""Which of PostgreSQL's settings would let it lose what it confirmed; null where none does."""

TAKES_NO_WRITES = (
    "select string_agg(name, ', ' order by name) from pg_settings where setting = 'on' "
    "and name in ('default_transaction_read_only', 'in_hot_standby')"
)
"""Why PostgreSQL can only be read; null where it can be written to."""


class DatabaseError(ServiceError):
    """The database cannot be used."""


class DatabaseUnavailable(DatabaseError):
    """The database does not answer or cannot store. See that it runs and has room."""


class DatabaseBusy(DatabaseError):
    """The database is busy with other work. Try again."""


class DatabaseNotReady(DatabaseError):
    """The database has not been brought to this release. Run thinkcarer migrate first."""


class DatabaseUnsafe(DatabaseError):
    """The database could lose what it confirmed. Change its settings."""


class DatabaseFellBack(DatabaseUnsafe):
    """It lacks what was acknowledged here: nothing is written (runbook: ThinkCarerFellBack)."""


def sqlite_path(url: str) -> Path:
    """The file that the URL names; a database in memory is refused, since a crash empties it."""
    name = make_url(url).database
    if not name or name == ":memory:" or "mode=memory" in url:
        raise DatabaseUnsafe("A database in memory keeps nothing: name a file, or use PostgreSQL.")
    path = Path(name).expanduser().absolute()
    if not path.parent.is_dir():
        raise DatabaseUnavailable(f"There is no folder {path.parent} to keep the database in.")
    return path


@contextmanager
def hold_lock(path: Path) -> Iterator[None]:
    """Be the only process that writes to this file, until the block ends."""
    try:
        lock = path.with_name(path.name + ".lock").open("a")
    except OSError as err:
        raise DatabaseUnavailable(f"The folder {path.parent} cannot be written to.") from err
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as err:
            raise DatabaseBusy(
                f"A running service or another command holds {path}, and only one process may "
                "write to it: use the page or the API of the running service where they can do "
                "this, or stop it, run this again, and start it. On PostgreSQL both work side by "
                "side."
            ) from err
        yield


def is_held(path: Path) -> bool:
    """Whether a process writes to this file now; makes no lock file where there is none."""
    try:
        with path.with_name(path.name + ".lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def sqlite_writer(path: Path) -> Engine:
    """The one connection that writes, durable at every commit."""
    engine = _sqlite_engine(path, "rwc", 1)
    event.listen(engine, "connect", _make_durable)
    event.listen(engine, "begin", _begin_immediate)
    event.listen(engine, "handle_error", _end_where_not_on_disk)
    return engine


def sqlite_reader(path: Path) -> Engine:
    """A few connections that cannot write and never checkpoint."""
    engine = _sqlite_engine(path, "ro", READERS)
    event.listen(engine, "connect", _make_read_only)
    event.listen(engine, "begin", _begin)
    return engine


def postgresql_engine(url: str, lock_timeout: int = 0) -> Engine:
    """A pool of connections in UTC whose commits are on disk; ``lock_timeout`` in ms, 0 is none."""
    settings = (
        f"-c timezone=UTC -c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION} "
        f"-c lock_timeout={lock_timeout}"
    )
    engine = create_engine(
        make_url(url).set(drivername="postgresql+psycopg"),
        pool_size=WRITERS,
        max_overflow=WRITERS,
        pool_timeout=10,
        hide_parameters=True,
        connect_args={"options": settings, "connect_timeout": 5, **_MISSED},
    )
    event.listen(engine, "connect", _check_commits)
    event.listen(engine, "checkout", _renew_if_ended)
    return engine


def refuse(off: object) -> None:
    """Raise where any of SETTINGS_OFF are."""
    if off:
        raise DatabaseUnsafe(
            f"PostgreSQL has {off} off and could lose what was confirmed: "
            "switch it on for this server, database and user."
        )


def _sqlite_engine(path: Path, mode: str, connections: int) -> Engine:
    address = f"file:{quote(str(path))}?mode={mode}"

    def open_file() -> DBAPIConnection:
        opened: DBAPIConnection = SQLITE.connect(
            address, uri=True, check_same_thread=False, isolation_level=None
        )
        return opened

    return create_engine(
        "sqlite://",
        module=SQLITE,
        creator=open_file,
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=10,
        hide_parameters=True,
    )


def _make_durable(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    """WAL and FULL: a confirmed commit survives a power cut. Refused where it is not so."""
    _ask(connection, f"PRAGMA busy_timeout={WAITS_FOR_LOCK}")
    mode = _ask(connection, "PRAGMA journal_mode=WAL")
    _ask(connection, "PRAGMA synchronous=FULL")
    _ask(connection, "PRAGMA fullfsync=ON")
    _ask(connection, "PRAGMA foreign_keys=ON")
    _ask(connection, "PRAGMA cache_size=-16000")
    if mode != "wal" or _ask(connection, "PRAGMA synchronous") != 2:
        raise DatabaseUnsafe(
            "SQLite does not take write-ahead logging with full synchronisation here: "
            "keep the file on a local disk, or use PostgreSQL."
        )


def _end_where_not_on_disk(context: ExceptionContext) -> None:
    """A kernel may drop what it could not write and tell so once: only a new start reads the file.

    At once, without closing, since to close would write to the file again.
    """
    # pysqlite3 does not tell which kind of error it was, so any counts as a failed fsync.
    if getattr(context.original_exception, "sqlite_errorcode", 0) & 0xFF == IO_ERROR:
        log.critical(
            "disk_not_trusted",
            reason="The disk failed to read or keep the database: see to it, then start again.",
        )
        os._exit(1)


def _make_read_only(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    _ask(connection, f"PRAGMA busy_timeout={WAITS_FOR_LOCK}")
    _ask(connection, "PRAGMA query_only=ON")


def _check_commits(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    """A server that confirms before it has stored could lose what we acknowledged."""
    refuse(_ask(connection, SETTINGS_OFF))
    connection.commit()


def _renew_if_ended(
    connection: DBAPIConnection, _entry: ConnectionPoolEntry, _held: PoolProxiedConnection
) -> None:
    """A connection at rest that has something to tell tells that the server ended it.

    To ask the server before every transaction would cost each a journey there and back.
    """
    waiting = select.poll()
    try:
        waiting.register(connection.fileno(), select.POLLIN)
        if not waiting.poll(0):
            return
        _ask(connection, "select 1")
        connection.rollback()
    except psycopg.Error as err:
        raise DisconnectionError from err


def _begin_immediate(tx: Connection) -> None:
    tx.exec_driver_sql("BEGIN IMMEDIATE")


def _begin(tx: Connection) -> None:
    tx.exec_driver_sql("BEGIN")


def _ask(connection: DBAPIConnection, question: str) -> object:
    cursor = connection.cursor()
    try:
        cursor.execute(question)
        row = cursor.fetchone()
        return None if row is None else row[0]
    finally:
        cursor.close()
