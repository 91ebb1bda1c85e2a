"""The coordinator: who leaves soon with facts missing, and doubtful matches side by side."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import Response

from alerts.matching import compare
from alerts.model.alert import OPEN_STATUSES, Task, TaskCode
from alerts.model.events import Answer, Answered
from alerts.model.identity import IdentifierKind, Patient
from alerts.model.register import CaredFor, Registration
from alerts.model.stay import Stay
from alerts.rules.gates import is_restricted
from service.web.access import Role, Viewer, check_csrf
from service.web.desk import Desk
from service.web.nav import Link, links
from service.web.queries import DeskItem, desk_items, leaving
from service.web.views import DeskHere, ViewerHere, page, scope_or_404, see_other
from service.web.wardlist import Row, rows_of
from service.web.words import Clock, spaced

router = APIRouter()
AHEAD = timedelta(hours=48)
WHAT = {
    "identifier": "NHS or CHI number",
    "status": "Number verified",
    "family": "Family name",
    "given": "Given name",
    "birth-date": "Birth date",
    "postcode": "Postcode",
}


@dataclass(frozen=True, slots=True)
class Mark:
    """One fact, done, to do, or not possible."""

    words: str
    state: str


@dataclass(frozen=True, slots=True)
class Leaving:
    """One line of the table."""

    day: str
    where: str
    name: str
    who: str
    marks: tuple[Mark, ...]
    due: str
    edge: str


@dataclass(frozen=True, slots=True)
class Line:
    """One piece of evidence."""

    what: str
    ours: str
    theirs: str
    agreement: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """One question: is this the same person?"""

    id: str
    name: str
    hospital: str
    register: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Notable:
    """A Task with one line to read."""

    id: str
    stay: str
    headline: str


@dataclass(frozen=True, slots=True)
class CoordinatorPage:
    """``coordinator.html``."""

    title: str
    nav: tuple[Link, ...]
    hospital: str
    action: str
    summary: str
    leaving: tuple[Leaving, ...]
    bereaved: tuple[Notable, ...]
    unplaced: tuple[Notable, ...]
    matches: tuple[Doubt, ...]


@router.get("/coordinator", include_in_schema=False)
def first(desk: DeskHere, viewer: ViewerHere) -> Response:
    """The viewer's first hospital."""
    found = _hospitals(desk, viewer)
    if not found:
        raise HTTPException(404)
    return see_other(found[0][1])


@router.get("/coordinator/{code}", include_in_schema=False)
def show(request: Request, desk: DeskHere, viewer: ViewerHere, code: str) -> Response:
    """The desk."""
    hospital = desk.site.hospital(code)
    if hospital is None:
        raise HTTPException(404)
    scope_or_404(viewer, Role.COORDINATOR, code)
    clock = Clock(desk.now())
    with desk.database.read() as tx:
        soon = leaving(viewer, tx, code, (clock.now + AHEAD).date())
        items = [i for i in desk_items(viewer, tx, Role.COORDINATOR, code) if _is_open(i)]
    rows = [
        _leaving(desk, b.stay, row, clock)
        for b in soon
        for row in rows_of(b, clock)
        if row.registration or row.kind
    ]
    matches = tuple(_doubt(desk, i) for i in items if _asks_for(i, TaskCode.CONFIRM_MATCH))
    context = CoordinatorPage(
        title="Leaving in the next 48 hours",
        nav=links(request.url.path, _hospitals(desk, viewer)),
        hospital=hospital.name,
        action=f"/coordinator/{code}",
        summary=_summary(rows, matches),
        leaving=tuple(rows),
        bereaved=_notable(items, TaskCode.BEREAVEMENT_SUPPORT, "has died"),
        unplaced=_notable(items, TaskCode.INVOLVE_CARER, "is on a ward that is not known"),
        matches=matches,
    )
    return page(request, "coordinator.html", context, viewer)


@router.post("/coordinator/{code}/match", include_in_schema=False)
def decide(  # noqa: PLR0913 - a form's fields
    desk: DeskHere,
    viewer: ViewerHere,
    code: str,
    csrf: Annotated[str, Form()] = "",
    task: Annotated[str, Form(max_length=36)] = "",
    answer: Annotated[str, Form(max_length=20)] = "",
) -> Response:
    """Keep the answer to a doubtful match."""
    check_csrf(viewer, csrf)
    _asked(desk, viewer, code, task)
    if answer not in ("same", "different"):
        raise HTTPException(404)
    desk.acts.decide_match(viewer.name, task, answer == "same")
    return see_other(f"/coordinator/{code}")


@router.post("/coordinator/{code}/handled", include_in_schema=False)
def handled(
    desk: DeskHere,
    viewer: ViewerHere,
    code: str,
    csrf: Annotated[str, Form()] = "",
    alert: Annotated[str, Form(max_length=36)] = "",
) -> Response:
    """A person has seen to it."""
    check_csrf(viewer, csrf)
    item = _asked(desk, viewer, code, alert)
    said = Answered(alert, Answer.SEEN, desk.now(), viewer.name)
    desk.acts.answer(viewer.name, item.alert.stay, said)
    return see_other(f"/coordinator/{code}")


def _asked(desk: Desk, viewer: Viewer, code: str, task_id: str) -> DeskItem:
    scope_or_404(viewer, Role.COORDINATOR, code)
    if viewer.role is not Role.COORDINATOR:
        raise HTTPException(404)
    with desk.database.read() as tx:
        items = desk_items(viewer, tx, Role.COORDINATOR, code)
    found = next((i for i in items if i.alert.id == task_id and _is_open(i)), None)
    if found is None:
        raise HTTPException(404)
    return found


def _is_open(item: DeskItem) -> bool:
    return isinstance(item.alert, Task) and item.alert.status in OPEN_STATUSES


def _asks_for(item: DeskItem, code: TaskCode) -> bool:
    return isinstance(item.alert, Task) and item.alert.code is code


def _leaving(desk: Desk, stay: Stay, row: Row, clock: Clock) -> Leaving:
    ward = desk.site.ward(stay.place.hospital, stay.place.ward) if stay.place else None
    states = {"done": "done", "no": "no"}
    return Leaving(
        day=clock.short_day(stay.planned.on) if stay.planned else "",
        where=f"{ward.name if ward else 'Ward not known'}, {row.bed}",
        name=row.name,
        who=row.who,
        marks=tuple(Mark(b.words, states.get(b.state, "todo")) for b in row.boxes),
        due=row.due,
        edge=row.edge_of_due,
    )


def _doubt(desk: Desk, item: DeskItem) -> Doubt:
    stay, registration = item.stay, item.registration
    centre = desk.site.centre(registration.centre) if registration else None
    where = ""
    if stay and stay.place:
        ward = desk.site.ward(stay.place.hospital, stay.place.ward)
        where = f", {ward.name if ward else 'ward not known'}, bed {stay.place.bed}"
    return Doubt(
        id=item.alert.id,
        name=f"{stay.patient.given or ''} {stay.patient.family or ''}".strip() if stay else "",
        hospital=f"Hospital{where}",
        register=f"Register, {centre.name if centre else 'centre not known'}",
        lines=_lines(stay, registration) if stay and registration else (),
    )


def _lines(stay: Stay, registration: Registration) -> tuple[Line, ...]:
    ours, theirs = stay.patient, registration.patient
    hides = is_restricted(stay)
    return tuple(
        Line(
            WHAT.get(e.what, e.what),
            _ours(ours, theirs, e.what) if not (hides and e.what == "postcode") else "Hidden",
            _theirs(theirs, e.what),
            e.agreement.value,
        )
        for e in compare(ours, theirs)
    )


def _ours(patient: Patient, person: CaredFor, what: str) -> str:
    if what in ("identifier", "status"):
        wanted = person.identifier.kind
        found = [i for i in patient.identifiers if i.kind is wanted]
        if what == "status":
            return (
                "Yes"
                if found and all(i.verified for i in found)
                else "No"
                if found
                else "Not given"
            )
        return ", ".join(spaced(i.value) for i in found) or "Not given"
    born = patient.birth_date
    return {
        "family": patient.family or "Not given",
        "given": patient.given or "Not given",
        "birth-date": f"{born.day} {born:%b %Y}" if born else "Not given",
        "postcode": patient.postcode or "Not given",
    }.get(what, "")


def _theirs(person: CaredFor, what: str) -> str:
    born = person.birth_date
    kind = "NHS" if person.identifier.kind is IdentifierKind.NHS else "CHI"
    return {
        "identifier": f"{spaced(person.identifier.value)} ({kind})",
        "status": "Not held",
        "family": person.family,
        "given": person.given,
        "birth-date": f"{born.day} {born:%b %Y}",
        "postcode": person.postcode or "Not given",
    }.get(what, "")


def _notable(items: list[DeskItem], code: TaskCode, words: str) -> tuple[Notable, ...]:
    found = []
    for item in items:
        if isinstance(item.alert, Task) and item.alert.code is code:
            patient = item.stay.patient if item.stay else Patient()
            name = f"{patient.given or ''} {patient.family or ''}".strip() or "A patient"
            found.append(Notable(item.alert.id, item.alert.stay, f"{name} {words}"))
    return tuple(found)


def _summary(rows: list[Leaving], matches: tuple[Doubt, ...]) -> str:
    late = sum(row.edge == "late" for row in rows)
    people = f"{len(rows)} with someone to involve" if rows else "Nobody with a carer to involve"
    doubts = f"{len(matches)} match{'' if len(matches) == 1 else 'es'} to decide."
    return f"{people}. {f'{late} overdue. ' if late else ''}{doubts}"


def _hospitals(desk: Desk, viewer: Viewer) -> list[tuple[str, str]]:
    return [
        (hospital.name, f"/coordinator/{hospital.code}")
        for hospital in desk.site.hospitals
        if viewer.sees(Role.COORDINATOR, hospital.code)
    ]
