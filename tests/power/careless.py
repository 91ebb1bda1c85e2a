"""The service with a seeded bug: its commits do not wait for the disk (``synchronous=NORMAL``)."""

from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from service import cli, engines

_careful = engines._make_durable


def make_hasty(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
    """Let the check at start pass, then undo what it checked."""
    _careful(connection, entry)
    connection.cursor().execute("PRAGMA synchronous=NORMAL")


if __name__ == "__main__":
    engines._make_durable = make_hasty
    cli.main()
