"""A carer centre's inbox: whom to contact by when, and news to take note of."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request, Response
from pydantic import BaseModel

from alerts.model.alert import Task
from alerts.model.events import Answer, Answered
from service.web.access import Role, Viewer, check_csrf
from service.web.desk import Desk
from service.web.inbox import ANSWERS, Cards, cards, thread
from service.web.queries.bedsides import OPEN
from service.web.queries.inboxes import Item, inbox
from service.web.views import (
    DeskHere,
    ViewerHere,
    centre_path,
    home_of,
    one_at_a_time,
    page,
    see_other,
)
from service.web.words import Clock

router = APIRouter()
LATELY = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class CentrePage:
    """centre.html"""

    title: str
    path: str
    code: str
    name: str
    cards: Cards
    waiting: int
    stamp: str
    can_record: bool


class Reply(BaseModel):
    """One button of one item."""

    csrf: str = ""
    centre: str = ""
    alert: str = ""
    answer: str = ""
    seen: int = 0


@router.get("/centre")
def first_centre(desk: DeskHere, viewer: ViewerHere) -> Response:
    """The viewer's first inbox."""
    if viewer.role is not Role.CENTRE:
        raise HTTPException(404)
    return see_other(home_of(desk.site, viewer))


@router.get("/centre/{code}")
def show(request: Request, desk: DeskHere, viewer: ViewerHere) -> Response:
    """The inbox of one centre."""
    centre = desk.site.centre(request.path_params["code"])
    if centre is None or not viewer.sees(Role.CENTRE, centre.code):
        raise HTTPException(404)
    clock = Clock(desk.now())
    found = cards(_items(desk, viewer, centre.code), desk.site, clock)
    context = CentrePage(
        title="Inbox",
        path=centre_path(centre.code),
        code=centre.code,
        name=centre.name,
        cards=found,
        waiting=sum(map(len, (found.urgent, found.stopped, found.to_contact, found.news))),
        stamp=clock.stamp(),
        can_record=viewer.works_at(Role.CENTRE, centre.code),
    )
    return page(request, "centre.html", context, viewer)


@router.post("/centre/answer")
def reply(
    request: Request, desk: DeskHere, viewer: ViewerHere, pressed: Annotated[Reply, Form()]
) -> Response:
    """Keep what the centre answered; a second press of the same button keeps no more."""
    check_csrf(viewer, pressed.csrf)
    if not viewer.works_at(Role.CENTRE, pressed.centre):
        raise HTTPException(404)
    if pressed.answer not in ANSWERS:
        raise HTTPException(400)
    with one_at_a_time(request):
        items = {i.alert.id: i for i in _items(desk, viewer, pressed.centre)}
        item = items.get(pressed.alert)
        if item is None:
            raise HTTPException(404)
        if len(item.answers) == pressed.seen and _takes(item, ANSWERS[pressed.answer]):
            _keep(desk, viewer, item, ANSWERS[pressed.answer])
            # What was shown as one item is seen as one, what it overtook too.
            for notice in thread(items.values(), item):
                if notice is not item and not notice.answers:
                    _keep(desk, viewer, notice, Answer.SEEN)
    return see_other(centre_path(pressed.centre))


def _items(desk: Desk, viewer: Viewer, code: str) -> tuple[Item, ...]:
    with desk.database.read() as tx:
        return inbox(viewer, tx, code, desk.now() - LATELY)


def _takes(item: Item, answer: Answer) -> bool:
    """News can be seen; a Task that is open takes every answer."""
    if isinstance(item.alert, Task):
        return item.alert.status.value in OPEN
    return answer is Answer.SEEN


def _keep(desk: Desk, viewer: Viewer, item: Item, answer: Answer) -> None:
    answered = Answered(item.alert.id, answer, desk.now(), viewer.name)
    desk.acts.answer(viewer.name, item.alert.stay, answered)
