"""``thinkcarer backup`` and ``restore``: a copy of the SQLite file, and the way back to it."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from itertools import chain, count
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer
from sqlalchemy import inspect, make_url

from alerts.store import holds
from service import sends
from service.clock import utc_now
from service.commands.shell import CommandFailed, Shell, migrate, say, shell_of
from service.database import Rank, connect
from service.engines import SQLITE, hold_lock, sqlite_path

File = Annotated[Path, typer.Argument(metavar="FILE")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("backup", help="Copy the SQLite database, beside a running service.")(backup)
    app.command("restore", help="Put a backup in place of the SQLite database.")(restore)


def backup(context: typer.Context, file: File) -> None:
    """A sound copy under a name that is not taken yet, readable by its owner alone."""
    source, target = _present(shell_of(context), "pg_dump"), file.absolute()
    if not source.is_file():
        raise CommandFailed(f"There is no database at {source}.")
    if target.exists():
        raise CommandFailed(f"{target} is there already: give the backup a name of its own.")
    with _unfinished(target) as partial:
        _copy(source, partial)
        partial.rename(target)
    _sync(target.parent)
    say(f"{target} is a sound backup.")


def restore(context: typer.Context, file: File) -> None:
    """Check, migrate and mark a copy of the backup, then put it in place in one step."""
    path, now = _present(shell_of(context), "pg_restore"), utc_now()
    if not file.is_file():
        raise CommandFailed(f"There is no backup at {file}.")
    with hold_lock(path), _unfinished(path) as partial:
        _copy(file, partial)
        held = _made_ready(partial, now)
        kept = _untaken(path.with_name(f"{path.name}.before-{now:%Y%m%dT%H%M%SZ}"))
        _keep(path, kept)
        partial.replace(path)
        _sync(path.parent)
    if kept.exists():
        say(f"The database that was there is kept as {kept}.")
    for each in sends.words_of_hold(held):
        say(each)


def _present(shell: Shell, program: str) -> Path:
    url = shell.settings.database_url
    if make_url(url).get_backend_name() != "sqlite":
        raise CommandFailed(
            f"This command is for SQLite: with PostgreSQL use {program}, as docs/deploy.md says."
        )
    return sqlite_path(url)


def _made_ready(path: Path, now: datetime) -> holds.Hold:
    """A copy of the backup, brought to this release, with its sends held."""
    try:
        with connect(f"sqlite:///{path}") as database:
            with database.read() as tx:
                if not inspect(tx).has_table("journal"):
                    raise CommandFailed("That file is no backup of this service.")
            migrate(database)
            with database.write(Rank.PAGE) as tx:
                held = sends.hold(tx, sends.RESTORED, now)
        if path.with_name(path.name + "-wal").exists():
            raise CommandFailed("The backup could not be written into one file. Try again.")
        _sync(path)
        return held
    finally:
        path.with_name(path.name + ".lock").unlink(missing_ok=True)


def _copy(source: Path, target: Path) -> None:
    """The whole of a database as it stands now, in one file without a log, sound and on disk."""
    try:
        with (
            closing(SQLITE.connect(f"file:{quote(str(source))}?mode=ro", uri=True)) as old,
            closing(SQLITE.connect(target)) as new,
        ):
            old.backup(new)
            new.execute("PRAGMA journal_mode=DELETE")
            faults = [row[0] for row in new.execute("PRAGMA integrity_check(1)")]
    except (SQLITE.Error, sqlite3.Error) as err:
        raise CommandFailed(f"{source} cannot be copied: {err}.") from err
    if faults != ["ok"]:
        raise CommandFailed(f"{source} is damaged: {faults[0]}.")
    _sync(target)


def _untaken(path: Path) -> Path:
    """That name, or with a number where a restore of the same second was cut short."""
    numbered = (path.with_name(f"{path.name}-{number}") for number in count(2))
    return next(each for each in chain((path,), numbered) if not each.exists())


def _keep(path: Path, kept: Path) -> None:
    """The database that stands there under another name, with its log where it has one left."""
    if not path.exists():
        return
    with suppress(SQLITE.Error, sqlite3.Error), closing(SQLITE.connect(path)) as old:
        old.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # a damaged one is kept as it is
    for end in ("", "-wal", "-shm"):
        if (part := path.with_name(path.name + end)).exists():
            os.link(part, kept.with_name(kept.name + end))
    for end in ("-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)


@contextmanager
def _unfinished(target: Path) -> Iterator[Path]:
    """An empty file beside the target for its owner alone; gone at the end unless renamed."""
    partial = target.with_name(target.name + ".partial")
    partial.unlink(missing_ok=True)
    os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        yield partial
    finally:
        for end in ("", "-wal", "-shm", "-journal"):
            partial.with_name(partial.name + end).unlink(missing_ok=True)


def _sync(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
