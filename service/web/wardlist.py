"""The ward's list as it is shown: rows, the four boxes, what comes next and by when."""

from dataclasses import dataclass, replace
from datetime import date, timedelta

from alerts.model.alert import OPEN_STATUSES, Task, TaskCode
from alerts.model.events import PROOFS, FactKind, FactRecorded
from alerts.model.identity import IdentifierKind
from alerts.model.register import Registration, Sharing
from alerts.model.stay import Stay
from alerts.rules.gates import is_restricted
from alerts.wording import carer_words
from service.web.queries import Bedside
from service.web.words import Clock, age, spaced

WORDS = {
    FactKind.INFORMED: "Informed",
    FactKind.INVITED: "Views invited",
    FactKind.VIEWS: "Views heard",
    FactKind.ACCOUNT_TAKEN: "Account taken",
}
NEXT = {
    FactKind.INFORMED: "Tell {carer} the plan, ask for their views",
    FactKind.INVITED: "Ask {carer} for their views",
    FactKind.VIEWS: "Record what {carer} said",
    FactKind.ACCOUNT_TAKEN: "Record how {carer}'s views were used",
}


@dataclass(frozen=True, slots=True)
class Box:
    """One of the four facts: done, next, todo, again (the date moved) or no (not possible)."""

    fact: str
    words: str
    state: str
    note: str = ""
    said: str = ""
    lead: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One patient, or one carer of a patient who has several."""

    id: str
    stay: str
    anchor: str
    bed: str
    name: str
    age: str
    number: str
    who: str = ""
    registration: str = ""
    once: str = ""
    day: str = ""
    kind: str = ""
    reach: str = ""
    carer_given: str = ""
    next: str = ""
    why: str = ""
    due: str = ""
    edge: str = ""
    edge_of_due: str = "soon"
    boxes: tuple[Box, ...] = ()
    call: str = ""
    saved: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Rows under one heading."""

    title: str
    icon: str
    rows: tuple[Row, ...]


def rows_of(
    bedside: Bedside, clock: Clock, error: tuple[str, str, str] = ("", "", "")
) -> list[Row]:
    """The rows of one patient; ``error`` names Task, fact and words of a form that was refused."""
    tasks = [
        a
        for a in bedside.alerts
        if isinstance(a, Task)
        and a.code is TaskCode.INVOLVE_CARER
        and a.status in OPEN_STATUSES
        and a.registration in bedside.carers
    ]
    if not tasks:
        return [_slim(bedside, clock)]
    return [
        _involved(bedside.stay, task, bedside.carers[task.registration or ""], clock, error)
        for task in tasks
    ]


def repair_row(bedside: Bedside, clock: Clock) -> list[Row]:
    """The rows of one patient who left before the carer was involved."""
    rows = []
    for task in bedside.alerts:
        if (
            isinstance(task, Task)
            and task.code is TaskCode.REPAIR_MISSED
            and task.status in OPEN_STATUSES
        ):
            carer = bedside.carers.get(task.registration or "")
            late = clock.is_late(task.due_at)
            rows.append(
                replace(
                    _patient(bedside.stay, clock, task.id),
                    kind="known",
                    who=carer_words(carer) if carer else "",
                    reach=_reach(carer) if carer else "",
                    next=f"Ring {carer.carer.given if carer else 'the carer'}",
                    why="Left before everything was recorded.",
                    due=clock.due(task.due_at) if task.due_at else "",
                    edge="late" if late else "soon",
                    edge_of_due="late" if late else "soon",
                    call=task.id,
                )
            )
    return rows


def groups_of(rows: list[tuple[date | None, Row]], left: list[Row], clock: Clock) -> list[Group]:
    """Who left unfinished first, then by the day on which they are planned to leave."""
    today, tomorrow = clock.today, clock.today + timedelta(days=1)
    parts = [
        Group("Left: ring the carer", "warning", tuple(left)),
        _leaving(f"Leaving {clock.day(today)}", [r for d, r in rows if d and d <= today]),
        _leaving(f"Leaving {clock.day(tomorrow)}", [r for d, r in rows if d == tomorrow]),
        _leaving("Later", [r for d, r in rows if d and d > tomorrow]),
        Group("No planned date", "ask", tuple(r for d, r in rows if d is None)),
    ]
    return [group for group in parts if group.rows]


def _leaving(title: str, rows: list[Row]) -> Group:
    late_first = sorted(rows, key=lambda row: row.edge != "late")
    return Group(title, "calendar", tuple(late_first))


def _slim(bedside: Bedside, clock: Clock) -> Row:
    stay = bedside.stay
    if is_restricted(stay):
        return _alone(_patient(stay, clock, stay.id))
    return replace(_patient(stay, clock, stay.id), who="No one on the register")


def _involved(
    stay: Stay, task: Task, carer: Registration, clock: Clock, error: tuple[str, str, str]
) -> Row:
    patient = _patient(stay, clock, task.id)
    if is_restricted(stay):
        return _alone(patient)
    facts = tuple(f for f in stay.facts if f.registration == carer.key)
    boxes = _boxes(stay, carer, facts, clock, error[1:] if error[0] == task.id else ("", ""))
    refused = carer.sharing is Sharing.REFUSED
    following = next((b for b in boxes if b.state in ("next", "again")), None)
    late = following is not None and clock.is_late(task.due_at)
    return replace(
        patient,
        registration=carer.key,
        once=str(len(facts)),
        kind="listen" if refused else "known",
        who=carer_words(carer),
        reach=_reach(carer),
        carer_given=carer.carer.given,
        next=_next_words(following, carer, refused),
        why=_why(following, refused),
        due=_due_words(following, task, clock),
        edge="late" if late else "soon" if following else "good",
        edge_of_due="late" if late else "soon" if following else "good",
        boxes=boxes,
    )


def _alone(row: Row) -> Row:
    """Somebody must speak to the patient alone: no carer, no contacts, no facts."""
    return replace(
        row,
        kind="alone",
        edge="alone",
        next="Ask the nurse in charge before contacting anyone",
        why="Do not give out the date or where they are going.",
    )


def _patient(stay: Stay, clock: Clock, key: str) -> Row:
    patient = stay.patient
    kinds = (IdentifierKind.NHS, IdentifierKind.CHI)
    number = next((n.value for n in map(patient.number, kinds) if n), "")
    name = " ".join(part for part in (patient.given, patient.family) if part)
    return Row(
        id=key,
        stay=stay.id,
        anchor=f"row-{key}",
        bed=stay.place.bed if stay.place else "",
        name=name or "Name not known",
        age=age(patient.birth_date, clock.today),
        number=spaced(number),
        day=clock.short_day(stay.planned.on) if stay.planned else "",
    )


def _boxes(
    stay: Stay,
    carer: Registration,
    facts: tuple[FactRecorded, ...],
    clock: Clock,
    error: tuple[str, str],
) -> tuple[Box, ...]:
    boxes: list[Box] = []
    for proof in PROOFS:
        done = next((f for f in reversed(facts) if f.fact is proof), None)
        state, note = _state(stay, carer, proof, done, clock)
        if state == "todo" and not any(b.state in ("next", "again") for b in boxes):
            state = "next"
        boxes.append(
            Box(
                fact=proof.value,
                words=WORDS[proof],
                state=state,
                note=note,
                said=f"{done.words}. {clock.time(done.at)}, {done.by}" if done else "",
                lead=_lead(stay, carer, proof, clock),
                error=error[1] if error[0] == proof.value else "",
            )
        )
    return tuple(boxes)


def _state(
    stay: Stay, carer: Registration, proof: FactKind, done: FactRecorded | None, clock: Clock
) -> tuple[str, str]:
    if proof is FactKind.INFORMED and carer.sharing is Sharing.REFUSED:
        return "no", "patient's choice"
    if done is None:
        return "todo", ""
    planned = stay.planned.on if stay.planned else None
    if proof is FactKind.INFORMED and planned is not None and done.planned_on != planned:
        return "again", "date moved"
    return "done", clock.time(done.at)


def _lead(stay: Stay, carer: Registration, proof: FactKind, clock: Clock) -> str:
    given = carer.carer.given
    if proof is FactKind.INVITED:
        return f"I asked {given} for their views."
    if stay.planned is None:
        return f"I told {given} that leaving is being planned. No date is set yet."
    return f"I told {given} that the planned date is {clock.day(stay.planned.on)}."


def _next_words(following: Box | None, carer: Registration, refused: bool) -> str:
    if following is None:
        return "Nothing to do unless the date moves"
    given = carer.carer.given
    if refused and following.fact == FactKind.INVITED.value:
        return f"Ask {given} for their views. Tell them nothing"
    if following.state == "again":
        return f"Tell {given} the new date, ask for their views"
    return NEXT[FactKind(following.fact)].format(carer=given)


def _why(following: Box | None, refused: bool) -> str:
    if refused:
        return "The patient has asked us to tell them nothing."
    return "The date moved." if following and following.state == "again" else ""


def _due_words(following: Box | None, task: Task, clock: Clock) -> str:
    if following is None:
        return "Complete"
    return clock.due(task.due_at) if task.due_at else ""


def _reach(carer: Registration) -> str:
    person = carer.carer
    if person.is_young:
        return "Young carer: contact the centre, not the child"
    ways = {"phone": "Phone", "sms": "Text", "email": "E-mail", "letter": "Letter"}
    parts = [
        ways.get(person.contact_by or "", "Phone") + (f" {person.phone}" if person.phone else ""),
        person.contact_times or "",
        {"bsl": "BSL user: do not ring", "large-print": "Large print letters"}.get(
            person.format or "", ""
        ),
        "" if person.language in (None, "en") else f"Language: {person.language}",
    ]
    return ". ".join(part for part in parts if part)
