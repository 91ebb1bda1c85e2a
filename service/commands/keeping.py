"""``thinkcarer migrate`` and ``thinkcarer check``: before the service starts."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Annotated

import typer

from alerts.store import holds
from service.beside.protocol import socket_path
from service.beside.server import unusable
from service.clock import utc_now
from service.commands.shell import CommandFailed, Shell, migrate, say, shell_of, show, warn
from service.connections import try_addresses, try_drop_folder, try_ways_in, try_ways_out
from service.database import DatabaseNotReady
from service.engines import is_held, sqlite_path
from service.errors import ServiceError
from service.sends import missing
from service.site import unattributed
from service.tls import faults_of, server_tls, warnings_of


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("migrate", help="Bring the database to this release; safe to repeat.")(bring)
    app.command("check", help="Read everything, try every connection, print all faults.")(check)


def bring(context: typer.Context) -> None:
    """Bring the database to this release; refuses to go back."""
    with shell_of(context).writing() as database:
        migrate(database)
    say("The database is at this release.")


def check(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print an array of objects.")] = False,
) -> None:
    """Print the settings, secrets masked, and every fault at once."""
    shell = shell_of(context)
    faults = list(_faults(shell))
    if not faults:
        faults = list(faults_of(shell.settings, shell.site, utc_now()))
    if not any(f.startswith("setting") for f in faults):
        shown = ({"name": s.name, "value": s.value} for s in shell.settings.shown())
        show(shown, ("name", "value"), as_json)
    for fault in faults:
        warn(fault)
    if faults:
        raise CommandFailed(f"{len(faults)} faults.")
    if shell.site.synthetic:
        warn("This site is synthetic: it takes CHI numbers of an impossible birth month.")
    for warning in warnings_of(shell.settings, shell.site, utc_now()):
        warn(warning)
    for warning in unattributed(shell.site):
        warn(warning)
    _tell_of_commands(shell)
    _tell_of_hold(shell)
    warn("No faults.")


def _faults(shell: Shell) -> Iterator[str]:
    """Each step is tried even where an earlier one failed, as far as it can be."""
    told: set[str] = set()
    for name, step in (
        ("setting", lambda: shell.settings),
        ("site file", lambda: shell.site),
        ("database", lambda: _try_database(shell)),
        ("TLS", lambda: server_tls(shell.settings)),
        ("ways in", lambda: try_ways_in(shell.settings)),
        ("drop folder", lambda: try_drop_folder(shell.settings)),
        ("addresses", lambda: try_addresses(shell.settings, shell.site)),
        ("ways out", lambda: try_ways_out(shell.settings, shell.site, utc_now)),
    ):
        for fault in _faults_of(step):
            if fault not in told:  # a later step may stumble over an earlier fault
                told.add(fault)
                yield f"{name}: {fault}"


def _faults_of(step: Callable[[], object]) -> Iterator[str]:
    try:
        step()
    except ServiceError as failure:
        yield from getattr(failure, "faults", (str(failure),))


def _tell_of_commands(shell: Shell) -> None:
    url = shell.settings.database_url
    if url.startswith("sqlite") and (why := unusable(socket_path(url), is_held(sqlite_path(url)))):
        warn(f"Commands that write need the service stopped: {why}.")


def _tell_of_hold(shell: Shell) -> None:
    held = None
    with suppress(DatabaseNotReady), shell.reading() as database, database.read() as tx:
        held = holds.standing(tx)
    if held is not None:
        warn(f"Nothing is sent since {held.since:%Y-%m-%d %H:%M:%S} UTC: {held.why}.")
        for line in missing(held.newest):
            warn(line)
        warn("Let it go with: thinkcarer outbox release --by NAME")


def _try_database(shell: Shell) -> None:
    with shell.reading() as database, database.read() as tx:
        tx.exec_driver_sql("SELECT 1")
