"""``thinkcarer probe``: a synthetic patient through the real socket to a delivered Task."""

import time

import typer

from alerts.model.alert import TaskCode
from alerts.store import alerts as alert_store
from alerts.store import identity
from ingest import send
from service.clock import utc_now
from service.commands.shell import CommandFailed, Shell, say, shell_of
from service.database import Database
from service.probe import admission, cancellation
from service.tls import client_tls

PATIENCE = 30.0
"""Seconds a Task may take."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("probe", help="A synthetic patient through the real socket to a Task.")(probe)


def probe(context: typer.Context) -> None:
    """Exit 0 only if the Task of a reserved person on a reserved ward was delivered."""
    shell = shell_of(context)
    started = time.monotonic()
    now = utc_now()
    visit = f"PROBE{now:%Y%m%d%H%M%S%f}"
    feed = shell.site.feeds[0]
    _post(shell, admission(shell.site, feed, visit, now))
    with shell.reading() as database:
        _wait_for_task(database, visit)
    _post(shell, cancellation(shell.site, feed, visit, utc_now()))
    say(f"The Task arrived in {time.monotonic() - started:.2f} s.")


def _post(shell: Shell, message: bytes) -> None:
    address = shell.site.feeds[0].address or shell.settings.mllp_address
    to = send.Destination(*address, tls=client_tls(shell.settings))
    sent = send.send([message], to)
    if sent.failures:
        raise CommandFailed(f"The probe message was not accepted: {sent.failures[0].reason}")


def _wait_for_task(database: Database, visit: str) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with database.read() as tx:
            stays = identity.stays_of_visit(tx, visit)
            if any(alert_store.was_delivered(tx, s, TaskCode.INVOLVE_CARER) for s in stays):
                return
        time.sleep(0.05)
    raise CommandFailed(f"No Task arrived within {PATIENCE:.0f} s.")
