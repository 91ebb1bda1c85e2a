"""The engineers' journal: every message and what came of it, without patient detail."""

from dataclasses import dataclass
from typing import Annotated, cast, get_args
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import Response

from alerts.store import outbox
from ingest import journal
from service.web.access import Role
from service.web.nav import Link, links
from service.web.queries import entries
from service.web.views import DeskHere, ViewerHere, page
from service.web.words import parsed

router = APIRouter()
PAGE = 50
STATES: tuple[str, ...] = get_args(journal.State)


@dataclass(frozen=True, slots=True)
class JournalPage:
    """``journal.html``."""

    title: str
    nav: tuple[Link, ...]
    rows: list[journal.EntryRow]
    older: str
    control_id: str
    state: str
    since: str
    states: tuple[str, ...]
    waiting: int
    parked: int
    outbox_waiting: int
    outbox_stuck: int


@router.get("/journal", include_in_schema=False)
def show(  # noqa: PLR0913 - a form's fields
    request: Request,
    desk: DeskHere,
    viewer: ViewerHere,
    control_id: Annotated[str, Query(max_length=200)] = "",
    state: Annotated[str, Query(max_length=20)] = "",
    since: Annotated[str, Query(max_length=40)] = "",
    before: Annotated[int | None, Query(ge=1)] = None,
) -> Response:
    """The list, newest first."""
    if viewer.role not in (Role.ENGINEER, Role.AUDITOR):
        raise HTTPException(404)
    search = journal.Search(
        state=cast(journal.State, state) if state in STATES else None,
        since=parsed(since) if since else None,
        control_id=control_id.strip() or None,
        before=before,
        newest_first=True,
        limit=PAGE + 1,
    )
    with desk.database.read() as tx:
        rows = entries(viewer, tx, search)
        counts, parcels = journal.counts(tx), outbox.counts(tx)
    context = JournalPage(
        title="Journal",
        nav=links(request.url.path, (("Journal", "/journal"),)),
        rows=rows[:PAGE],
        older=_older(rows, {"control_id": control_id, "state": state, "since": since}),
        control_id=control_id,
        state=state,
        since=since,
        states=STATES,
        waiting=counts.get("waiting", 0),
        parked=counts.get("parked", 0),
        outbox_waiting=parcels.get("waiting", 0) + parcels.get("sending", 0),
        outbox_stuck=parcels.get("stuck", 0),
    )
    return page(request, "journal.html", context, viewer)


def _older(rows: list[journal.EntryRow], search: dict[str, str]) -> str:
    if len(rows) <= PAGE:
        return ""
    asked = {name: value for name, value in search.items() if value}
    return f"/journal?{urlencode(asked | {'before': rows[PAGE - 1].id})}"
