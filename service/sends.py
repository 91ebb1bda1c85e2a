"""What a person does about sends: one goes again, or all that were held after a restore."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, func, select

from alerts.rules.news import undone
from alerts.store import alerts as alert_store
from alerts.store import holds, outbox, people, register
from ingest.journal import journal
from service.database import Rank
from service.pipeline import Line, decide_again

RESTORED = "restored from a backup"
# When the newest message of each feed came; a whole look at the journal, once in a restore.
_NEWEST = (
    select(journal.c.feed, func.max(journal.c.received_at))
    .where(journal.c.feed != "")
    .group_by(journal.c.feed)
)


def resend(line: Line, actor: str, ids: Sequence[int]) -> dict[int, str]:
    """Let outbox messages go again, each decided anew before; why not, for each that does not.

    Each is a transaction and an audit row of its own.
    """
    told = {}
    for message_id in dict.fromkeys(ids):
        with line.database.write(Rank.PAGE) as tx:
            register.share(tx)
            why = _resend(tx, line, message_id)
            people.audit(tx, _audited(actor, message_id, why, line.now()))
        if why:
            told[message_id] = why
    return told


def _resend(tx: Connection, line: Line, message_id: int) -> str:
    """Why it does not go; empty if it does."""
    found = outbox.get(tx, message_id)
    if found is None:
        return "there is no such message"
    decide_again(tx, line, found.stay)
    held = alert_store.raised_for(tx, (found.stay,))[found.stay]
    if found.alert in undone(each.alert for each in held):
        return "what it says was taken back since"
    if outbox.resend(tx, message_id, line.now()):
        return ""
    now = outbox.get(tx, message_id)
    state = now.state if now is not None else found.state
    if state == "sending":
        return "it is just being sent"
    return "a newer version of it stands, or it was taken back: this one may not go any more"


def _audited(actor: str, message_id: int, why: str, now: datetime) -> people.Audited:
    reason = f"refused: {why}" if why else ""
    return people.Audited(now, actor, "engineer", "outbox resend", f"outbox/{message_id}", reason)


def hold(tx: Connection, why: str, now: datetime) -> holds.Hold:
    """Hold every send, and note where each feed ends."""
    newest = {str(f): at.replace(tzinfo=now.tzinfo) for f, at in tx.execute(_NEWEST)}
    return holds.hold(tx, why, newest, now)


def words_of_hold(held: holds.Hold) -> Iterator[str]:
    """Since when sends are held, and what to ask each sender for."""
    yield f"Sends are held since {_exact(held.since)}: {held.why}."
    yield from missing(held.newest)
    yield "When that was sent again: thinkcarer outbox release --by NAME"


def missing(newest: Mapping[str, datetime]) -> Iterator[str]:
    """What may be missing, by feed and time."""
    if not newest:
        yield "No message of any feed is known: ask every sender to send everything again."
    for feed, at in sorted(newest.items()):
        yield (
            f"Everything from {feed} after {_exact(at)} may be missing: "
            "ask that sender to send again from there."
        )


def _exact(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
