"""The journal: every message that came in, what became of it, and how the feeds are."""

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Request, Response

from ingest.feed_activity import FeedHeard
from service.certificates import expired, expiring
from service.web.access import Role, Viewer
from service.web.desk import Desk
from service.web.freshness import is_silent
from service.web.queries import entries, receivers
from service.web.queries.entries import PAGE, Listed, Wanted
from service.web.queries.receivers import Stuck
from service.web.views import DeskHere, ViewerHere, page
from service.web.ways import WayCard, cards, told
from service.web.words import Clock, parsed

router = APIRouter()
STATES = ("waiting", "settled", "ignored", "parked", "refused")


@dataclass(frozen=True, slots=True)
class FeedCard:
    """One feed and when it last sent something."""

    name: str
    text: str
    is_late: bool


@dataclass(frozen=True, slots=True)
class JournalPage:
    """journal.html"""

    title: str
    rows: tuple[Listed, ...]
    older: str
    feeds: tuple[FeedCard, ...]
    states: tuple[str, ...]
    asked: Wanted
    since: str
    error: str
    waiting: int
    parked: int
    outbox_waiting: int
    outbox_stuck: int
    certificates: tuple[str, ...]
    ways: tuple[WayCard, ...]
    held: tuple[str, ...]
    stuck: tuple[Stuck, ...]
    stamp: str
    path: str = "/journal"


@router.get("/journal")
def show(request: Request, desk: DeskHere, viewer: ViewerHere) -> Response:
    """One page of the journal, newest first."""
    check(viewer)
    wanted, since, error = _wanted(request)
    clock = Clock(desk.now())
    with desk.database.read() as tx:
        found = () if error else entries.entries(viewer, tx, wanted)
        news = entries.feeds(viewer, tx, {feed.name for feed in desk.site.feeds})
        unfinished, unsent = entries.waiting(viewer, tx)
        ways = cards(receivers.queues(viewer, tx, desk.destinations), clock)
        held = receivers.hold(viewer, tx)
        stuck = receivers.stuck(viewer, tx)
    context = JournalPage(
        title="Journal",
        rows=found[:PAGE],
        older=_older(wanted, since, found[PAGE - 1].id) if len(found) > PAGE else "",
        feeds=tuple(_feed(feed.name, news.get(feed.name), clock) for feed in desk.site.feeds),
        states=STATES,
        asked=wanted,
        since=since,
        error=error,
        waiting=unfinished.get("waiting", 0),
        parked=unfinished.get("parked", 0),
        outbox_waiting=unsent.get("waiting", 0) + unsent.get("sending", 0),
        outbox_stuck=unsent.get("stuck", 0),
        certificates=_running_out(desk),
        ways=ways,
        held=() if held is None else told(held, clock),
        stuck=stuck,
        stamp=clock.stamp(),
    )
    return page(request, "journal.html", context, viewer, 400 if error else 200)


def check(viewer: Viewer) -> None:
    """404 for whoever is neither engineer nor auditor."""
    if viewer.role not in (Role.ENGINEER, Role.AUDITOR):
        raise HTTPException(404)


def _wanted(request: Request) -> tuple[Wanted, str, str]:
    """What was searched for, the time as it was typed, and why it cannot be read."""
    asked = request.query_params
    since = asked.get("since", "")
    at = parsed(since) if since else None
    before = asked.get("before", "")
    wanted = Wanted(
        control_id=asked.get("control_id", "").strip()[:200],
        trigger=asked.get("trigger", "").strip().upper()[:64],
        state=asked.get("state", "") if asked.get("state", "") in STATES else "",
        since=at,
        before=int(before) if before.isascii() and before.isdigit() and len(before) < 18 else 0,
    )
    error = "Write the time like 2026-11-24T09:00" if since and at is None else ""
    return wanted, since[:40], error


def _older(wanted: Wanted, since: str, last: int) -> str:
    asked = {
        "control_id": wanted.control_id,
        "trigger": wanted.trigger,
        "state": wanted.state,
        "since": since,
        "before": str(last),
    }
    return "/journal?" + urlencode({name: value for name, value in asked.items() if value})


def _running_out(desk: Desk) -> tuple[str, ...]:
    """What to do about certificates, in sentences."""
    found, now = desk.certificates(), desk.now()
    return (*expired(found, now), *expiring(found, now))


def _feed(name: str, heard: FeedHeard | None, clock: Clock) -> FeedCard:
    if heard is None:
        return FeedCard(name, "No message settled yet", True)
    at, is_late = heard.at, is_silent(heard, clock)
    minutes = max(0, (clock.now - at) // timedelta(minutes=1))
    if minutes >= _HOUR:
        return FeedCard(name, f"Last settled message {clock.time(at)}", is_late)
    words = "in the last minute" if minutes == 0 else f"{minutes} min ago"
    return FeedCard(name, f"Last settled message {words}", is_late)


_HOUR = 60
