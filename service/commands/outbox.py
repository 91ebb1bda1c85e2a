"""``thinkcarer outbox``: the outbound record."""

from collections.abc import Sequence, Set
from datetime import date, datetime
from getpass import getuser
from typing import Annotated

import typer

from alerts.delivery import routes_of
from alerts.store import destinations, holds, outbox, people
from service import sends
from service.clock import utc_now
from service.commands.backup import RESTORED, hold_sends, missing, tell
from service.commands.shell import CommandFailed, Row, say, shell_of, show
from service.database import Rank
from service.running import line_of

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

KEPT = "kept back when sends were released; it may have been sent before"

Json = Annotated[bool, typer.Option("--json", help="Print an array of objects.")]
ParcelId = Annotated[int, typer.Argument(metavar="ID")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="The outbound record: every Task and notice and where it is.")
    group.callback(invoke_without_command=True)(listing)
    group.command("show", help="One parcel.")(show_one)
    group.command("resend", help="Send a parcel again, from the first attempt.")(resend)
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


def resend(context: typer.Context, parcel_id: ParcelId) -> None:
    """Let a parcel go again, if it still may."""
    shell = shell_of(context)
    with shell.writing() as database:
        line = line_of(database, shell.site, utc_now, shell.settings)
        refused = sends.resend(line, getuser(), (parcel_id,))
    if refused:
        raise CommandFailed(f"Parcel {parcel_id} is not sent again: {refused[parcel_id]}.")
    say(f"Parcel {parcel_id} waits to be sent again.")


def hold(
    context: typer.Context,
    why: Annotated[str, typer.Option(help="Shown to engineers.")] = RESTORED,
) -> None:
    """Hold every send, and say from where on each sender must send again."""
    now = utc_now()
    with shell_of(context).writing() as database, database.write(Rank.PAGE) as tx:
        held = hold_sends(tx, why, now)
        people.audit(tx, _line(getuser(), "outbox hold", held.why, now))
    tell(held)


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
    now, shell = utc_now(), shell_of(context)
    asked = holds.Release(by, now, dict(map(_register_of, with_register_of or ())))
    ways = {way.destination for way in routes_of(shell.site, bool(shell.settings.fhir_url))}
    with shell.writing() as database, database.write(Rank.PAGE) as tx:
        held = holds.standing(tx)
        if held is None and not holds.kept_centres(tx):
            raise CommandFailed("No sends are held.")
        known = ways | {queue.destination for queue in destinations.queues(tx)}
        kept = outbox.strand(tx, _others(known, keep), now, KEPT) if keep else 0
        centres = holds.release(tx, asked) or ()
        why = held.why if held else "the register of a centre"
        people.audit(tx, _line(by, "outbox release", why, now))
    say(f"Sends go again, released by {by}; {kept} parcels are kept as stuck.")
    for line in (*(missing(held.newest) if held else ()), *map(_kept, centres)):
        say(line)


def _kept(centre: str) -> str:
    return (
        f"The register of {centre} was not imported since: what rests on it stays held. Import it "
        f"and release again, or say of which day it is: --with-register-of {centre}=DATE."
    )


def _register_of(said: str) -> tuple[str, date]:
    centre, _, day = said.partition("=")
    try:
        return centre, date.fromisoformat(day)
    except ValueError as err:
        raise CommandFailed(
            f"{said} is no centre with a date, such as LANCARERS=2026-11-20."
        ) from err


def _others(known: Set[str], kept: Sequence[str]) -> list[str]:
    """The destinations that are not kept; a slip of the pen must not let everything go."""
    if unknown := sorted(set(kept) - known):
        raise CommandFailed(
            f"There is no destination {', '.join(unknown)}; nothing was released. "
            f"There are: {', '.join(sorted(known))}."
        )
    return sorted(known - set(kept))


def _line(actor: str, action: str, reason: str, now: datetime) -> people.Audited:
    return people.Audited(now, actor, "engineer", action, "outbox", reason)


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
