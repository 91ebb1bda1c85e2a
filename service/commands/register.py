"""``thinkcarer register``: the centres' registers of carers."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from alerts.model.register import Registration
from mapping.register_csv import RegisterTerms, read
from service.clock import utc_now
from service.commands.shell import CommandFailed, Shell, say, shell_of, warn
from service.database import migrate
from service.pipeline import import_register
from service.running import line_of

STEP = 500
"""Rows between two moves of the progress bar."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    group = typer.Typer(help="The registers of unpaid carers.", no_args_is_help=True)
    group.callback()(lambda: None)
    group.command("import", help="Take in a register file: all of its rows or none.")(import_file)
    app.add_typer(group, name="register")


def import_file(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", exists=True, dir_okay=False)],
    centre: Annotated[str, typer.Option(help="Refuse rows of any other centre.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check only; keep nothing.")] = False,
) -> None:
    """Take in a register file."""
    shell = shell_of(context)
    today = utc_now().date()
    rows = checked_rows(shell, file, centre or None, today)
    if dry_run:
        say(f"{len(rows)} rows are sound. Nothing was kept (dry run).")
        return
    with shell.writing() as database, _bar() as bar:
        migrate(database)
        task = bar.add_task("Importing", total=len(rows))
        line = line_of(database, shell.site, utc_now, shell.settings)
        result = import_register(line, rows, lambda done: bar.update(task, completed=done))
    say(f"{result.new} new, {result.changed} changed, {result.same} as before.")


def checked_rows(
    shell: Shell, file: Path, centre: str | None, today: date
) -> tuple[Registration, ...]:
    """The rows of a sound file; every fault of an unsound one is listed, and nothing is kept."""
    terms = RegisterTerms(
        centres=tuple(c.code for c in shell.site.centres),
        synthetic=shell.site.synthetic,
        only_centre=centre,
        today=today,
    )
    found = read(file.read_bytes(), terms)
    for fault in found.faults:
        warn(f"line {fault.line}, {fault.column}: {fault.reason}")
    if found.faults:
        raise CommandFailed(
            f"{len(found.faults)} faults in {file.name}; nothing was changed. "
            "Mend the rows above and import the whole file again."
        )
    for doubt in found.doubts:
        warn(f"line {doubt.line}, {doubt.column}: {doubt.reason}")
    return found.rows


def _bar() -> Progress:
    return Progress(console=Console(stderr=True), transient=True)
