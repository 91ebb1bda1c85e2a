"""``thinkcarer outbox``: the outbound record."""

from typing import Annotated

import typer

from alerts.store import outbox
from service.commands.shell import (
    CommandFailed,
    Request,
    Row,
    Terminal,
    run_beside,
    shell_of,
    show,
)
from service.sends import RESTORED

COLUMNS = (
    "id",
    "kind",
    "resource_id",
    "recipient",
    "channel",
    "state",
    "attempts",
    "next_at",
    "last_answer",
)

Json = Annotated[bool, typer.Option("--json", help="Print an array of objects.")]
ParcelId = Annotated[int, typer.Argument(metavar="ID")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="The outbound record: every Task and notice and where it is.")
    group.callback(invoke_without_command=True)(listing)
    group.command("show", help="One parcel.")(show_one)
    group.command("resend", help="Send parcels again, from the first attempt.")(resend)
    group.command("hold", help="Send nothing until a person releases it; after a restore.")(hold)
    group.command("release", help="Let what is held be sent.")(release)
    app.add_typer(group, name="outbox")


def listing(
    context: typer.Context,
    stuck: Annotated[bool, typer.Option("--stuck", help="Only what was given up.")] = False,
    as_json: Json = False,
) -> None:
    """Print the parcels, oldest first."""
    if context.invoked_subcommand:
        return
    with shell_of(context).reading() as database, database.read() as tx:
        found = outbox.find(tx, stuck=stuck)
    show(map(_row, found), COLUMNS, as_json)  # whoever reads may be slow: no transaction is open


def show_one(context: typer.Context, parcel_id: ParcelId, as_json: Json = False) -> None:
    """Print one parcel; its payload is read through the façade."""
    with shell_of(context).reading() as database, database.read() as tx:
        found = outbox.get(tx, parcel_id)
    if found is None:
        raise CommandFailed(f"There is no parcel {parcel_id} in the outbox.")
    show([_row(found)], COLUMNS, as_json)


def resend(
    context: typer.Context,
    parcel_ids: Annotated[list[int] | None, typer.Argument(metavar="ID...")] = None,
    destination: Annotated[
        str, typer.Option(help="Everything that is stuck for this destination.")
    ] = "",
) -> None:
    """Let parcels go again, those that still may."""
    if not parcel_ids and not destination:
        raise typer.BadParameter("name at least one ID, or a --destination")
    arguments = {
        "id": [str(each) for each in parcel_ids or ()],
        "destination": [destination],
    }
    run_beside(shell_of(context), Request("outbox resend", arguments), Terminal())


def hold(
    context: typer.Context,
    why: Annotated[str, typer.Option(help="Shown to engineers.")] = RESTORED,
) -> None:
    """Hold every send, and say from where on each sender must send again."""
    arguments = {"why": [why]}
    run_beside(shell_of(context), Request("outbox hold", arguments), Terminal())


def release(
    context: typer.Context,
    by: Annotated[str, typer.Option("--by", help="Who decided it.")],
    keep: Annotated[
        list[str] | None, typer.Option(help="A destination whose parcels become stuck instead.")
    ] = None,
    with_register_of: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CENTRE=DATE",
            help="Release a centre whose register was not imported since; of which day it is.",
        ),
    ] = None,
) -> None:
    """Send what waits; what waits for a destination that is kept is left to a person."""
    arguments = {"by": [by], "keep": keep or [], "with_register_of": with_register_of or []}
    run_beside(shell_of(context), Request("outbox release", arguments), Terminal())


def _row(parcel: outbox.ParcelRow) -> Row:
    return {
        "id": parcel.id,
        "kind": parcel.kind,
        "resource_id": parcel.alert,
        "recipient": f"{parcel.recipient.kind.value}:{parcel.recipient.code}",
        "channel": parcel.channel,
        "state": parcel.state,
        "attempts": parcel.attempts,
        "next_at": parcel.next_at,
        "last_answer": parcel.last_answer,
    }
