"""The carer centre's inbox: names come from the centre's own register, nothing clinical."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import Response

from alerts.model.alert import OPEN_STATUSES, Notice, NoticeStatus, Task, TaskCode
from alerts.model.events import Answer, Answered
from alerts.model.register import Registration
from alerts.model.site import Hospital, NoticeEvent
from service.web.access import Role, Viewer, check_csrf
from service.web.desk import Desk
from service.web.nav import Link, links
from service.web.queries import DeskItem, desk_items
from service.web.views import DeskHere, ViewerHere, page, scope_or_404, see_other
from service.web.words import Clock

router = APIRouter()
KEPT_FOR = timedelta(days=7)
"""How long a notice that was seen stays on the page."""
OVER = (NoticeEvent.CANCELLED, NoticeEvent.WITHDRAWN)
ANSWERS = {
    "seen": Answer.SEEN,
    "contacted": Answer.CONTACTED,
    "no-reply": Answer.NO_REPLY,
    "declined": Answer.DECLINED,
}


@dataclass(frozen=True, slots=True)
class Button:
    """One answer."""

    words: str
    value: str
    is_main: bool = False


SEEN = Button("We have seen this", "seen")
SPOKE = Button("Spoke to them", "contacted", is_main=True)
NO_REPLY = Button("No reply", "no-reply")
NO_THANKS = Button("Said no thanks", "declined")


@dataclass(frozen=True, slots=True)
class Note:
    """One Task or notice."""

    id: str
    stay: str
    headline: str
    about: str
    facts: tuple[tuple[str, str], ...]
    buttons: tuple[Button, ...]
    edge: str = ""
    due: str = ""
    meta: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Notes under one heading."""

    title: str
    icon: str
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class CentrePage:
    """``centre.html``."""

    title: str
    nav: tuple[Link, ...]
    centre: str
    action: str
    summary: str
    groups: tuple[Group, ...]


@router.get("/centre", include_in_schema=False)
def first(desk: DeskHere, viewer: ViewerHere) -> Response:
    """The viewer's first centre."""
    found = _centres(desk, viewer)
    if not found:
        raise HTTPException(404)
    return see_other(found[0][1])


@router.get("/centre/{code}", include_in_schema=False)
def show(request: Request, desk: DeskHere, viewer: ViewerHere, code: str) -> Response:
    """The inbox."""
    centre = desk.site.centre(code)
    if centre is None:
        raise HTTPException(404)
    scope_or_404(viewer, Role.CENTRE, code)
    clock = Clock(desk.now())
    with desk.database.read() as tx:
        items = desk_items(viewer, tx, Role.CENTRE, code)
    groups = _groups(desk, items, clock)
    context = CentrePage(
        title="Inbox",
        nav=links(request.url.path, _centres(desk, viewer)),
        centre=centre.name,
        action=f"/centre/{code}",
        summary=_summary(groups),
        groups=groups,
    )
    return page(request, "centre.html", context, viewer)


@router.post("/centre/{code}", include_in_schema=False)
def reply(  # noqa: PLR0913 - a form's fields
    desk: DeskHere,
    viewer: ViewerHere,
    code: str,
    csrf: Annotated[str, Form()] = "",
    stay: Annotated[str, Form(max_length=36)] = "",
    alert: Annotated[str, Form(max_length=36)] = "",
    answer: Annotated[str, Form(max_length=20)] = "",
) -> Response:
    """Keep the centre's answer."""
    check_csrf(viewer, csrf)
    scope_or_404(viewer, Role.CENTRE, code)
    if viewer.role is not Role.CENTRE or answer not in ANSWERS:
        raise HTTPException(404)
    with desk.database.read() as tx:
        items = desk_items(viewer, tx, Role.CENTRE, code)
    item = next((i for i in items if (i.alert.id, i.alert.stay) == (alert, stay)), None)
    if item is None:
        raise HTTPException(404)
    if _is_waiting(item.alert):
        said = Answered(alert, ANSWERS[answer], desk.now(), viewer.name)
        desk.acts.answer(viewer.name, stay, said)
    return see_other(f"/centre/{code}", alert)


def _groups(desk: Desk, items: tuple[DeskItem, ...], clock: Clock) -> tuple[Group, ...]:
    urgent: list[Note] = []
    contact: list[Note] = []
    news: list[Note] = []
    seen: list[Note] = []
    for item in items:
        alert = item.alert
        if isinstance(alert, Task):
            if alert.code is TaskCode.CONTACT_CARER and alert.status in OPEN_STATUSES:
                late = clock.is_late(alert.due_at)
                (urgent if late else contact).append(_task(desk, item, alert, clock))
        elif alert.status is not NoticeStatus.NOT_DONE:
            if alert.seen_at is None:
                news.append(_notice(desk, item, alert, clock))
            elif clock.now - alert.seen_at < KEPT_FOR:
                seen.append(_notice(desk, item, alert, clock))
    groups = (
        Group("Urgent", "warning", tuple(urgent)),
        Group("To contact", "phone", tuple(sorted(contact, key=lambda n: n.due))),
        Group("News", "calendar", tuple(news)),
        Group("Seen in the last 7 days", "tick", tuple(seen)),
    )
    return tuple(group for group in groups if group.notes)


def _task(desk: Desk, item: DeskItem, task: Task, clock: Clock) -> Note:
    carer = item.registration
    left = item.stay.discharged_at if item.stay else None
    when = f" went home on {clock.half_day(left)}" if left else " left hospital"
    taken = task.status.value != "requested"
    buttons = (SPOKE, NO_REPLY, NO_THANKS) if taken else (SEEN, SPOKE, NO_REPLY, NO_THANKS)
    late = clock.is_late(task.due_at)
    return Note(
        id=task.id,
        stay=task.stay,
        headline=f"{_name(carer)}: the person they help{when}",
        about=_name(carer),
        facts=_facts(desk, carer),
        buttons=buttons,
        edge="late" if late else "soon",
        due=clock.due(task.due_at) if task.due_at else "",
    )


def _notice(desk: Desk, item: DeskItem, notice: Notice, clock: Clock) -> Note:
    carer = item.registration
    is_over = notice.event in OVER or notice.status is not NoticeStatus.COMPLETED
    return Note(
        id=notice.id,
        stay=notice.stay,
        headline=_headline(notice, _name(carer), clock),
        about=_name(carer),
        facts=() if is_over else _facts(desk, carer),
        buttons=(SEEN,) if notice.seen_at is None else (),
        edge="over" if is_over or notice.seen_at else "",
        meta=f"Sent {clock.time(notice.decided_at)}",
    )


def _headline(notice: Notice, name: str, clock: Clock) -> str:
    planned = clock.short_day(notice.planned_on) if notice.planned_on else "not known"
    if notice.status is NoticeStatus.ENTERED_IN_ERROR:
        return f"{name}: sent in error, please disregard"
    match notice.event:
        case NoticeEvent.PLANNED:
            return f"{name}: the planned date is {planned}"
        case NoticeEvent.DATE_CHANGED:
            return f"{name}: the planned date is now {planned}"
        case NoticeEvent.DISCHARGED:
            when = f" on {clock.half_day(notice.happened_at)}" if notice.happened_at else ""
            return f"{name}: the person they help left hospital{when}"
        case NoticeEvent.CANCELLED:
            return f"Cancelled: {name}. An earlier notice no longer holds. Nothing to do"
        case NoticeEvent.WITHDRAWN:
            return f"Withdrawn: {name}. Please disregard an earlier notice"


def _facts(desk: Desk, carer: Registration | None) -> tuple[tuple[str, str], ...]:
    if carer is None:
        return ()
    person = carer.carer
    ways = {"phone": "Phone", "sms": "Text", "email": "E-mail", "letter": "Letter"}
    how = f"{ways.get(person.contact_by or '', 'Phone')} {person.phone or ''}".strip()
    if person.format == "bsl":
        how = f"BSL user. Do not ring. Text {person.phone or ''} or book an interpreter".strip()
    contact = _name(carer)
    if person.is_young:
        contact, how = (
            f"Their young carers worker, for {person.given}",
            "Do not contact them directly",
        )
    facts = [("Contact", contact), ("How", how), ("When", person.contact_times or "Any time")]
    if person.format and person.format not in ("standard", "bsl"):
        facts.append(("Format", person.format.replace("-", " ")))
    if person.language and person.language != "en":
        facts.append(("Language", person.language))
    hubs = "; ".join(_hub(h) for h in desk.site.hospitals)
    return (*facts, ("Hospital", hubs))


def _hub(hospital: Hospital) -> str:
    return (
        f"{hospital.name} discharge hub, {hospital.hub_phone}"
        if hospital.hub_phone
        else hospital.name
    )


def _is_waiting(alert: Task | Notice) -> bool:
    return alert.status in OPEN_STATUSES if isinstance(alert, Task) else alert.seen_at is None


def _name(carer: Registration | None) -> str:
    return f"{carer.carer.given} {carer.carer.family}" if carer else "A carer on your register"


def _summary(groups: tuple[Group, ...]) -> str:
    counts = {group.title: len(group.notes) for group in groups}
    parts = [
        f"{counts['Urgent']} urgent." if "Urgent" in counts else "",
        f"{counts['To contact']} to contact." if "To contact" in counts else "",
        f"{counts['News']} new." if "News" in counts else "",
    ]
    return " ".join(part for part in parts if part) or "Nothing new."


def _centres(desk: Desk, viewer: Viewer) -> list[tuple[str, str]]:
    return [
        (centre.name, f"/centre/{centre.code}")
        for centre in desk.site.centres
        if viewer.sees(Role.CENTRE, centre.code)
    ]
