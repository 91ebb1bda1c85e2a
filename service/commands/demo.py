"""``thinkcarer demo``: the main job on a fixture day, through the real socket."""

import logging
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.progress import Progress

from ingest import send
from service import logs
from service.clock import utc_now
from service.commands import fixture_day, story
from service.commands.register import sound_rows, terms_of
from service.commands.shell import CommandFailed, Shell, migrate, say, shell_of
from service.database import connect
from service.deciding import import_register
from service.gauges import backlog
from service.running import Running, line_of
from service.workers import until_told_to_stop

LONDON = ZoneInfo("Europe/London")
PATIENCE = 60.0
"""Seconds the line may take to settle the day."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo", help="The main job on a fixture day, then the pages.")(demo)


def demo(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="End after the story.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where the pages are.")] = 8000,
) -> None:
    """Import the fixture register, send the fixture day, tell what came of it, serve the pages."""
    shell = shell_of(context)
    with tempfile.TemporaryDirectory(prefix="thinkcarer-demo-") as folder:
        demo_shell = Shell(_surroundings(shell, Path(folder), 0 if once else port), False)
        settings = demo_shell.settings
        logs.configure(settings.log_format, logging.WARNING)
        with connect(settings.database_url) as database:
            migrate(database)
            line = line_of(database, demo_shell.site, utc_now, settings)
            terms = terms_of(demo_shell.site, "", utc_now().date())
            file = fixture_day.register_file()
            rows = sound_rows(file, terms)
            import_register(line, rows)
            with Running(settings, database, line, one_click=True) as running:
                _send_the_day(running)
                _settle(running)
                story.tell(database, demo_shell.site, say)
                if not once:
                    say(f"\nThe pages: http://127.0.0.1:{running.http_port}  (Ctrl+C ends)")
                    until_told_to_stop()


def _surroundings(shell: Shell, folder: Path, port: int) -> dict[str, str]:
    """The settings of a demo: a new database, free ports, the built-in site."""
    return {
        "THINKCARER_DATABASE_URL": f"sqlite:///{folder}/demo.db",
        "THINKCARER_MLLP_ADDRESS": "127.0.0.1:0",
        "THINKCARER_HTTP_ADDRESS": f"127.0.0.1:{port}",
        "THINKCARER_LOG_FORMAT": shell.environ.get("THINKCARER_LOG_FORMAT", "json"),
    }


def _send_the_day(running: Running) -> None:
    """Every message of the day in order, over MLLP."""
    now: datetime = utc_now().astimezone(LONDON)
    day = [m.raw for m in fixture_day.messages(fixture_day.shift_to_end_at(now))]
    if running.mllp_port is None:
        raise CommandFailed("The MLLP port did not open.")
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Sending the fixture day", total=len(day))
        send.send(
            day,
            send.Destination("127.0.0.1", running.mllp_port),
            on_progress=lambda done: bar.update(task, completed=done),
        )


def _settle(running: Running) -> None:
    """Wait until nothing waits."""
    until = time.monotonic() + PATIENCE
    while any(backlog(running.database)[g] for g in ("journal_waiting", "outbox_waiting")):
        if time.monotonic() > until:
            raise CommandFailed("The line did not settle the day in time; see the log above.")
        time.sleep(0.05)
