"""``thinkcarer token``: bearer tokens for people and machines."""

import secrets
from datetime import timedelta
from typing import Annotated

import typer

from alerts.store import people
from service.clock import utc_now
from service.commands.shell import shell_of, warn
from service.database import Rank, migrate
from service.web.access import Role, check_scope


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
    days: Annotated[int, typer.Option(min=1, max=3650, help="How long it holds.")] = 90,
) -> None:
    """Make a token; only its digest is kept."""
    shell = shell_of(context)
    codes = check_scope(shell.site, role, tuple(scope or ()))
    secret = secrets.token_urlsafe(32)
    now = utc_now()
    with shell.writing() as database:
        migrate(database)
        with database.write(Rank.PAGE) as tx:
            grant = people.Grant(role.value, codes, role.value, now, now + timedelta(days=days))
            people.keep_token(tx, secret, grant)
    warn(f"Role {role.value}, scope {' '.join(codes) or 'all'}, holds {days} days. Shown once:")
    print(secret)
