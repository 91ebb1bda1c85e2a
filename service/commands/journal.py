"""``thinkcarer journal``: the inbound record."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from alerts.doubt_words import doubt_words
from ingest import journal
from service import outcomes
from service.commands.shell import (
    CommandFailed,
    Request,
    Row,
    Terminal,
    run_beside,
    shell_of,
    show,
)

COLUMNS = ("id", "received_at", "source", "control_id", "trigger", "state", "reason")

Json = Annotated[bool, typer.Option("--json", help="Print an array of objects.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="The inbound record: every message and what came of it.")
    group.callback(invoke_without_command=True)(listing)
    group.command("show", help="One entry, without the message itself.")(show_one)
    group.command("requeue", help="Let parked entries be read again.")(requeue)
    app.add_typer(group, name="journal")


def listing(
    context: typer.Context,
    parked: Annotated[bool, typer.Option("--parked", help="Only what waits for a person.")] = False,
    since: Annotated[str, typer.Option(help="A date or a time, such as 2026-11-23.")] = "",
    control_id: Annotated[str, typer.Option(help="MSH-10 as sent.")] = "",
    as_json: Json = False,
) -> None:
    """Print the entries, oldest first; without a filter every row."""
    if context.invoked_subcommand:
        return
    wanted = journal.Search(
        state="parked" if parked else None,
        since=_instant(since) if since else None,
        control_id=control_id or None,
    )
    with shell_of(context).reading() as database, database.read() as tx:
        found = journal.find(tx, wanted)
    show(map(_row, found), COLUMNS, as_json)  # whoever reads may be slow: no transaction is open


def show_one(
    context: typer.Context,
    entry_id: Annotated[int, typer.Argument(metavar="ID")],
    as_json: Json = False,
) -> None:
    """Print one entry; the message itself opens only on the engineers' page, with a reason."""
    with shell_of(context).reading() as database, database.read() as tx:
        found = journal.get(tx, entry_id)
    if found is None:
        raise CommandFailed(f"There is no journal entry {entry_id}.")
    doubts = [doubt_words(doubt) for doubt in outcomes.doubts_of(found.outcome)]
    row = {**_row(found), "flags": found.flags, "doubts": "; ".join(doubts)}
    show([row], tuple(row), as_json)


def requeue(
    context: typer.Context, entry_ids: Annotated[list[int], typer.Argument(metavar="ID...")]
) -> None:
    """Put parked entries back in line."""
    request = Request("journal requeue", {"id": [str(each) for each in entry_ids]})
    run_beside(shell_of(context), request, Terminal())


def _row(entry: journal.EntryRow) -> Row:
    return {
        "id": entry.id,
        "received_at": entry.received_at,
        "source": entry.source,
        "control_id": entry.control_id,
        "trigger": entry.trigger,
        "state": entry.state,
        "reason": entry.reason,
    }


def _instant(text: str) -> datetime:
    try:
        read = datetime.fromisoformat(text)
    except ValueError as err:
        raise typer.BadParameter(
            f"--since takes a date or a time such as 2026-11-23 or 2026-11-23T08:00, not {text}"
        ) from err
    return read.astimezone(UTC)
