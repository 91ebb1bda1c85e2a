"""The way in and out: a token, or in the demo one press; and where the viewer's desk is."""

import secrets
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request, Response
from pydantic import BaseModel

from alerts.model.site import Site
from service.web.access import (
    COOKIE,
    NotAllowed,
    Role,
    Viewer,
    by_secret,
    check_csrf,
    is_same,
    sign_in,
    sign_out,
)
from service.web.desk import Desk
from service.web.views import (
    DeskHere,
    ViewerHere,
    home_of,
    page,
    perhaps_signed_in,
    see_other,
    state_of,
)

router = APIRouter()
FORM_COOKIE = "thinkcarer_form"
"""Holds what the sign-in form must repeat: nobody has a session yet that could."""
UNKNOWN = "This token is not known here, or it has expired"
MACHINE = "This token is for a system that sends messages, not for a person"
TOO_MANY = "Too many attempts from this address. Wait five minutes and try again"


@dataclass(frozen=True, slots=True)
class Door:
    """One role to look around as, in the demo."""

    id: str
    text: str
    viewer: Viewer


@dataclass(frozen=True, slots=True)
class SignInPage:
    """signin.html"""

    csrf: str
    doors: tuple[Door, ...]
    error: str = ""


class SignInForm(BaseModel):
    """A token, or the door that was pressed."""

    csrf: str = ""
    token: str = ""
    door: str = ""


class SignOutForm(BaseModel):
    """Nothing but proof that the form is ours."""

    csrf: str = ""


@router.get("/")
def start(request: Request, desk: DeskHere) -> Response:
    """The viewer's desk, or the sign-in page."""
    viewer = perhaps_signed_in(request)
    if viewer is not None:
        return see_other(home_of(desk.site, viewer))
    return _form(request, desk)


@router.post("/sign-in")
def with_token(request: Request, desk: DeskHere, form: Annotated[SignInForm, Form()]) -> Response:
    """Open a session for whoever holds the token, no longer than the token is good."""
    _check(request, form)
    attempts = state_of(request).attempts
    address = request.client.host if request.client else ""
    if not attempts.may_try(address, desk.now()):
        return _form(request, desk, TOO_MANY, 429)
    with desk.database.read() as tx:
        held = by_secret(tx, form.token.strip(), desk.now())
    if held is None:
        attempts.failed(address, desk.now())
        return _form(request, desk, UNKNOWN, 401)
    if held.viewer.role is Role.FEED:
        return _form(request, desk, MACHINE, 403)
    return _admitted(request, desk, held.viewer, sign_in(desk, held.viewer, held.until))


@router.post("/sign-in/demo")
def with_one_press(
    request: Request, desk: DeskHere, form: Annotated[SignInForm, Form()]
) -> Response:
    """Open a session as one of the demo's people; there are none outside the demo."""
    _check(request, form)
    door = next((d for d in _doors(desk) if d.id == form.door), None)
    if door is None:
        raise HTTPException(404)
    return _admitted(request, desk, door.viewer, sign_in(desk, door.viewer))


@router.post("/sign-out")
def leave(
    request: Request, desk: DeskHere, viewer: ViewerHere, form: Annotated[SignOutForm, Form()]
) -> Response:
    """End the session here and in the database."""
    check_csrf(viewer, form.csrf)
    sign_out(desk, request.cookies.get(COOKIE))
    answer = see_other("/")
    answer.delete_cookie(COOKIE)
    return answer


def _form(request: Request, desk: Desk, error: str = "", status: int = 200) -> Response:
    token = request.cookies.get(FORM_COOKIE) or secrets.token_urlsafe(24)
    answer = page(request, "signin.html", SignInPage(token, _doors(desk), error), None, status)
    _set_cookie(request, answer, FORM_COOKIE, token)
    return answer


def _check(request: Request, form: SignInForm) -> None:
    if not is_same(request.cookies.get(FORM_COOKIE, ""), form.csrf):
        raise NotAllowed(NotAllowed.__doc__)


def _admitted(request: Request, desk: Desk, viewer: Viewer, cookie: str) -> Response:
    answer = see_other(home_of(desk.site, viewer))
    _set_cookie(request, answer, COOKIE, cookie)
    answer.delete_cookie(FORM_COOKIE)
    return answer


def _set_cookie(request: Request, answer: Response, name: str, value: str) -> None:
    is_secure = request.url.scheme == "https"
    answer.set_cookie(name, value, httponly=True, samesite="lax", secure=is_secure, path="/")


def _doors(desk: Desk) -> tuple[Door, ...]:
    """Each live ward, each centre, each hospital's coordinator and the engineers."""
    return _demo_doors(desk.site) if desk.one_click else ()


def _demo_doors(site: Site) -> tuple[Door, ...]:
    people = [
        *(
            Viewer(Role.WARD, (f"{w.hospital}/{w.code}",), f"Ward nurse, {w.name}")
            for w in site.wards
            if w.live
        ),
        *(Viewer(Role.CENTRE, (c.code,), f"Carer centre, {c.name}") for c in site.centres),
        *(Viewer(Role.COORDINATOR, (h.code,), f"Coordinator, {h.name}") for h in site.hospitals),
        Viewer(Role.ENGINEER, (), "Engineer"),
    ]
    return tuple(Door(":".join((v.role.value, *v.scope)), v.name, v) for v in people)
