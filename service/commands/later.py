"""Commands that are named and not built yet: they say so and fail."""

import typer

from service.commands.shell import CommandFailed


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("report", help="The measures (not in this release).")(report)
    group = typer.Typer(help="The audit chain (not in this release).", no_args_is_help=True)
    group.callback()(lambda: None)
    group.command("verify", help="Walk the audit chain (not in this release).")(verify)
    app.add_typer(group, name="audit")


def report() -> None:
    """Say that the measures come later."""
    raise CommandFailed("The report is not part of this release; it comes later.")


def verify() -> None:
    """Say that the audit chain comes later."""
    raise CommandFailed("The audit chain is not part of this release; it comes later.")
