"""The coordinator's desk: who leaves within 48 hours, doubtful matches, proofs that are missing."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request, Response
from pydantic import BaseModel
from sqlalchemy import Connection

from alerts.model.alert import Task, TaskCode
from alerts.model.events import Answer, Answered
from alerts.store import visit_questions
from service.pipeline import EvidenceChanged
from service.web.access import Role, Viewer, check_csrf
from service.web.desk import Desk
from service.web.freshness import Freshness, freshness
from service.web.leaving import (
    Bereaved,
    Decided,
    Missed,
    Person,
    Question,
    bereaved,
    decided,
    missed,
    people,
    question,
    unclear_deaths,
)
from service.web.queries import bedsides
from service.web.queries.bedsides import OPEN, Bedside
from service.web.queries.matches import answered_since, asked_about
from service.web.queries.visits import asked_of
from service.web.shared_visits import SharedVisit, shared_visits
from service.web.views import (
    DeskHere,
    ViewerHere,
    coordinator_path,
    home_of,
    one_at_a_time,
    page,
    see_other,
)
from service.web.words import Clock

router = APIRouter()
AHEAD = timedelta(hours=48)
LATELY = timedelta(hours=24)
DECIDED = timedelta(days=30)
"""How long an answer about a match can be taken back here."""
_ASKED = (TaskCode.CONFIRM_MATCH, TaskCode.BEREAVEMENT_SUPPORT, TaskCode.CONFIRM_DEATH)


@dataclass(frozen=True, slots=True)
class CoordinatorPage:
    """coordinator.html"""

    title: str
    path: str
    code: str
    name: str
    people: tuple[Person, ...]
    overdue: int
    complete: int
    questions: tuple[Question, ...]
    decided: tuple[Decided, ...]
    bereaved: tuple[Bereaved, ...]
    unclear: tuple[Bereaved, ...]
    shared: tuple[SharedVisit, ...]
    missed: tuple[Missed, ...]
    fresh: Freshness
    can_record: bool


class Decision(BaseModel):
    """One button under a question, or beside a bereaved carer."""

    csrf: str = ""
    hospital: str = ""
    task: str = ""
    answer: str = ""
    seen: int = 0


class TakenBack(BaseModel):
    """The button beside an answer that was given."""

    csrf: str = ""
    hospital: str = ""
    decision: int = 0


class VisitSaid(BaseModel):
    """One button under two patients who have one visit number."""

    csrf: str = ""
    hospital: str = ""
    question: int = 0
    answer: str = ""


@router.get("/coordinator")
def first_hospital(desk: DeskHere, viewer: ViewerHere) -> Response:
    """The viewer's first hospital."""
    if viewer.role is not Role.COORDINATOR:
        raise HTTPException(404)
    return see_other(home_of(desk.site, viewer))


@router.get("/coordinator/{code}")
def show(request: Request, desk: DeskHere, viewer: ViewerHere) -> Response:
    """One hospital."""
    hospital = desk.site.hospital(request.path_params["code"])
    if hospital is None or not viewer.sees(Role.COORDINATOR, hospital.code):
        raise HTTPException(404)
    clock = Clock(desk.now())
    with desk.database.read() as tx:
        found = people(_leaving(desk, viewer, tx, hospital.code), desk.site, clock)
        gone = bedsides.left_since(viewer, tx, hospital.code, clock.now - LATELY)
        asked = bedsides.asked_of_coordinator(viewer, tx, hospital.code, _ASKED)
        questions = _questions(desk, viewer, tx, asked)
        shared = asked_of(viewer, tx, hospital.code)
        said = answered_since(viewer, tx, (desk.site, hospital.code), clock.now - DECIDED)
        fresh = freshness(viewer, tx, (desk.site, hospital.code), clock)
    context = CoordinatorPage(
        title="Leaving in the next 48 hours",
        path=coordinator_path(hospital.code),
        code=hospital.code,
        name=hospital.name,
        people=found,
        overdue=sum(person.clock == "late" for person in found),
        complete=sum(person.clock == "done" for person in found),
        questions=questions,
        decided=decided(said, desk.site, clock),
        bereaved=bereaved(asked, desk.site),
        unclear=unclear_deaths(asked, desk.site),
        shared=shared_visits(shared, desk.site),
        missed=missed(gone, desk.site, clock),
        fresh=fresh,
        can_record=viewer.works_at(Role.COORDINATOR, hospital.code),
    )
    return page(request, "coordinator.html", context, viewer)


@router.post("/coordinator/match")
def decide(
    request: Request, desk: DeskHere, viewer: ViewerHere, pressed: Annotated[Decision, Form()]
) -> Response:
    """Keep whether it is the same person, or that the coordinator is not sure."""
    _check(viewer, pressed)
    with one_at_a_time(request):
        task = _task(desk, viewer, pressed, TaskCode.CONFIRM_MATCH)
        if task is None:
            raise EvidenceChanged(EvidenceChanged.__doc__)
        if pressed.answer in ("same", "different"):
            desk.acts.decide_match(viewer.name, task.id, pressed.answer == "same")
        elif pressed.answer == "unsure":
            _answer(desk, viewer, task, Answer.NOT_SURE)
        else:
            raise HTTPException(400)
    return see_other(coordinator_path(pressed.hospital), "matches")


@router.post("/coordinator/match/take-back")
def take_back(
    request: Request, desk: DeskHere, viewer: ViewerHere, pressed: Annotated[TakenBack, Form()]
) -> Response:
    """Undo an answer about a match; what was told because of it is corrected."""
    check_csrf(viewer, pressed.csrf)
    if not viewer.works_at(Role.COORDINATOR, pressed.hospital):
        raise HTTPException(404)
    with one_at_a_time(request):
        desk.acts.take_back_match(viewer.name, pressed.decision, pressed.hospital)
    return see_other(coordinator_path(pressed.hospital), "matches")


@router.post("/coordinator/bereaved")
def seen_to(
    request: Request, desk: DeskHere, viewer: ViewerHere, pressed: Annotated[Decision, Form()]
) -> Response:
    """Keep that somebody saw to a bereaved carer."""
    _check(viewer, pressed)
    with one_at_a_time(request):
        task = _task(desk, viewer, pressed, TaskCode.BEREAVEMENT_SUPPORT)
        if task is not None:
            _answer(desk, viewer, task, Answer.SEEN)
    return see_other(coordinator_path(pressed.hospital))


@router.post("/coordinator/death")
def answer_death(
    request: Request, desk: DeskHere, viewer: ViewerHere, pressed: Annotated[Decision, Form()]
) -> Response:
    """Keep whether the patient has died, where a message was not clear."""
    _check(viewer, pressed)
    answer = {"alive": Answer.ALIVE, "died": Answer.DIED}.get(pressed.answer)
    if answer is None:
        raise HTTPException(400)
    with one_at_a_time(request):
        task = _task(desk, viewer, pressed, TaskCode.CONFIRM_DEATH)
        if task is None:
            raise EvidenceChanged(EvidenceChanged.__doc__)
        _answer(desk, viewer, task, answer)
    return see_other(coordinator_path(pressed.hospital), "deaths")


@router.post("/coordinator/visit")
def answer_visit(
    request: Request, desk: DeskHere, viewer: ViewerHere, pressed: Annotated[VisitSaid, Form()]
) -> Response:
    """Keep whether two patients under one visit number are one; the messages go on."""
    check_csrf(viewer, pressed.csrf)
    if not viewer.works_at(Role.COORDINATOR, pressed.hospital):
        raise HTTPException(404)
    if pressed.answer not in ("same", "another"):
        raise HTTPException(400)
    is_same = pressed.answer == "same"
    with one_at_a_time(request):
        said = visit_questions.Answer(pressed.question, pressed.hospital, is_same, viewer.name)
        desk.acts.answer_visit(said)
    return see_other(coordinator_path(pressed.hospital), "visits")


def _check(viewer: Viewer, pressed: Decision) -> None:
    check_csrf(viewer, pressed.csrf)
    if not viewer.works_at(Role.COORDINATOR, pressed.hospital):
        raise HTTPException(404)


def _task(desk: Desk, viewer: Viewer, pressed: Decision, code: TaskCode) -> Task | None:
    """The open Task that was answered; None where it is answered or gone by now."""
    with desk.database.read() as tx:
        asked = bedsides.asked_of_coordinator(viewer, tx, pressed.hospital, (code,))
    for bed in asked:
        for task in bed.tasks:
            if (task.id, task.code) == (pressed.task, code) and task.status.value in OPEN:
                tried = sum(a.alert == task.id for a in bed.stay.answers)
                return task if tried == pressed.seen else None
    return None


def _answer(desk: Desk, viewer: Viewer, task: Task, answer: Answer) -> None:
    answered = Answered(task.id, answer, desk.now(), viewer.name)
    desk.acts.answer(viewer.name, task.stay, answered)


def _leaving(desk: Desk, viewer: Viewer, tx: Connection, hospital: str) -> tuple[Bedside, ...]:
    """By planned date, and those on a ward that nobody named: their Tasks come to this desk."""
    soon = bedsides.leaving(viewer, tx, hospital, Clock(desk.now() + AHEAD).today)
    lost = bedsides.asked_of_coordinator(viewer, tx, hospital, (TaskCode.INVOLVE_CARER,))
    known = {bed.stay.id for bed in soon}
    live = [bed for bed in soon if _is_shown(desk, bed)]
    return (*live, *(bed for bed in lost if bed.stay.id not in known))


def _is_shown(desk: Desk, bed: Bedside) -> bool:
    """Not on a ward that is not live: nothing of it is shown."""
    place = bed.stay.place
    ward = desk.site.ward(place.hospital, place.ward) if place else None
    return ward is None or ward.live


def _questions(
    desk: Desk, viewer: Viewer, tx: Connection, asked: tuple[Bedside, ...]
) -> tuple[Question, ...]:
    tasks = [
        (bed, task)
        for bed in asked
        for task in bed.tasks
        if task.code is TaskCode.CONFIRM_MATCH and task.status.value in OPEN
    ]
    rows = asked_about(viewer, tx, [task for _, task in tasks])
    clock = Clock(desk.now())
    return tuple(
        question((bed, task), rows[task.registration], desk.site, clock)
        for bed, task in tasks
        if task.registration in rows
    )
