"""What every page has in common: who is looking and how it is printed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Annotated, cast
from urllib.parse import quote

from fastapi import Depends, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from alerts.model.site import Site
from alerts.store import people
from service.database import Rank
from service.web.access import COOKIE, Role, Viewer, by_cookie
from service.web.attempts import Attempts
from service.web.desk import Desk
from service.web.words import Clock

SERVICE = "Think Carer"


class SignInFirst(Exception):
    """Nobody is signed in: the sign-in page comes first."""


class PagesClosed(Exception):
    """Pages need sign-in to be set up. The API, FHIR and health addresses work without it."""


@dataclass(frozen=True, slots=True)
class State:
    """What one app keeps while it runs."""

    desk: Desk
    templates: Environment
    attempts: Attempts
    turn: Lock
    """Held from looking at what was recorded until recording: a double press records once."""


@dataclass(frozen=True, slots=True)
class Link:
    """One desk of the viewer, for the menu."""

    text: str
    path: str


def environment() -> Environment:
    """The templates: every value is escaped, and a name that is missing is a fault."""
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def state_of(request: Request) -> State:
    """What this app was built with."""
    return cast(State, request.app.state.web)


def desk_of(request: Request) -> Desk:
    """The desk that this app was built with."""
    return state_of(request).desk


def open_pages(request: Request) -> Desk:
    """The desk, where pages may be shown at all; raises PagesClosed."""
    desk = desk_of(request)
    if not desk.pages_open:
        raise PagesClosed
    return desk


def signed_in(request: Request) -> Viewer:
    """The viewer; raises SignInFirst where nobody is signed in."""
    viewer = perhaps_signed_in(request)
    if viewer is None:
        raise SignInFirst
    return viewer


def perhaps_signed_in(request: Request) -> Viewer | None:
    """The viewer, None where nobody is signed in."""
    desk = open_pages(request)
    with desk.database.read() as tx:
        return by_cookie(tx, desk, request.cookies.get(COOKIE))


DeskHere = Annotated[Desk, Depends(open_pages)]
ViewerHere = Annotated[Viewer, Depends(signed_in)]


@contextmanager
def one_at_a_time(request: Request) -> Iterator[None]:
    """Look and record without another press of the same button in between."""
    with state_of(request).turn:
        yield


def page(
    request: Request, template: str, context: object, viewer: Viewer | None, status: int = 200
) -> HTMLResponse:
    """A page: its template told its context, the viewer, the site and the time."""
    desk = desk_of(request)
    if viewer is not None:
        note_read(desk, viewer, request.url.path)
    links = links_of(desk.site, viewer) if viewer else ()
    text = state_of(request).templates.get_template(template)
    printed = text.render(
        page=context,
        viewer=viewer,
        links=links,
        here=getattr(context, "path", request.url.path),
        is_synthetic=desk.site.synthetic,
        service=SERVICE,
        clock=Clock(desk.now()),
    )
    return HTMLResponse(printed, status)


def note_read(desk: Desk, viewer: Viewer, subject: str) -> None:
    """Whatever an auditor reads is itself audited."""
    if viewer.role is not Role.AUDITOR:
        return
    line = people.Audited(desk.now(), viewer.name, viewer.role.value, "read", subject)
    with desk.database.write(Rank.PAGE) as tx:
        people.audit(tx, line)


def links_of(site: Site, viewer: Viewer) -> tuple[Link, ...]:
    """Every desk that the viewer may open, in the order of the site file; the first is home."""
    wards = [
        Link(ward.name, ward_path(f"{ward.hospital}/{ward.code}"))
        for ward in site.wards
        if viewer.sees(Role.WARD, f"{ward.hospital}/{ward.code}")
    ]
    hospitals = [
        Link(f"{hospital.name}, next 48 hours", coordinator_path(hospital.code))
        for hospital in site.hospitals
        if viewer.sees(Role.COORDINATOR, hospital.code)
    ]
    centres = [
        Link(f"{centre.name}, inbox", centre_path(centre.code))
        for centre in site.centres
        if viewer.sees(Role.CENTRE, centre.code)
    ]
    is_technical = viewer.role in (Role.ENGINEER, Role.AUDITOR)
    journal = [Link("Journal", "/journal")] if is_technical else []
    return (*wards, *hospitals, *centres, *journal)


def ward_path(code: str) -> str:
    """Where the list of the ward ``hospital/ward`` is."""
    return f"/ward/{quote(code)}"


def coordinator_path(code: str) -> str:
    """Where the coordinator of that hospital looks."""
    return f"/coordinator/{quote(code, safe='')}"


def centre_path(code: str) -> str:
    """Where the inbox of that centre is."""
    return f"/centre/{quote(code, safe='')}"


def see_other(path: str, anchor: str = "") -> RedirectResponse:
    """Back to a page of ours after something was saved."""
    return RedirectResponse(path + (f"#{quote(anchor)}" if anchor else ""), 303)


def home_of(site: Site, viewer: Viewer) -> str:
    """The viewer's first desk; 404 where the role has none."""
    links = links_of(site, viewer)
    if not links:
        raise HTTPException(404)
    return links[0].path
