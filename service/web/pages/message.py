"""One message: what happened, why, what left because of it; patient detail only behind a reason."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import Response

from alerts.store import people
from alerts.store.outbox import ParcelRow
from ingest import journal
from mapping.hl7.plan import FieldLine, explain
from mapping.hl7.text import decode
from service.database import Rank
from service.web.access import Role, Viewer, check_csrf
from service.web.desk import Desk
from service.web.nav import Link, links
from service.web.queries import entry, parcels
from service.web.views import DeskHere, ViewerHere, page

router = APIRouter()
OPEN_SEGMENTS = ("MSH", "EVN")
OPEN_FIELDS = ("PV1-2", "PV1-3", "PV1-6", "PV2-9", "ZU8-4", "PV1-36", "PV1-37")
"""What may be read without a reason: no value of it names or describes a person."""


@dataclass(frozen=True, slots=True)
class MessagePage:
    """``message.html``."""

    title: str
    nav: tuple[Link, ...]
    id: int
    control_id: str
    trigger: str
    source: str
    received_at: datetime
    size: int
    state: str
    words: str
    story: tuple[tuple[datetime, str], ...]
    decisions: list[list[str]]
    sent: list[ParcelRow]
    fields: list[FieldLine]
    may_show: bool
    is_shown: bool = False
    reason: str = ""
    raw: str = ""
    error: str = ""


@router.get("/journal/{entry_id}", include_in_schema=False)
def show(request: Request, desk: DeskHere, viewer: ViewerHere, entry_id: int) -> Response:
    """The message with patient detail hidden."""
    return _page(request, desk, viewer, entry_id)


@router.post("/journal/{entry_id}/show", include_in_schema=False)
def reveal(  # noqa: PLR0913 - a form's fields
    request: Request,
    desk: DeskHere,
    viewer: ViewerHere,
    entry_id: int,
    csrf: Annotated[str, Form()] = "",
    reason: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """The message in full, once; who looked and why is kept first."""
    check_csrf(viewer, csrf)
    if viewer.role is not Role.ENGINEER:
        raise HTTPException(404)
    said = reason.strip()
    if len(said) < 5:
        return _page(request, desk, viewer, entry_id, error="Say why you need to see it")
    _found(desk, viewer, entry_id)
    line = people.Audited(
        desk.now(), viewer.name, viewer.role.value, "message shown", f"journal/{entry_id}", said
    )
    with desk.database.write(Rank.PAGE) as tx:
        people.audit(tx, line)
    return _page(request, desk, viewer, entry_id, reason=said)


def _found(desk: Desk, viewer: Viewer, entry_id: int) -> tuple[journal.Entry, list[ParcelRow]]:
    with desk.database.read() as tx:
        found = entry(viewer, tx, entry_id)
        sent = parcels(viewer, tx, entry_id)
    if found is None:
        raise HTTPException(404)
    return found, sent


def _page(  # noqa: PLR0913 - one page, shown or hidden
    request: Request,
    desk: Desk,
    viewer: Viewer,
    entry_id: int,
    reason: str = "",
    error: str = "",
) -> Response:
    found, sent = _found(desk, viewer, entry_id)
    feed = desk.site.feed(found.feed)
    text = decode(found.raw, feed.charset if feed else "cp1252").text or found.head
    fields = explain(text) if text else []
    context = MessagePage(
        title=f"Message {found.control_id or entry_id}",
        nav=links(request.url.path, (("Journal", "/journal"),)),
        id=entry_id,
        control_id=found.control_id or f"row {entry_id}",
        trigger=found.trigger,
        source=f"{found.source}, from {found.peer}",
        received_at=found.received_at,
        size=found.size,
        state=found.state,
        words=found.reason or found.state,
        story=_story(found, sent),
        decisions=json.loads(found.outcome) if found.outcome else [],
        sent=sent,
        fields=fields if reason else [_hidden(line) for line in fields],
        may_show=bool(found.raw) and viewer.role is Role.ENGINEER,
        is_shown=bool(reason),
        reason=reason,
        raw=text.replace("\r", "\n") if reason else "",
        error=error,
    )
    return page(request, "message.html", context, viewer, 422 if error else 200)


def _story(found: journal.Entry, sent: list[ParcelRow]) -> tuple[tuple[datetime, str], ...]:
    answer = found.answer.decode("ascii", "replace").replace("\r", " ").split("MSA|")
    story = [(found.received_at, f"Stored, row {found.id}, then answered {answer[-1][:2]}")]
    if found.repeats:
        story.append((found.received_at, f"Sent again {found.repeats} times; same answer"))
    if found.settled_at:
        story.append((found.settled_at, f"{found.state}: {found.reason or 'nothing to do'}"))
    for parcel in sent:
        if parcel.settled_at:
            words = f"{parcel.kind} for {parcel.recipient.code}: {parcel.state}"
            story.append((parcel.settled_at, words))
    return tuple(sorted(story))


def _hidden(line: FieldLine) -> FieldLine:
    segment, _, _ = line.path.partition("-")
    field = line.path.partition(".")[0]
    if segment in OPEN_SEGMENTS or field in OPEN_FIELDS or not line.value:
        return line
    return FieldLine(line.path, line.name, f"Hidden ({len(line.value)} characters)")
