"""Sign-in by token, one click in the demo, and sign-out."""

import time
from collections import defaultdict
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from alerts.model.site import Site
from service.web.access import (
    COOKIE,
    SESSION_FOR,
    Role,
    Viewer,
    by_secret,
    check_csrf,
    sign_in,
    sign_out,
)
from service.web.desk import Desk
from service.web.nav import Link
from service.web.views import HOMES, DeskHere, ViewerHere, page, see_other

router = APIRouter()
WRONG = "That token is not known or no longer holds. Check it, or ask for a new one"
TRIES = 10
"""Wrong tokens an address may try in a minute."""


@dataclass(frozen=True, slots=True)
class Person:
    """A button of the demo."""

    key: str
    words: str
    viewer: Viewer


@dataclass(frozen=True, slots=True)
class SignInPage:
    """``signin.html``."""

    title: str = "Sign in"
    nav: tuple[Link, ...] = ()
    error: str = ""
    one_click: tuple[Person, ...] = ()


@router.get("/", include_in_schema=False)
def show(request: Request, desk: DeskHere) -> Response:
    """The sign-in page."""
    _refuse_elsewhere(desk)
    return page(request, "signin.html", SignInPage(one_click=_people(desk)), None)


@router.post("/sign-in", include_in_schema=False)
def by_token(
    request: Request, desk: DeskHere, token: Annotated[str, Form(max_length=512)] = ""
) -> Response:
    """Sign in whoever holds a token."""
    _refuse_elsewhere(desk)
    tries: dict[str, list[float]] = request.app.state.sign_in_tries
    peer = request.client.host if request.client else ""
    recent = [at for at in tries[peer] if time.monotonic() - at < 60]
    tries[peer] = recent
    viewer = None
    if len(recent) < TRIES:
        with desk.database.read() as tx:
            viewer = by_secret(tx, token.strip(), desk.now())
    if viewer is None or viewer.role is Role.FEED:
        recent.append(time.monotonic())
        refused = SignInPage(error=WRONG, one_click=_people(desk))
        return page(request, "signin.html", refused, None, 422)
    return _enter(request, desk, viewer)


@router.post("/sign-in/demo", include_in_schema=False)
def in_demo(
    request: Request, desk: DeskHere, person: Annotated[str, Form(max_length=64)]
) -> Response:
    """One click, in the demo alone."""
    for each in _people(desk):
        if each.key == person:
            return _enter(request, desk, each.viewer)
    raise HTTPException(404)


@router.post("/sign-out", include_in_schema=False)
def leave(
    request: Request, desk: DeskHere, viewer: ViewerHere, csrf: Annotated[str, Form()] = ""
) -> RedirectResponse:
    """Lock the screen."""
    check_csrf(viewer, csrf)
    sign_out(desk, request.cookies.get(COOKIE))
    answer = see_other("/")
    answer.delete_cookie(COOKIE)
    return answer


def new_tries() -> dict[str, list[float]]:
    """Wrong tokens by address, in this process."""
    return defaultdict(list)


def _refuse_elsewhere(desk: Desk) -> None:
    if not desk.pages_open:
        raise HTTPException(403)


def _enter(request: Request, desk: Desk, viewer: Viewer) -> RedirectResponse:
    answer = see_other(HOMES[viewer.role])
    answer.set_cookie(
        COOKIE,
        sign_in(desk, viewer),
        max_age=int(SESSION_FOR.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return answer


def _people(desk: Desk) -> tuple[Person, ...]:
    return demo_people(desk.site) if desk.one_click else ()


def demo_people(site: Site) -> tuple[Person, ...]:
    """One of each kind, at this site's desks."""
    nurses = [
        Person(
            f"ward-{w.code}",
            f"Ward nurse, {w.name}",
            Viewer(Role.WARD, (f"{w.hospital}/{w.code}",), f"Nurse, {w.name}"),
        )
        for w in site.wards
        if w.live
    ]
    centres = [
        Person(
            f"centre-{c.code}",
            f"Centre worker, {c.name}",
            Viewer(Role.CENTRE, (c.code,), f"Worker, {c.name}"),
        )
        for c in site.centres
    ]
    hospitals = tuple(h.code for h in site.hospitals)
    return (
        *nurses,
        *centres,
        Person(
            "coordinator",
            "Discharge coordinator",
            Viewer(Role.COORDINATOR, hospitals, "Discharge coordinator"),
        ),
        Person("engineer", "Integration engineer", Viewer(Role.ENGINEER, (), "Engineer")),
    )
