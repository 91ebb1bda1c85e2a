"""``thinkcarer token``: bearer tokens for people and machines."""

from typing import Annotated

import typer

from service.beside.acts import MAX_DAYS
from service.commands.shell import Request, Terminal, run_beside, shell_of
from service.web.access import Role


def register(app: typer.Typer) -> None:
    """Add the command."""
    group = typer.Typer(help="Bearer tokens.", no_args_is_help=True)
    group.callback()(lambda: None)
    group.command("create", help="Make a token and print it once, alone on the last line.")(create)
    app.add_typer(group, name="token")


def create(
    context: typer.Context,
    role: Annotated[Role, typer.Option(help="What its holder is.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(help="Ward, hospital or centre code; repeat it for several."),
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=MAX_DAYS, help="How long it holds.")] = 90,
) -> None:
    """Make a token; only its digest is kept."""
    arguments = {"role": [role.value], "scope": scope or [], "days": [str(days)]}
    run_beside(shell_of(context), Request("token create", arguments), Terminal())
