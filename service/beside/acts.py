"""The commands that can run beside a service: one function each, wherever it runs."""

import secrets
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

from alerts.delivery import routes_of
from alerts.model.bodies import registration_from_text
from alerts.model.register import Registration
from alerts.store import destinations, holds, outbox, people
from ingest.requeue import requeue as put_back
from service import sends
from service.beside.protocol import ProtocolBroken, Request
from service.database import Rank
from service.deciding import Watch, import_register
from service.errors import CommandFailed
from service.pipeline import Line
from service.site import feed_finder
from service.web.access import Role, check_scope

LONGEST = 300
"""Characters of one argument."""
MAX_DAYS = 3_650
"""For which a token holds."""
KEPT = "kept back when sends were released; it may have been sent before"


class Teller(Protocol):
    """Where a command says what it did; wherever it runs, a person reads it at a terminal."""

    def say(self, line: str) -> None:
        """One line for stdout."""

    def warn(self, line: str) -> None:
        """One line for stderr."""

    def progress(self, done: int, total: int) -> None:
        """How far it is; may be lost."""


Act = Callable[[Line, Request, Teller], None]


@dataclass(frozen=True, slots=True)
class Command:
    """What to call, and whether it first brings a database that no service holds up to date."""

    act: Act
    migrates: bool = False


def import_rows(line: Line, asked: Request, teller: Teller) -> None:
    """Take in the rows of a register file: all of them or none."""
    centres = frozenset(centre.code for centre in line.site.centres)
    total = len(asked.rows)
    watch = Watch(lambda done: teller.progress(done, total), teller.progress)
    rows = (_sound(each, centres) for each in asked.rows)
    result = import_register(line, rows, watch, wait=asked.one("wait") != "no")
    teller.say(f"{result.new} new, {result.changed} changed, {result.same} as before.")


def _sound(row: bytes, centres: Set[str]) -> Registration:
    """A row that the command has read by the same rules, though perhaps by another site file."""
    try:
        found = registration_from_text(row.decode())
    except ValueError as err:  # its text quotes the row
        raise ProtocolBroken(ProtocolBroken.__doc__) from err.with_traceback(None)
    if found.centre not in centres:
        raise CommandFailed(
            f"The running service knows no centre {found.centre}: use its own site file. "
            "Nothing was changed."
        )
    return found


def create_token(line: Line, asked: Request, teller: Teller) -> None:
    """Make a token; only its digest is kept."""
    role, days = _role(asked.one("role")), _number(asked.one("days"))
    if not 1 <= days <= MAX_DAYS:
        raise CommandFailed(f"A token holds from 1 to {MAX_DAYS} days.")
    codes = check_scope(line.site, role, asked.all("scope"))
    secret, now = secrets.token_urlsafe(32), line.now()
    with line.database.write(Rank.PAGE) as tx:
        grant = people.Grant(role.value, codes, role.value, now, now + timedelta(days=days))
        people.keep_token(tx, secret, grant)
    teller.warn(
        f"Role {role.value}, scope {' '.join(codes) or 'all'}, holds {days} days. Shown once:"
    )
    teller.say(secret)


def requeue(line: Line, asked: Request, teller: Teller) -> None:
    """Put parked entries back in line."""
    ids = [_number(each) for each in asked.all("id")]
    with line.database.write(Rank.PAGE) as tx:
        left = put_back(tx, ids, feed_finder(line.site))
    teller.say(f"{len(set(ids)) - len(left)} requeued.")
    for entry_id, why in left.items():
        teller.warn(f"{entry_id}: {why}.")
    if left:
        raise CommandFailed(f"{len(left)} stay as they are.")


def resend(line: Line, asked: Request, teller: Teller) -> None:
    """Let outbox messages go again, those that still may."""
    ids = [_number(each) for each in asked.all("id")]
    if way := asked.one("destination"):
        with line.database.read() as tx:
            ids += [each.id for each in outbox.find(tx, stuck=True) if each.destination == way]
        if not ids:
            raise CommandFailed(f"Nothing is stuck for {way}.")
    refused = sends.resend(line, asked.one("actor"), ids)
    for each in dict.fromkeys(ids):
        if each not in refused:
            teller.say(f"Parcel {each} waits to be sent again.")
    told = [f"Parcel {each} is not sent again: {why}." for each, why in refused.items()]
    if len(ids) == 1 and told:
        raise CommandFailed(told[0])
    for each_told in told:
        teller.warn(each_told)
    if told:
        raise CommandFailed(f"{len(told)} stay as they are.")


def hold(line: Line, asked: Request, teller: Teller) -> None:
    """Hold every send, and say from where on each sender must send again."""
    now, why = line.now(), _said(asked, "why", "say why")
    with line.database.write(Rank.PAGE) as tx:
        held = sends.hold(tx, why, now)
        entry = ("outbox hold", "outbox", held.why)
        people.audit(tx, people.Audited(now, asked.one("actor"), "engineer", *entry))
    for each in sends.words_of_hold(held):
        teller.say(each)


def release(line: Line, asked: Request, teller: Teller) -> None:
    """Send what waits; what waits for a destination that is kept is left to a person."""
    now, by, keep = line.now(), _said(asked, "by", "name who decided it"), asked.all("keep")
    wanted = holds.Release(by, now, dict(map(_register_of, asked.all("with_register_of"))))
    with line.database.write(Rank.PAGE) as tx:
        held = holds.standing(tx)
        if held is None and not holds.kept_centres(tx):
            raise CommandFailed("No sends are held.")
        known = {way.destination for way in routes_of(line.site, line.has_hospital_server)}
        known |= {queue.destination for queue in destinations.queues(tx)}
        kept = outbox.strand(tx, _others(known, keep), now, KEPT) if keep else 0
        centres = holds.release(tx, wanted) or ()
        of = held.why if held else "the register of a centre"
        entry = ("outbox release", "outbox", f"{of}; released by {by}")
        people.audit(tx, people.Audited(now, asked.one("actor"), "engineer", *entry))
    teller.say(f"Sends go again, released by {by}; {kept} parcels are kept as stuck.")
    for each in (*(sends.missing(held.newest) if held else ()), *map(_kept, centres)):
        teller.say(each)


def run(line: Line, asked: Request, teller: Teller) -> None:
    """One of the commands, once its words can be kept and shown; wherever it was typed."""
    for name, said in asked.arguments.items():
        for word in said:
            if len(word) > LONGEST or not word.isprintable():
                raise CommandFailed(
                    f"{name.replace('_', '-')}: use at most {LONGEST} characters that can be shown."
                )
    COMMANDS_BESIDE[asked.command].act(line, asked, teller)


COMMANDS_BESIDE: Mapping[str, Command] = {
    "register import": Command(import_rows, migrates=True),
    "token create": Command(create_token, migrates=True),
    "journal requeue": Command(requeue),
    "outbox resend": Command(resend),
    "outbox hold": Command(hold),
    "outbox release": Command(release),
}
"""By the name that is typed."""


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


def _said(asked: Request, name: str, wanted: str) -> str:
    if said := asked.one(name).strip():
        return said
    raise CommandFailed(f"--{name}: {wanted}.")


def _role(said: str) -> Role:
    try:
        return Role(said)
    except ValueError as err:
        raise CommandFailed(f"There is no role {said}.") from err


def _number(said: str) -> int:
    if not said.isascii() or not said.isdigit() or len(said) > 18:
        raise CommandFailed("A number is missing or is no number.")
    return int(said)
