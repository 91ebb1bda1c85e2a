"""The commands that can run beside a service: one function each, wherever it runs."""

import secrets
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

from alerts.delivery import routes_of
from alerts.model.register import Registration
from alerts.model.site import Site
from alerts.store import destinations, holds, outbox, people
from ingest.requeue import requeue as put_back
from mapping.register_csv import RegisterTerms, read
from service import sends
from service.beside.protocol import Request
from service.database import Rank
from service.deciding import Watch, import_register
from service.errors import CommandFailed
from service.pipeline import Line
from service.site import feed_finder
from service.web.access import Role, check_scope

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


def import_file(line: Line, asked: Request, teller: Teller) -> None:
    """Take in a register file: all of its rows or none."""
    terms = terms_of(line.site, asked.one("centre"), line.now().date())
    rows = checked_rows(asked.file, asked.one("name"), terms, teller.warn)

    watch = Watch(lambda done: teller.progress(done, len(rows)), teller.progress)
    result = import_register(line, rows, watch, wait=asked.one("wait") != "no")
    teller.say(f"{result.new} new, {result.changed} changed, {result.same} as before.")


def terms_of(site: Site, centre: str, today: date) -> RegisterTerms:
    """What a register file of this site may hold; a centre that is named is the only one."""
    return RegisterTerms(
        centres=tuple(c.code for c in site.centres),
        synthetic=site.synthetic,
        only_centre=centre or None,
        today=today,
    )


def checked_rows(
    data: bytes, name: str, terms: RegisterTerms, warn: Callable[[str], None]
) -> tuple[Registration, ...]:
    """The rows of a sound file; every fault of an unsound one is listed, and nothing is kept."""
    found = read(data, terms)
    for fault in found.faults:
        warn(f"line {fault.line}, {fault.column}: {fault.reason}")
    if found.faults:
        raise CommandFailed(
            f"{len(found.faults)} faults in {name}; nothing was changed. "
            "Mend the rows above and import the whole file again."
        )
    for doubt in found.doubts:
        warn(f"line {doubt.line}, {doubt.column}: {doubt.reason}")
    return found.rows


def create_token(line: Line, asked: Request, teller: Teller) -> None:
    """Make a token; only its digest is kept."""
    role, days = _role(asked.one("role")), _number(asked.one("days"))
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
    now = line.now()
    with line.database.write(Rank.PAGE) as tx:
        held = sends.hold(tx, asked.one("why"), now)
        entry = ("outbox hold", "outbox", held.why)
        people.audit(tx, people.Audited(now, asked.one("actor"), "engineer", *entry))
    for each in sends.words_of_hold(held):
        teller.say(each)


def release(line: Line, asked: Request, teller: Teller) -> None:
    """Send what waits; what waits for a destination that is kept is left to a person."""
    now, by, keep = line.now(), asked.one("by"), asked.all("keep")
    wanted = holds.Release(by, now, dict(map(_register_of, asked.all("with_register_of"))))
    with line.database.write(Rank.PAGE) as tx:
        held = holds.standing(tx)
        if held is None and not holds.kept_centres(tx):
            raise CommandFailed("No sends are held.")
        known = {way.destination for way in routes_of(line.site, line.has_hospital_server)}
        known |= {queue.destination for queue in destinations.queues(tx)}
        kept = outbox.strand(tx, _others(known, keep), now, KEPT) if keep else 0
        centres = holds.release(tx, wanted) or ()
        entry = ("outbox release", "outbox", held.why if held else "the register of a centre")
        people.audit(tx, people.Audited(now, by, "engineer", *entry))
    teller.say(f"Sends go again, released by {by}; {kept} parcels are kept as stuck.")
    for each in (*(sends.missing(held.newest) if held else ()), *map(_kept, centres)):
        teller.say(each)


COMMANDS_BESIDE: Mapping[str, Command] = {
    "register import": Command(import_file, migrates=True),
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


def _role(said: str) -> Role:
    try:
        return Role(said)
    except ValueError as err:
        raise CommandFailed(f"There is no role {said}.") from err


def _number(said: str) -> int:
    if not said.isascii() or not said.isdigit() or len(said) > 18:
        raise CommandFailed("A number is missing or is no number.")
    return int(said)
