"""One message: what became of it and why, what left because of it, and its fields."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request, Response
from itsdangerous import BadSignature, Signer
from pydantic import BaseModel

from alerts.doubt_words import doubt_words
from alerts.store import people
from alerts.store.outbox import ParcelRow
from ingest.entry import Entry
from mapping.hl7.text import decode
from service import outcomes
from service.database import Rank
from service.web.access import Viewer, check_csrf
from service.web.desk import Desk
from service.web.hiding import Shown, fields
from service.web.pages.journal import check
from service.web.queries import entries
from service.web.views import DeskHere, ViewerHere, page, see_other
from service.web.words import Clock

router = APIRouter()
SHOW_FOR = timedelta(minutes=15)
SHOW_COOKIE = "thinkcarer_shown"
REASONS = {
    "fault": "Fault or incident",
    "match": "Match query from a ward",
    "test": "Feed acceptance test",
}


@dataclass(frozen=True, slots=True)
class Decided:
    """One question asked of the message."""

    question: str
    answer: str
    why: str


@dataclass(frozen=True, slots=True)
class MessagePage:
    """message.html"""

    title: str
    entry: Entry
    story: tuple[tuple[str, str], ...]
    decisions: tuple[Decided, ...]
    doubts: tuple[tuple[str, str], ...]
    parcels: tuple[ParcelRow, ...]
    fields: tuple[Shown, ...]
    more: int
    as_received: str
    shown_until: datetime | None
    reasons: tuple[tuple[str, str], ...]
    errors: tuple[tuple[str, str], ...]
    path: str


class Ask(BaseModel):
    """Why somebody needs to see patient detail."""

    csrf: str = ""
    reason: str = ""
    reference: str = ""


class Hide(BaseModel):
    """Nothing but proof that the form is ours."""

    csrf: str = ""


@router.get("/journal/{entry_id}")
def show(entry_id: int, request: Request, desk: DeskHere, viewer: ViewerHere) -> Response:
    """The message, values of persons hidden unless this session gave a reason of late."""
    return _printed(entry_id, request, desk, viewer)


@router.post("/journal/{entry_id}/show")
def open_up(
    entry_id: int,
    request: Request,
    desk: DeskHere,
    viewer: ViewerHere,
    asked: Annotated[Ask, Form()],
) -> Response:
    """Show the values for a quarter of an hour; who, when and why are in the audit first."""
    check_csrf(viewer, asked.csrf)
    entry = _entry(entry_id, desk, viewer)
    errors = _errors(asked)
    if errors:
        request.state.errors = errors
        return _printed(entry_id, request, desk, viewer)
    now = desk.now()
    line = people.Audited(
        at=now,
        actor=viewer.name,
        role=viewer.role.value,
        action="message-shown",
        subject=f"journal/{entry.id}",
        reason=f"{REASONS[asked.reason]}, {asked.reference.strip()}",
    )
    with desk.database.write(Rank.PAGE) as tx:
        people.audit(tx, line)
    answer = see_other(f"/journal/{entry.id}")
    until = (now + SHOW_FOR).isoformat()
    answer.set_cookie(
        SHOW_COOKIE,
        Signer(desk.secret_key, salt="shown").sign(_told(entry.id, viewer, until)).decode(),
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
        path=f"/journal/{entry.id}",
    )
    return answer


@router.post("/journal/{entry_id}/hide")
def close(
    entry_id: int, desk: DeskHere, viewer: ViewerHere, asked: Annotated[Hide, Form()]
) -> Response:
    """Hide the values again."""
    check_csrf(viewer, asked.csrf)
    entry = _entry(entry_id, desk, viewer)
    answer = see_other(f"/journal/{entry.id}")
    answer.delete_cookie(SHOW_COOKIE, path=f"/journal/{entry.id}")
    return answer


def _printed(entry_id: int, request: Request, desk: Desk, viewer: Viewer) -> Response:
    entry = _entry(entry_id, desk, viewer)
    with desk.database.read() as tx:
        sent = entries.parcels(viewer, tx, entry.id)
    until = _shown_until(request, desk, viewer, entry.id)
    errors = getattr(request.state, "errors", ())
    feed = desk.site.feed(entry.feed)
    charset = feed.charset if feed else "cp1252"
    found, more = fields(entry.raw, charset, until is not None) if entry.raw else ((), 0)
    received = decode(entry.raw, charset).text.replace("\r", "\n") if until else ""
    context = MessagePage(
        title=f"Message {entry.control_id or f'without control ID, row {entry.id}'}",
        entry=entry,
        story=_story(entry, sent, Clock(desk.now())),
        decisions=_decisions(entry),
        doubts=_doubts(entry),
        parcels=sent,
        fields=found,
        more=more,
        as_received=received,
        shown_until=until,
        reasons=tuple(REASONS.items()),
        errors=errors,
        path=f"/journal/{entry.id}",
    )
    return page(request, "message.html", context, viewer, 422 if errors else 200)


def _entry(entry_id: int, desk: Desk, viewer: Viewer) -> Entry:
    check(viewer)
    with desk.database.read() as tx:
        found = entries.entry(viewer, tx, entry_id) if abs(entry_id) < 2**63 else None
    if found is None:
        raise HTTPException(404)
    return found


def _errors(asked: Ask) -> tuple[tuple[str, str], ...]:
    errors = []
    if asked.reason not in REASONS:
        errors.append(("Choose a reason", "reason"))
    if not asked.reference.strip() or len(asked.reference) > 100:
        errors.append(("Write the incident or request number", "reference"))
    return tuple(errors)


def _told(entry_id: int, viewer: Viewer, until: str) -> str:
    """What the cookie says: which entry, which session, until when."""
    session = sha256(viewer.csrf.encode()).hexdigest()[:32]
    return f"{entry_id}|{session}|{until}"


def _shown_until(request: Request, desk: Desk, viewer: Viewer, entry_id: int) -> datetime | None:
    try:
        signer = Signer(desk.secret_key, salt="shown")
        told = signer.unsign(request.cookies.get(SHOW_COOKIE, "")).decode()
    except (BadSignature, UnicodeDecodeError):
        return None
    until = told.rpartition("|")[2]
    if told != _told(entry_id, viewer, until):
        return None
    at = datetime.fromisoformat(until)
    return at if desk.now() < at <= desk.now() + SHOW_FOR else None  # or the clock was set back


def _decisions(entry: Entry) -> tuple[Decided, ...]:
    """The grounds that the journal keeps; an entry that was not settled has none."""
    grounds = outcomes.grounds_of(entry.outcome)
    return tuple(Decided(g.question, g.answer, g.why) for g in grounds)


def _doubts(entry: Entry) -> tuple[tuple[str, str], ...]:
    """Field and words of what was doubtful; never a value."""
    return tuple((d.where, doubt_words(d)) for d in outcomes.doubts_of(entry.outcome))


def _story(entry: Entry, sent: tuple[ParcelRow, ...], clock: Clock) -> tuple[tuple[str, str], ...]:
    answer = entry.answer.decode("ascii", "replace")
    code = answer.partition("\rMSA|")[2][:2]
    told = [
        (entry.received_at, f"Stored as row {entry.id}, then answered {code or 'nothing'}."),
    ]
    if entry.settled_at:
        told.append((entry.settled_at, f"{entry.state.capitalize()}: {entry.reason or 'done'}."))
    for parcel in sent:
        told.append((parcel.created_at, f"{parcel.kind} {parcel.alert} queued for {_to(parcel)}."))
        if parcel.settled_at:
            word = f"{parcel.kind} {parcel.alert} {parcel.state}"
            told.append((parcel.settled_at, f"{word}, attempt {max(1, parcel.attempts)}."))
    return tuple((clock.exact(at), words) for at, words in sorted(told, key=lambda line: line[0]))


def _to(parcel: ParcelRow) -> str:
    return f"{parcel.recipient.code}, {parcel.channel}"
