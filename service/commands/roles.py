"""``thinkcarer run`` and the single roles ``listen``, ``work``, ``deliver``, ``web``."""

from collections.abc import Callable

import typer

from service.clock import SteadyClock
from service.commands.shell import CommandFailed, migrate, shell_of
from service.database import require_current
from service.running import ALL_ROLES, Running, line_of
from service.workers import until_told_to_stop

HELP = {
    "run": "Every role in one process: the default deployment.",
    "listen": "Take messages in over MLLP (needs PostgreSQL).",
    "work": "Understand and decide (needs PostgreSQL).",
    "deliver": "Carry Tasks and notices (needs PostgreSQL).",
    "web": "Serve pages, FHIR, health and metrics (needs PostgreSQL).",
}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for name, words in HELP.items():
        roles = ALL_ROLES if name == "run" else frozenset({name})
        app.command(name, help=words)(_command(roles))


def _command(roles: frozenset[str]) -> Callable[[typer.Context], None]:
    def start(context: typer.Context) -> None:
        serve(context, roles)

    return start


def serve(context: typer.Context, roles: frozenset[str]) -> None:
    """Run until SIGTERM or SIGINT, then drain and end with 0."""
    shell = shell_of(context)
    settings, site = shell.settings, shell.site
    if roles != ALL_ROLES and settings.database_url.startswith("sqlite"):
        raise CommandFailed(
            "One role alone needs PostgreSQL: set THINKCARER_DATABASE_URL, or use `thinkcarer run`."
        )
    with shell.writing() as database:
        if roles == ALL_ROLES:
            migrate(database)
        else:
            require_current(database)
        with Running(settings, database, line_of(database, site, SteadyClock(), settings), roles):
            until_told_to_stop()
