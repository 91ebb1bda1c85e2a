"""``thinkcarer register``: the centres' registers of carers."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from alerts.model.bodies import registration_to_text
from alerts.model.register import Registration
from alerts.model.site import Site
from mapping.register_csv import RegisterTerms, read
from service.clock import utc_now
from service.commands.shell import (
    CommandFailed,
    Request,
    Terminal,
    run_beside,
    say,
    shell_of,
    warn,
)


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
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="End as soon as the rows are taken in.")
    ] = False,
) -> None:
    """Take in a register file, and wait until the stays that it concerns are decided."""
    shell = shell_of(context)
    rows = sound_rows(file, terms_of(shell.site, centre, utc_now().date()))
    if dry_run:
        say(f"{len(rows)} rows are sound. Nothing was kept (dry run).")
        return
    lines = tuple(registration_to_text(row).encode() for row in rows)
    request = Request("register import", {"wait": ["no" if no_wait else "yes"]}, lines)
    if no_wait:
        run_beside(shell, request, Terminal())
        return
    with _bar() as bar:
        run_beside(shell, request, Terminal(bar))


def terms_of(site: Site, centre: str, today: date) -> RegisterTerms:
    """What a register file of this site may hold; a centre that is named is the only one."""
    return RegisterTerms(
        centres=tuple(c.code for c in site.centres),
        synthetic=site.synthetic,
        only_centre=centre or None,
        today=today,
    )


def sound_rows(file: Path, terms: RegisterTerms) -> tuple[Registration, ...]:
    """The rows of a sound file; every fault of an unsound one is listed, and nothing is kept."""
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
