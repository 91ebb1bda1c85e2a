"""The command line: parses, calls the commands, and turns what they raise into one sentence."""

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from service.beside.protocol import our_hello
from service.commands import (
    backup,
    demo,
    journal,
    keeping,
    later,
    outbox,
    probe,
    register,
    roles,
    send,
    token,
)
from service.commands.shell import Shell
from service.errors import ServiceError

FAILURE = 1
USAGE = 2
COMMANDS = (
    demo.register,
    roles.register,
    keeping.register,
    backup.register,
    register.register,
    send.register,
    journal.register,
    outbox.register,
    probe.register,
    token.register,
    later.register,
)
"""In the order of ``thinkcarer --help``."""


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command; errors are one sentence on stderr, exit 2 (usage) or 1 (failure)."""
    sys.exit(run(sys.argv[1:] if argv is None else argv))


def run(argv: Sequence[str]) -> int:
    """The exit code of one command."""
    shell = Shell(environ=os.environ, on_terminal=sys.stderr.isatty())
    command = typer.main.get_command(_app())
    try:
        code = command.main(list(argv), prog_name="thinkcarer", standalone_mode=False, obj=shell)
    except typer.TyperException as wrong:
        return _say(_usage(wrong), USAGE)
    except (ServiceError, OSError) as failure:
        return _say(_sentence(failure), FAILURE)
    except (KeyboardInterrupt, typer.Abort):
        return _say("Stopped.", 130)
    return code if isinstance(code, int) else 0


def _app() -> typer.Typer:
    app = typer.Typer(
        name="thinkcarer",
        help="From the hospital's ADT messages to tasks a ward and a carer centre can act on.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback()(_before)
    for add in COMMANDS:
        add(app)
    return app


def _show_version(asked: bool) -> None:
    if asked:
        ours = our_hello()
        print(f"thinkcarer {ours.release or '(no release)'}, database {ours.revision}")
        raise typer.Exit


def _before(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            is_eager=True,
            callback=_show_version,
            help="Print release and database revision.",
        ),
    ] = False,
) -> None:
    """Take what stands before the command."""


def _usage(wrong: typer.TyperException) -> str:
    """What was wrong with the command line in one line; a command alone is told its help."""
    words = wrong.format_message()
    return words if words.startswith("Usage:") else " ".join(words.split())


def _sentence(failure: BaseException) -> str:
    text = str(failure) or (type(failure).__doc__ or "It failed").strip()
    return text if text.endswith((".", "?", "!")) or "\n" in text else f"{text}."


def _say(sentence: str, code: int) -> int:
    print(sentence, file=sys.stderr)
    return code
