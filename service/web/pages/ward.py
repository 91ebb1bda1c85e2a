"""The ward's list: who leaves when, whose carer to involve next, and the four facts to record."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import Response

from alerts.model.alert import Task
from alerts.model.events import Answer, Answered, FactKind, FactRecorded
from service.web.access import Role, Viewer, check_csrf
from service.web.desk import Desk
from service.web.nav import Link, links
from service.web.queries import Bedside, last_news, left_unfinished, on_ward
from service.web.views import DeskHere, ViewerHere, page, scope_or_404, see_other
from service.web.wardlist import Group, groups_of, repair_row, rows_of
from service.web.words import Clock

router = APIRouter()
SILENT_AFTER = timedelta(hours=1)
HOW = {
    "phone": "By phone",
    "in-person": "Face to face",
    "letter": "By letter",
    "video": "By video or with an interpreter",
    "given": "Views",
    "none": "No views to give",
    "no-reply": "No reply after 2 tries",
    "declined": "Does not want to be involved",
    "follows": "The plan follows the views",
    "not-possible": "The plan could not follow the views",
}
OF = {
    FactKind.INFORMED: ("phone", "in-person", "letter", "video"),
    FactKind.INVITED: ("phone", "in-person", "letter", "video"),
    FactKind.VIEWS: ("given", "none", "no-reply", "declined"),
    FactKind.ACCOUNT_TAKEN: ("follows", "not-possible"),
}
NEED_WORDS = {
    "given": "write what was said",
    "not-possible": "write why the plan could not follow the views",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """What to mend in a form, and where."""

    words: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Summary:
    """The sentence at the top."""

    start: str
    now: str
    rest: str


@dataclass(frozen=True, slots=True)
class WardPage:
    """``ward.html``."""

    title: str
    nav: tuple[Link, ...]
    ward: str
    action: str
    summary: Summary
    groups: list[Group]
    news: datetime | None
    is_silent: bool
    error: Problem | None = None


@dataclass(frozen=True, slots=True)
class Recording:
    """One press of a button in a row."""

    stay: str
    registration: str
    fact: FactKind
    how: str
    words: str
    also: bool
    once: str


@router.get("/ward", include_in_schema=False)
def first(desk: DeskHere, viewer: ViewerHere) -> Response:
    """The viewer's first ward."""
    wards = _wards(desk, viewer)
    if not wards:
        raise HTTPException(404)
    return see_other(wards[0][1])


@router.get("/ward/{hospital}/{ward}", include_in_schema=False)
def show(
    request: Request, desk: DeskHere, viewer: ViewerHere, hospital: str, ward: str
) -> Response:
    """The list."""
    return _page(request, desk, viewer, f"{hospital}/{ward}")


@router.post("/ward/{hospital}/{ward}", include_in_schema=False)
def record(  # noqa: PLR0913 - a form's fields
    request: Request,
    desk: DeskHere,
    viewer: ViewerHere,
    hospital: str,
    ward: str,
    csrf: Annotated[str, Form()] = "",
    stay: Annotated[str, Form(max_length=36)] = "",
    registration: Annotated[str, Form(max_length=200)] = "",
    fact: Annotated[str, Form(max_length=40)] = "",
    how: Annotated[str, Form(max_length=40)] = "",
    words: Annotated[str, Form(max_length=2000)] = "",
    also: Annotated[str, Form(max_length=8)] = "",
    once: Annotated[str, Form(max_length=8)] = "",
) -> Response:
    """Record one of the four facts."""
    check_csrf(viewer, csrf)
    code = f"{hospital}/{ward}"
    if fact not in set(OF) or how not in OF[FactKind(fact)]:
        raise HTTPException(404)
    pressed = Recording(stay, registration, FactKind(fact), how, words.strip(), bool(also), once)
    bedside, task = _asked(desk, viewer, code, pressed)
    if how in NEED_WORDS and not pressed.words:
        return _page(request, desk, viewer, code, (bedside, task, pressed))
    if pressed.once == str(_recorded(bedside, registration)):
        _keep(desk, viewer, bedside, pressed)
    return see_other(f"/ward/{code}", f"row-{task.id}")


@router.post("/ward/{hospital}/{ward}/undo", include_in_schema=False)
def undo(  # noqa: PLR0913 - a form's fields
    desk: DeskHere,
    viewer: ViewerHere,
    hospital: str,
    ward: str,
    csrf: Annotated[str, Form()] = "",
    stay: Annotated[str, Form(max_length=36)] = "",
    registration: Annotated[str, Form(max_length=200)] = "",
    fact: Annotated[str, Form(max_length=40)] = "",
    once: Annotated[str, Form(max_length=8)] = "",
) -> Response:
    """Take one fact back."""
    check_csrf(viewer, csrf)
    code = f"{hospital}/{ward}"
    if fact not in set(OF):
        raise HTTPException(404)
    pressed = Recording(stay, registration, FactKind(fact), "undo", "", False, once)
    bedside, task = _asked(desk, viewer, code, pressed)
    if pressed.once == str(_recorded(bedside, registration)):
        taken_back = FactRecorded(
            FactKind(fact), registration, desk.now(), viewer.name, "undo", "Undone", undone=True
        )
        desk.acts.record_fact(viewer.name, stay, taken_back)
    return see_other(f"/ward/{code}", f"row-{task.id}")


@router.post("/ward/{hospital}/{ward}/called", include_in_schema=False)
def called(  # noqa: PLR0913 - a form's fields
    desk: DeskHere,
    viewer: ViewerHere,
    hospital: str,
    ward: str,
    csrf: Annotated[str, Form()] = "",
    stay: Annotated[str, Form(max_length=36)] = "",
    task: Annotated[str, Form(max_length=36)] = "",
) -> Response:
    """The repair call was made."""
    check_csrf(viewer, csrf)
    code = f"{hospital}/{ward}"
    _may_write(viewer, code)
    with desk.database.read() as tx:
        left = left_unfinished(viewer, tx, code)
    if not any(a.id == task and a.stay == stay for b in left for a in b.alerts):
        raise HTTPException(404)
    desk.acts.answer(viewer.name, stay, Answered(task, Answer.CALLED, desk.now(), viewer.name))
    return see_other(f"/ward/{code}")


def _asked(desk: Desk, viewer: Viewer, code: str, pressed: Recording) -> tuple[Bedside, Task]:
    """The patient and the Task that a form is about; 404 if they are not on this ward."""
    _may_write(viewer, code)
    with desk.database.read() as tx:
        bedsides = on_ward(viewer, tx, code)
    for bedside in bedsides:
        if bedside.stay.id == pressed.stay:
            for task in bedside.alerts:
                if isinstance(task, Task) and task.registration == pressed.registration:
                    return bedside, task
    raise HTTPException(404)


def _may_write(viewer: Viewer, code: str) -> None:
    scope_or_404(viewer, Role.WARD, code)
    if viewer.role is not Role.WARD:
        raise HTTPException(404)


def _recorded(bedside: Bedside, registration: str) -> int:
    return sum(f.registration == registration for f in bedside.stay.facts)


def _keep(desk: Desk, viewer: Viewer, bedside: Bedside, pressed: Recording) -> None:
    facts = [pressed.fact]
    if pressed.also and pressed.fact is FactKind.INFORMED:
        facts.append(FactKind.INVITED)
    planned = bedside.stay.planned.on if bedside.stay.planned else None
    for fact in facts:
        said = f"{HOW[pressed.how]}: {pressed.words}" if pressed.words else HOW[pressed.how]
        event = FactRecorded(
            fact=fact,
            registration=pressed.registration,
            at=desk.now(),
            by=viewer.name,
            how=pressed.how,
            words=said,
            planned_on=planned,
        )
        desk.acts.record_fact(viewer.name, pressed.stay, event)


def _page(
    request: Request,
    desk: Desk,
    viewer: Viewer,
    code: str,
    refused: tuple[Bedside, Task, Recording] | None = None,
) -> Response:
    hospital, _, ward_code = code.partition("/")
    ward = desk.site.ward(hospital, ward_code)
    if ward is None or not ward.live:
        raise HTTPException(404)
    scope_or_404(viewer, Role.WARD, code)
    clock = Clock(desk.now())
    with desk.database.read() as tx:
        bedsides = on_ward(viewer, tx, code)
        left = [row for b in left_unfinished(viewer, tx, code) for row in repair_row(b, clock)]
        news = last_news(viewer, tx)
    problem, error = _problem(refused)
    rows = [
        (b.stay.planned.on if b.stay.planned else None, row)
        for b in bedsides
        for row in rows_of(b, clock, error)
    ]
    context = WardPage(
        title=f"{ward.name} now",
        nav=links(request.url.path, _wards(desk, viewer)),
        ward=ward.name,
        action=f"/ward/{code}",
        summary=_summary(len(bedsides), [r.edge for _, r in rows] + [r.edge for r in left]),
        groups=groups_of(rows, left, clock),
        news=news,
        is_silent=news is not None and clock.now - news > SILENT_AFTER,
        error=problem,
    )
    return page(request, "ward.html", context, viewer, 422 if problem else 200)


def _problem(
    refused: tuple[Bedside, Task, Recording] | None,
) -> tuple[Problem | None, tuple[str, str, str]]:
    if refused is None:
        return None, ("", "", "")
    bedside, task, pressed = refused
    bed = bedside.stay.place.bed if bedside.stay.place else ""
    words = NEED_WORDS[pressed.how]
    field = "views" if pressed.fact is FactKind.VIEWS else "account"
    name = f"{bedside.stay.patient.given or ''} {bedside.stay.patient.family or ''}".strip()
    problem = Problem(f"Bed {bed}, {name}: {words}", f"{field}-{task.id}")
    return problem, (task.id, pressed.fact.value, f"{words[0].upper()}{words[1:]}")


def _summary(patients: int, edges: list[str]) -> Summary:
    late, soon = edges.count("late"), edges.count("soon")
    start = f"{patients} patient{'' if patients == 1 else 's'}."
    now = f"{late} overdue." if late else ""
    rest = f"{soon} to do." if soon else "" if late else "Nothing to do now."
    return Summary(start, now, rest)


def _wards(desk: Desk, viewer: Viewer) -> list[tuple[str, str]]:
    return [
        (ward.name, f"/ward/{ward.hospital}/{ward.code}")
        for ward in desk.site.wards
        if ward.live and viewer.sees(Role.WARD, f"{ward.hospital}/{ward.code}")
    ]
