"""``thinkcarer register``: the centres' registers of carers."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from service.beside.acts import checked_rows, terms_of
from service.clock import utc_now
from service.commands.shell import Request, Terminal, run_beside, say, shell_of, warn


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
    data = file.read_bytes()
    if dry_run:
        terms = terms_of(shell.site, centre, utc_now().date())
        rows = checked_rows(data, file.name, terms, warn)
        say(f"{len(rows)} rows are sound. Nothing was kept (dry run).")
        return
    told = {"name": [file.name], "centre": [centre], "wait": ["no" if no_wait else "yes"]}
    request = Request("register import", told, data)
    if no_wait:
        run_beside(shell, request, Terminal())
        return
    with _bar() as bar:
        run_beside(shell, request, Terminal(bar))


def _bar() -> Progress:
    return Progress(console=Console(stderr=True), transient=True)
