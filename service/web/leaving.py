"""The coordinator's tables in words: who leaves soon, what is missing, who may be whom."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from alerts.matching import compare
from alerts.model.alert import Agreement, Task, TaskCode, TaskStatus
from alerts.model.events import PROOFS, Answer, FactKind
from alerts.model.identity import Identifier, IdentifierKind
from alerts.model.register import Registration, Sharing
from alerts.model.site import Site
from alerts.model.stay import Stay
from alerts.rules.situation import Reach, is_restricted, whereabouts
from alerts.wording import carer_words
from service.web.proofs import boxes
from service.web.queries.bedsides import OPEN, WARD_SAYS, Bedside
from service.web.queries.matches import AnsweredMatch
from service.web.wardlist import patient_name
from service.web.words import Clock, spaced

MARKS = {
    FactKind.INFORMED: "Informed",
    FactKind.INVITED: "Invited",
    FactKind.VIEWS: "Heard",
    FactKind.ACCOUNT_TAKEN: "Account",
}
MISSING = {
    FactKind.INFORMED: "informed",
    FactKind.INVITED: "views invited",
    FactKind.VIEWS: "views heard",
    FactKind.ACCOUNT_TAKEN: "account taken",
}
ALONE = "Speak to the patient alone"
_WHAT = {
    "identifier": "Number",
    "status": "Number status",
    "family": "Family name",
    "given": "Given name",
    "birth-date": "Birth date",
    "postcode": "Postcode",
}


@dataclass(frozen=True, slots=True)
class Person:
    """One line of the table of those who leave soon."""

    date: str
    where: str
    patient: str
    who: str
    marks: tuple[tuple[str, str], ...]
    """Word and state: done, missing or no."""
    clock: str
    by: str


@dataclass(frozen=True, slots=True)
class Missed:
    """One line of those who left with proofs missing."""

    left: str
    where: str
    patient: str
    who: str
    missing: str
    clock: str
    by: str


@dataclass(frozen=True, slots=True)
class Line:
    """One piece of evidence, side by side; ``agreement``: same, different or not-known."""

    what: str
    hospital: str
    register: str
    agreement: str


@dataclass(frozen=True, slots=True)
class Question:
    """One doubtful match."""

    task: str
    seen: int
    where: str
    centre: str
    by: str
    unsure: str
    """What came of a coordinator's not being sure; empty where nobody was unsure."""
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Bereaved:
    """One carer to think of, staff only."""

    task: str
    stay: str
    seen: int
    where: str
    patient: str
    who: str
    """Empty where nobody is to be contacted before the nurse in charge was asked."""


@dataclass(frozen=True, slots=True)
class Decided:
    """One answer about a doubtful match that can be taken back."""

    id: int
    patient: str
    where: str
    centre: str
    said: str
    by: str


def people(beds: Iterable[Bedside], site: Site, clock: Clock) -> tuple[Person, ...]:
    """One line a carer to involve, overdue first, then by planned date."""
    lines = []
    for bed in beds:
        if bed.stay.died:
            continue
        if is_restricted(bed.stay):
            lines.append(_line(bed, None, site, clock))
            continue
        lines += [_line(bed, task, site, clock) for task in bed.involvements()]
    return tuple(line for _, line in sorted(lines, key=lambda ranked: ranked[0]))


def missed(beds: Iterable[Bedside], site: Site, clock: Clock) -> tuple[Missed, ...]:
    """One line a carer who was not fully involved before the patient left."""
    lines = []
    for bed in beds:
        if is_restricted(bed.stay):
            continue
        repairs = {t.registration: t for t in bed.repairs()}
        for task in bed.involvements():
            if task.status is TaskStatus.FAILED:
                lines.append(_missed(bed, task, repairs.get(task.registration), (site, clock)))
    return tuple(lines)


def question(
    asked: tuple[Bedside, Task], registration: Registration, site: Site, clock: Clock
) -> Question:
    """The two records side by side, each piece with whether it agrees."""
    bed, task = asked
    stay = bed.stay
    centre = site.centre(registration.centre)
    answers = [a for a in stay.answers if a.alert == task.id]
    return Question(
        task=task.id,
        seen=len(answers),
        where=place(stay, site),
        centre=centre.name if centre else registration.centre,
        by=clock.due(task.due_at) if task.due_at else "",
        unsure=_unsure(stay, task, site, clock) if task.status is TaskStatus.IN_PROGRESS else "",
        lines=_lines(stay, registration, clock.today),
    )


def _unsure(stay: Stay, task: Task, site: Site, clock: Clock) -> str:
    """Only what was done: the ward's list asks where it shows the patient at all."""
    said = [a for a in stay.answers if a.alert == task.id and a.answer in WARD_SAYS]
    if said:
        is_right = said[-1].answer is Answer.AS_RECORDED
        words = "the hospital’s record is right" if is_right else "the hospital’s record is wrong"
        return f"The ward says that {words}: {said[-1].by}, {clock.time(said[-1].at)}."
    is_shown = stay.is_open and stay.is_inpatient and not is_restricted(stay)
    if is_shown and whereabouts(site, stay.place).reach is Reach.LIVE:
        return "The ward’s list asks for name, birth date and postcode."
    return "Nobody else was asked: ring the ward to check."


def _lines(stay: Stay, registration: Registration, today: date) -> tuple[Line, ...]:
    patient, person = stay.patient, registration.patient
    ours = {
        "identifier": _numbers(patient.identifiers, person.identifier),
        "status": "Not verified, or not in force today",
        "family": patient.family or "",
        "given": patient.given or "",
        "birth-date": born(patient.birth_date),
        "postcode": patient.postcode or "",
    }
    theirs = {
        "identifier": spoken_number(person.identifier),
        "family": person.family,
        "given": person.given,
        "birth-date": born(person.birth_date),
        "postcode": person.postcode or "",
    }
    return tuple(
        Line(
            what=_WHAT[e.what],
            hospital=ours[e.what] or "Not given",
            register=theirs.get(e.what) or "Not held",
            agreement=e.agreement.value,
        )
        for e in compare(patient, person, today)
        if e.what != "status" or e.agreement is Agreement.DIFFERENT
    )


def bereaved(beds: Iterable[Bedside], site: Site) -> tuple[Bereaved, ...]:
    """One line a patient who died and had a registered carer."""
    return tuple(
        Bereaved(
            task=task.id,
            stay=bed.stay.id,
            seen=sum(a.alert == task.id for a in bed.stay.answers),
            where=place(bed.stay, site),
            patient=patient_name(bed.stay),
            who="" if is_restricted(bed.stay) else _carer_names(bed),
        )
        for bed in beds
        for task in bed.tasks
        if task.code is TaskCode.BEREAVEMENT_SUPPORT and task.status.value in OPEN
    )


def unclear_deaths(beds: Iterable[Bedside], site: Site) -> tuple[Bereaved, ...]:
    """One line a patient of whom a message says something of a death that nobody can read."""
    return tuple(
        Bereaved(
            task=task.id,
            stay=bed.stay.id,
            seen=sum(a.alert == task.id for a in bed.stay.answers),
            where=place(bed.stay, site),
            patient=patient_name(bed.stay),
            who="",
        )
        for bed in beds
        for task in bed.tasks
        if task.code is TaskCode.CONFIRM_DEATH and task.status.value in OPEN
    )


def decided(answers: Iterable[AnsweredMatch], site: Site, clock: Clock) -> tuple[Decided, ...]:
    """One line an answer of the last days, the newest first."""
    lines = []
    for answer, stay in answers:
        code = answer.registration.partition("/")[0]
        centre = site.centre(code)
        lines.append(
            Decided(
                id=answer.id,
                patient=patient_name(stay),
                where=place(stay, site),
                centre=centre.name if centre else code,
                said="Same person" if answer.is_same else "Not the same person",
                by=f"{answer.by}, {clock.time(answer.at)}",
            )
        )
    return tuple(lines)


def place(stay: Stay, site: Site) -> str:
    """``Ward 7A, B1``; a ward that the site file does not name is said as it came."""
    if stay.place is None:
        return "Ward not known"
    ward = site.ward(stay.place.hospital, stay.place.ward)
    name = ward.name if ward else f"Ward {stay.place.ward or 'not known'}, not in the site file"
    return f"{name}, {stay.place.bed}" if stay.place.bed else name


def _line(
    bed: Bedside, task: Task | None, site: Site, clock: Clock
) -> tuple[tuple[int, date], Person]:
    stay = bed.stay
    planned = stay.planned.on if stay.planned else date.max
    registration = bed.carers.get(task.registration or "") if task else None
    marks: tuple[tuple[str, str], ...] = ()
    who, state, by = ALONE, "", ""
    if task is not None and registration is not None:
        refused = ". Listen, share nothing" if registration.sharing is Sharing.REFUSED else ""
        who = f"{carer_words(registration)}{refused}"
        found = boxes(stay, registration, clock)
        marks = tuple((MARKS[FactKind(b.proof)], _mark(b.state)) for b in found)
        state, by = _when(task, all(mark != "missing" for _, mark in marks), clock)
    person = Person(
        date=_day(stay.planned.on, clock) if stay.planned else "No date",
        where=place(stay, site),
        patient=patient_name(stay),
        who=who,
        marks=marks,
        clock=state,
        by=by,
    )
    return ((0 if state == "late" else 1, planned), person)


def _missed(bed: Bedside, task: Task, repair: Task | None, about: tuple[Site, Clock]) -> Missed:
    site, clock = about
    stay, registration = bed.stay, bed.carers[task.registration or ""]
    facts = {f.fact for f in stay.facts if f.registration == registration.key}
    missing = [MISSING[p] for p in PROOFS if p not in facts]
    state, by = "", "None"
    if repair is not None and repair.status is TaskStatus.COMPLETED:
        state, by = "done", "Called"
    elif repair is not None and repair.due_at:
        state = "late" if clock.is_late(repair.due_at) else "due"
        by = clock.due(repair.due_at)
    return Missed(
        left=clock.time(stay.discharged_at) if stay.discharged_at else "",
        where=place(stay, site),
        patient=patient_name(stay),
        who=carer_words(registration),
        missing=", ".join(missing) or "Recorded after leaving",
        clock=state,
        by=by,
    )


def _when(task: Task, is_complete: bool, clock: Clock) -> tuple[str, str]:
    if is_complete:
        return "done", "Complete"
    if task.due_at is None:
        return "", ""
    return ("late" if clock.is_late(task.due_at) else "due"), clock.due(task.due_at)


def _mark(state: str) -> str:
    return state if state in ("done", "no") else "missing"


def _day(on: date, clock: Clock) -> str:
    words = clock.short_day(on)
    return f"Today, {words}" if on == clock.today else words


def _carer_names(bed: Bedside) -> str:
    keys = {t.registration for t in bed.tasks if t.code is TaskCode.INVOLVE_CARER}
    names = [carer_words(r) for key, r in sorted(bed.carers.items()) if key in keys]
    return ", ".join(names) or "look in the register"


def _numbers(held: tuple[Identifier, ...], wanted: Identifier) -> str:
    same = [i for i in held if i.kind is wanted.kind]
    shown = same or [i for i in held if i.kind is not IdentifierKind.LOCAL]
    return ", ".join(spoken_number(i) for i in shown)


def spoken_number(number: Identifier) -> str:
    """``NHS 999 000 0018``."""
    return f"{number.kind.value.upper()} {spaced(number.value)}"


def born(on: date | None) -> str:
    """``11 Feb 1948``; empty where nobody knows."""
    return f"{on.day} {on:%b %Y}" if on else ""
