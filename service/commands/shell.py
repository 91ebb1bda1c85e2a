"""What every command starts from: the environment once read, and how answers are printed."""

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Column, Table

from alerts.model.site import Site
from alerts.store import imports
from service import logs
from service.beside import acts, client
from service.beside.acts import COMMANDS_BESIDE
from service.beside.protocol import Request, socket_path, user_name
from service.clock import utc_now
from service.database import Database, DatabaseBusy, connect, migrate
from service.errors import CommandFailed
from service.running import line_of
from service.settings import Settings
from service.site import load_site

Row = Mapping[str, object]
_UNLIMITED = 1_000_000
"""Columns of a file or pipe: no value is cut or folded there."""


@dataclass(frozen=True)
class Shell:
    """One run of the command line."""

    environ: Mapping[str, str]
    on_terminal: bool

    @cached_property
    def settings(self) -> Settings:
        """The settings, read once; logging starts here."""
        settings = Settings.load(self.environ, self.on_terminal)
        logs.configure(settings.log_format)
        return settings

    @cached_property
    def site(self) -> Site:
        """The site file, read once."""
        return load_site(self.settings.site)

    def reading(self) -> AbstractContextManager[Database]:
        """The database for a command that changes nothing; works beside a running service."""
        return connect(self.settings.database_url, writing=False)

    def writing(self) -> AbstractContextManager[Database]:
        """The database for a command that changes something; refused beside a service on SQLite."""
        return connect(self.settings.database_url)


def shell_of(context: typer.Context) -> Shell:
    """The Shell that ``cli`` put there."""
    found = context.find_object(Shell)
    if found is None:
        raise CommandFailed("The command was started without its surroundings.")
    return found


class Terminal:
    """Where a command that may run beside the service says what it did."""

    def __init__(self, bar: Progress | None = None) -> None:
        """With a bar where it may take a while."""
        self._bar = bar
        self._task = bar.add_task("Importing", total=None) if bar else None

    def say(self, line: str) -> None:
        """One line on stdout."""
        say(line)

    def warn(self, line: str) -> None:
        """One line on stderr."""
        warn(line)

    def progress(self, done: int, total: int) -> None:
        """Move the bar."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done, total=total)


def run_beside(shell: Shell, request: Request, terminal: Terminal) -> None:
    """Run a command here, or in the service that holds the SQLite file.

    There the kernel says who typed it; here we do.
    """
    named = {**request.arguments, "actor": (user_name(os.getuid()),)}
    request = replace(request, arguments=named)
    url, command = shell.settings.database_url, COMMANDS_BESIDE[request.command]
    try:
        opened = shell.writing()
    except DatabaseBusy as busy:
        if not url.startswith("sqlite"):
            raise
        client.ask(socket_path(url), request, terminal, busy)
        return
    with opened as database:
        if command.migrates:
            migrate(database)
            if url.startswith("sqlite"):
                with database.write() as tx:  # whoever left an import half taken in is gone
                    imports.abandon(tx)
        line = line_of(database, shell.site, utc_now, shell.settings)
        acts.run(line, request, terminal)


def show(rows: Iterable[Row], columns: Sequence[str], as_json: bool) -> None:
    """Print rows as a table, or as a JSON array of flat objects."""
    if as_json:
        print(json.dumps([{c: _plain(row[c]) for c in columns} for row in rows], default=str))
        return
    shown = (Column(name, overflow="fold") for name in columns)
    table = Table(*shown, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(_cell(row[c]) for c in columns))
    width = None if sys.stdout.isatty() else _UNLIMITED
    Console(width=width, highlight=False, markup=False).print(table)


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def _cell(value: object) -> str:
    """A time as this machine's clock shows it, which is how ``--since`` is read."""
    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return "" if value is None else str(value)


def say(line: str) -> None:
    """One line on stdout."""
    print(line, flush=True)


def warn(line: str) -> None:
    """One line on stderr."""
    print(line, file=sys.stderr, flush=True)


__all__ = [
    "CommandFailed",
    "Request",
    "Row",
    "Shell",
    "Terminal",
    "migrate",
    "run_beside",
    "say",
    "shell_of",
    "show",
    "warn",
]
