"""The ward's list: who leaves when, whom to involve, and four boxes that record it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request, Response
from pydantic import BaseModel

from alerts.model.events import Answer, Answered, FactKind, FactRecorded
from alerts.rules.situation import is_restricted
from service.web.access import Role, Viewer, check_csrf
from service.web.desk import Desk
from service.web.freshness import Freshness, freshness
from service.web.proofs import BUTTONS, UNDO_FOR, Wrong, fault_of, recorded, words_of
from service.web.queries import bedsides
from service.web.queries.bedsides import OPEN, WARD_SAYS, Bedside
from service.web.views import (
    DeskHere,
    ViewerHere,
    home_of,
    one_at_a_time,
    page,
    see_other,
    ward_path,
)
from service.web.wardlist import Group, Patients, Reader, groups, patient_name
from service.web.words import Clock

router = APIRouter()
AGAIN_WITHIN = timedelta(minutes=1)
LONGEST = 2_000
"""Characters of one entry."""
LEFT_FOR = timedelta(days=7)
"""How long a ward sees who left."""
CALLS = {"called": Answer.CALLED, "no-reply": Answer.NO_REPLY}


@dataclass(frozen=True, slots=True)
class WardPage:
    """ward.html"""

    title: str
    path: str
    code: str
    name: str
    groups: tuple[Group, ...]
    patients: int
    left: int
    overdue: int
    due_today: int
    is_night: bool
    fresh: Freshness
    can_record: bool
    is_live: bool
    errors: tuple[tuple[str, str], ...]
    """Sentence and the id of the field to mend."""


class Pressed(BaseModel):
    """What every form of this page sends."""

    csrf: str = ""
    ward: str = ""
    row: str = ""
    stay: str = ""
    registration: str = ""
    seen: int = 0


class Proof(Pressed):
    """One box: ``how`` is the button, ``also`` the tick, ``text`` what was typed."""

    proof: str = ""
    how: str = ""
    also: str = ""
    text: str = ""


class Undo(Pressed):
    """Which press to take back: when it was saved."""

    at: str = ""


class Call(Pressed):
    """What came of ringing a carer after the patient left."""

    task: str = ""
    answer: str = ""


class Checked(Pressed):
    """Whether what the hospital has recorded of a patient is right."""

    task: str = ""
    answer: str = ""


class Shut(Pressed):
    """That the nurse in charge has seen that nobody is to be contacted."""

    task: str = ""


@router.get("/ward")
def first_ward(desk: DeskHere, viewer: ViewerHere) -> Response:
    """The viewer's first ward."""
    if viewer.role is not Role.WARD:
        raise HTTPException(404)
    return see_other(home_of(desk.site, viewer))


@router.get("/ward/{hospital}/{ward}")
def show(request: Request, desk: DeskHere, viewer: ViewerHere) -> Response:
    """The list of one ward."""
    params = request.path_params
    return _listed(request, desk, viewer, f"{params['hospital']}/{params['ward']}")


@router.post("/ward/record")
def record(
    request: Request, desk: DeskHere, viewer: ViewerHere, pressed: Annotated[Proof, Form()]
) -> Response:
    """Keep one or two facts about a carer; a second press of the same button keeps no more."""
    _check(desk, viewer, pressed)
    proof, how, text = pressed.proof, pressed.how, pressed.text.strip()
    if proof not in BUTTONS or how not in BUTTONS[FactKind(proof)] or len(text) > LONGEST:
        raise HTTPException(400)
    kind = FactKind(proof)
    with one_at_a_time(request):
        bedside = _bedside(desk, viewer, pressed)
        carer = bedside.carers[pressed.registration].carer
        fault = fault_of(kind, how, text, carer.given)
        if fault:
            wrong = Wrong(pressed.stay, pressed.registration, kind, fault, text)
            return _listed(request, desk, viewer, pressed.ward, wrong)
        if not _is_repeat(bedside, pressed, kind, desk.now()):
            for fact in _facts(bedside, pressed, viewer, desk.now()):
                desk.acts.record_fact(viewer.name, pressed.stay, fact)
    return see_other(ward_path(pressed.ward), pressed.row)


@router.post("/ward/undo")
def undo(
    request: Request, desk: DeskHere, viewer: ViewerHere, pressed: Annotated[Undo, Form()]
) -> Response:
    """Take back what this person recorded a moment ago; nothing else can be taken back here."""
    _check(desk, viewer, pressed)
    with one_at_a_time(request):
        bedside = _bedside(desk, viewer, pressed)
        for fact in bedside.stay.facts:
            is_it = fact.registration == pressed.registration and fact.at.isoformat() == pressed.at
            is_mine = fact.by == viewer.name and desk.now() - fact.at <= UNDO_FOR
            is_newest = fact == recorded(bedside.stay, fact.registration, fact.fact)[-1]
            if is_it and is_mine and is_newest:
                after = max(desk.now(), fact.at + timedelta(microseconds=1))
                taken_back = replace(fact, at=after, undone=True)
                desk.acts.record_fact(viewer.name, pressed.stay, taken_back)
    return see_other(ward_path(pressed.ward), pressed.row)


@router.post("/ward/call")
def call(
    request: Request, desk: DeskHere, viewer: ViewerHere, pressed: Annotated[Call, Form()]
) -> Response:
    """Keep that a carer was rung after the patient left, or did not answer."""
    _check(desk, viewer, pressed)
    answer = CALLS.get(pressed.answer)
    if answer is None:
        raise HTTPException(400)
    with one_at_a_time(request):
        with desk.database.read() as tx:
            gone = bedsides.left_unfinished(viewer, tx, pressed.ward)
        bedside = next((b for b in gone if b.stay.id == pressed.stay), None)
        tasks = {t.id: t for t in bedside.repairs()} if bedside else {}
        if bedside is not None and pressed.task in tasks:
            tried = sum(a.alert == pressed.task for a in bedside.stay.answers)
            if tasks[pressed.task].status.value in OPEN and tried == pressed.seen:
                answered = Answered(pressed.task, answer, desk.now(), viewer.name)
                desk.acts.answer(viewer.name, pressed.stay, answered)
    return see_other(ward_path(pressed.ward), pressed.row)


@router.post("/ward/check")
def check(
    request: Request, desk: DeskHere, viewer: ViewerHere, pressed: Annotated[Checked, Form()]
) -> Response:
    """Keep whether a patient is as recorded, for the coordinator who is not sure."""
    _check(desk, viewer, pressed)
    answer = next((a for a in WARD_SAYS if a.value == pressed.answer), None)
    if answer is None:
        raise HTTPException(400)
    with one_at_a_time(request):
        with desk.database.read() as tx:
            here = bedsides.on_ward(viewer, tx, desk.site, pressed.ward)
        bedside = next((b for b in here if b.stay.id == pressed.stay), None)
        asked = bedside.questions() if bedside and not is_restricted(bedside.stay) else ()
        if pressed.task in {t.id for t in asked}:
            answered = Answered(pressed.task, answer, desk.now(), viewer.name)
            desk.acts.answer(viewer.name, pressed.stay, answered)
    return see_other(ward_path(pressed.ward), pressed.row)


@router.post("/ward/shut")
def seen_by_nurse_in_charge(
    request: Request, desk: DeskHere, viewer: ViewerHere, pressed: Annotated[Shut, Form()]
) -> Response:
    """Keep that the nurse in charge saw that nobody is to be contacted about who has left."""
    _check(desk, viewer, pressed)
    with one_at_a_time(request):
        since = desk.now() - LEFT_FOR
        with desk.database.read() as tx:
            gone = bedsides.left_restricted(viewer, tx, desk.site, pressed.ward, since)
        bedside = next((b for b in gone if b.stay.id == pressed.stay), None)
        if bedside is not None and pressed.task in {t.id for t in bedside.unseen()}:
            for task in bedside.unseen():
                answered = Answered(task.id, Answer.SEEN, desk.now(), viewer.name)
                desk.acts.answer(viewer.name, pressed.stay, answered)
    return see_other(ward_path(pressed.ward))


def _check(desk: Desk, viewer: Viewer, pressed: Pressed) -> None:
    check_csrf(viewer, pressed.csrf)
    hospital, _, ward = pressed.ward.partition("/")
    if not viewer.works_at(Role.WARD, pressed.ward) or desk.site.ward(hospital, ward) is None:
        raise HTTPException(404)


def _bedside(desk: Desk, viewer: Viewer, pressed: Pressed) -> Bedside:
    """The patient on this ward whose carer is to be involved; 404 for any other."""
    with desk.database.read() as tx:
        here = bedsides.on_ward(viewer, tx, desk.site, pressed.ward)
    for bedside in here:
        if bedside.stay.id == pressed.stay and not is_restricted(bedside.stay):
            keys = {t.registration for t in bedside.involvements() if t.status.value in OPEN}
            if pressed.registration in keys:
                return bedside
    raise HTTPException(404)


def _is_repeat(bedside: Bedside, pressed: Proof, kind: FactKind, now: datetime) -> bool:
    """The button was pressed twice, or the page is older than what somebody recorded since."""
    facts = recorded(bedside.stay, pressed.registration, kind)
    if len(facts) != pressed.seen:
        return True
    return any(f.how == pressed.how and now - f.at < AGAIN_WITHIN for f in facts)


def _facts(
    bedside: Bedside, pressed: Proof, viewer: Viewer, now: datetime
) -> tuple[FactRecorded, ...]:
    kinds = [FactKind(pressed.proof)]
    if kinds == [FactKind.INFORMED] and pressed.also:
        kinds.append(FactKind.INVITED)
    stay, text = bedside.stay, pressed.text.strip()
    return tuple(
        FactRecorded(
            fact=kind,
            registration=pressed.registration,
            at=now,
            by=viewer.name,
            how=pressed.how,
            words=words_of(kind, pressed.how, text, Clock(now), stay),
            planned_on=stay.planned.on if stay.planned else None,
        )
        for kind in kinds
    )


def _listed(
    request: Request, desk: Desk, viewer: Viewer, code: str, wrong: Wrong | None = None
) -> Response:
    hospital, _, ward_code = code.partition("/")
    ward = desk.site.ward(hospital, ward_code)
    if ward is None or not viewer.sees(Role.WARD, code):
        raise HTTPException(404)
    clock = Clock(desk.now())
    with desk.database.read() as tx:
        here = bedsides.on_ward(viewer, tx, desk.site, code)
        here = bedsides.with_lookups(viewer, tx, here, clock.now)
        left = bedsides.left_unfinished(viewer, tx, code) if ward.live else ()
        shut = bedsides.left_restricted(viewer, tx, desk.site, code, clock.now - LEFT_FOR)
        fresh = freshness(viewer, tx, (desk.site, hospital), clock)
    reader = Reader(desk.site, clock, viewer.name, wrong, fresh.is_stale)
    found = tuple(groups(Patients(here, left, shut), reader))
    rows = [row for group in found for row in group.rows]
    context = WardPage(
        title=f"{ward.name} now",
        path=ward_path(code),
        code=code,
        name=ward.name,
        groups=found,
        patients=len(here),
        left=sum(bool(row.repair) for row in rows),
        overdue=sum(row.clock == "late" for row in rows),
        due_today=sum(row.is_due_today for row in rows),
        is_night=bool(clock.ring_from()),
        fresh=fresh,
        can_record=viewer.works_at(Role.WARD, code),
        is_live=ward.live,
        errors=_errors(here, wrong),
    )
    return page(request, "ward.html", context, viewer, 422 if wrong else 200)


def _errors(here: tuple[Bedside, ...], wrong: Wrong | None) -> tuple[tuple[str, str], ...]:
    if wrong is None:
        return ()
    stay = next(b.stay for b in here if b.stay.id == wrong.stay)
    bed = f"Bed {stay.place.bed}, " if stay.place and stay.place.bed else ""
    return ((f"{bed}{patient_name(stay)}: {wrong.why}", "wrong"),)
