"""The ward's list in words: one row a patient and carer, in groups by when the patient leaves."""

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date, timedelta

from alerts.model.alert import Task
from alerts.model.events import FactKind
from alerts.model.identity import IdentifierKind, Patient
from alerts.model.register import Registration, Sharing
from alerts.model.site import Site
from alerts.model.stay import Stay
from alerts.rules.situation import is_restricted
from alerts.wording import carer_words
from service.web.contact import interpreter, reach
from service.web.proofs import Box, Saved, Wrong, boxes, recorded, saved
from service.web.queries.bedsides import OPEN, Bedside
from service.web.queries.lookups import Lookup
from service.web.words import Clock, age, spaced

ALONE = "Ask the nurse in charge before contacting anyone"
_LOOKED_UP = {
    Lookup.NO_ONE: "No one on the register",
    Lookup.CHECKING: "Being checked",
    Lookup.NOT_KNOWN: "Not known yet",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One row. ``kind``: carer, listen, stop or empty; ``clock``: late, due, done or empty."""

    id: str
    bed: str
    name: str
    meta: str
    leaves_on: date | None = None
    day: str = ""
    kind: str = ""
    kind_words: str = ""
    """Other words than those of its kind."""
    who: str = ""
    who_meta: str = ""
    next: str = ""
    why: str = ""
    clock: str = ""
    by: str = ""
    is_due_today: bool = False
    first: str = ""
    stay: str = ""
    registration: str = ""
    boxes: tuple[Box, ...] = ()
    saved: Saved | None = None
    repair: str = ""
    """Id of the Task to ring the carer of a patient who has left."""
    seen: int = 0
    """How often that Task was answered when this was printed."""
    shut: str = ""
    """Id of the Task to involve a carer whom nobody may contact, of a patient who has left."""
    check: str = ""
    """Id of the question to the coordinator that the ward helps to answer."""
    has_died: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Rows under one heading."""

    title: str
    icon: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom and when the list is printed."""

    site: Site
    clock: Clock
    name: str
    wrong: Wrong | None = None
    is_stale: bool = False
    """The hospital has sent nothing for too long: nothing about the register is sure."""


@dataclass(frozen=True, slots=True)
class Patients:
    """Whom a ward's list is about."""

    here: tuple[Bedside, ...]
    to_ring: tuple[Bedside, ...] = ()
    """Who left, with a call to a carer still open."""
    shut: tuple[Bedside, ...] = ()
    """Who left, and whose carers nobody may contact."""


def groups(patients: Patients, reader: Reader) -> list[Group]:
    """Left, ring the carer; by planned date, overdue first within a group; last the others."""
    found: dict[tuple[int, str, str], list[Row]] = defaultdict(list)
    for row in [row for bedside in patients.to_ring for row in _left_rows(bedside, reader)]:
        found[(0, "Left, ring the carer", "phone")].append(row)
    shut = [_shut_row(bedside, reader) for bedside in patients.shut]
    if shut:
        found[(_SHUT, "Left. Contact no one", "stop")] += shut
    for row in [row for bedside in patients.here for row in _rows(bedside, reader)]:
        group = _group(row, reader.clock.today)
        is_later = group[0] == _LATER
        words = f"{row.leaves_on:%a} {row.leaves_on.day}" if is_later and row.leaves_on else ""
        found[group].append(replace(row, day=words))
    taken: set[str] = set()
    return [
        Group(title, icon, tuple(_with_id(row, taken) for row in sorted(rows, key=_by_urgency)))
        for (_, title, icon), rows in sorted(found.items())
    ]


def patient_name(stay: Stay) -> str:
    """Given and family name, or that there is none."""
    parts = (stay.patient.given, stay.patient.family)
    return " ".join(part for part in parts if part) or "Name not known"


_LATER = 4
_SHUT = 6
_DIED = 7


def _group(row: Row, today: date) -> tuple[int, str, str]:
    leaves_on = row.leaves_on
    if row.has_died:
        return _DIED, "Has died", "no"
    if leaves_on is None:
        return 5, "No planned date", "ask"
    words = f"{leaves_on:%a} {leaves_on.day} {leaves_on:%B}"
    if leaves_on < today:
        return 1, "Planned date has passed", "late"
    if leaves_on == today:
        return 2, f"Leaving today, {words}", "cal"
    if leaves_on == today + timedelta(days=1):
        return 3, f"Leaving tomorrow, {words}", "cal"
    after = today + timedelta(days=2)
    return _LATER, f"{after:%a} {after.day} {after:%B} and later", "cal"


def _rows(bedside: Bedside, reader: Reader) -> list[Row]:
    stay = bedside.stay
    plain = _plain(stay, reader.clock)
    if stay.died:
        words = ALONE if is_restricted(stay) else "No carer is messaged"
        return [replace(plain, leaves_on=None, has_died=True, who=words)]
    if is_restricted(stay):
        why = "Do not give out the date or where the patient is going."
        return [replace(plain, kind="stop", next=ALONE, why=why)]
    carers = bedside.involvements()
    if not carers:
        lookup = bedside.lookup
        if reader.is_stale and lookup is Lookup.NO_ONE:
            lookup = Lookup.NOT_KNOWN
        plain = replace(plain, who=_LOOKED_UP[lookup])
    checks = [_check_row(plain, stay, task.id) for task in bedside.questions()[:1]]
    if not carers:
        return checks or [plain]
    return [_carer_row(plain, stay, task, bedside, reader) for task in carers] + checks


def _check_row(plain: Row, stay: Stay, task: str) -> Row:
    """A plain question about the hospital's own record: nothing of the register is in it."""
    patient, born = stay.patient, stay.patient.birth_date
    said = (
        patient_name(stay),
        f"born {born.day} {born:%b %Y}" if born else "birth date not recorded",
        patient.postcode or "postcode not recorded",
    )
    ask = f"Ask {patient.given or 'the patient'} for name, birth date and postcode"
    why = f"The coordinator is not sure who this is. Recorded: {', '.join(said)}."
    return replace(plain, who=_LOOKED_UP[Lookup.CHECKING], next=ask, why=why, check=task)


def _carer_row(plain: Row, stay: Stay, task: Task, bedside: Bedside, reader: Reader) -> Row:
    registration = bedside.carers[task.registration or ""]
    row = _named(plain, registration)
    is_open = task.status.value in OPEN
    found = boxes(stay, registration, reader.clock, reader.wrong)
    row = replace(
        row,
        boxes=found,
        saved=saved(stay, registration.key, reader.name, reader.clock.now) if is_open else None,
    )
    if all(box.state in ("done", "no") for box in found):
        newest = max((f.at for f in stay.facts if f.registration == registration.key), default=None)
        by = f"Complete, {reader.clock.time(newest)}" if newest else "Complete"
        return replace(row, next="Nothing to do unless the date moves", clock="done", by=by)
    step, why = _step(stay, registration, found, reader)
    return _timed(replace(row, next=step, why=why), task, reader.clock)


def _left_rows(bedside: Bedside, reader: Reader) -> list[Row]:
    stay = bedside.stay
    left_at = stay.discharged_at
    gone = f"Left {reader.clock.time(left_at)}" if left_at else "Has left"
    plain = replace(_plain(stay, reader.clock), leaves_on=None)
    if is_restricted(stay):
        return []  # a group of its own
    rows = []
    for task in bedside.repairs():
        if task.status.value not in OPEN:
            continue
        registration = bedside.carers[task.registration or ""]
        tried = [a for a in stay.answers if a.alert == task.id]
        last = f". Tried {reader.clock.time(tried[-1].at)}" if tried else ""
        row = replace(
            _named(plain, registration),
            next=f"Ring {registration.carer.given}",
            why=f"{gone}. {registration.carer.given} was not involved in full before{last}.",
            repair=task.id,
            seen=len(tried),
        )
        rows.append(_timed(row, task, reader.clock))
    return rows


def _shut_row(bedside: Bedside, reader: Reader) -> Row:
    """Who left and whose carers nobody may contact: no carer, no date, one button that ends it."""
    left_at = bedside.stay.discharged_at
    tasks = bedside.unseen()
    return replace(
        _plain(bedside.stay, reader.clock),
        leaves_on=None,
        kind="stop",
        kind_words="Contact no one",
        next=ALONE,
        why=f"Left {reader.clock.time(left_at)}." if left_at else "Has left.",
        shut=tasks[0].id,
    )


def _plain(stay: Stay, clock: Clock) -> Row:
    bed = stay.place.bed if stay.place else ""
    years, number = age(stay.patient.birth_date, clock.today), _number(stay.patient)
    return Row(
        id="",
        bed=bed,
        name=patient_name(stay),
        meta=" · ".join(part for part in (years, number) if part),
        leaves_on=stay.planned.on if stay.planned else None,
        stay=stay.id,
    )


def _named(plain: Row, registration: Registration) -> Row:
    refused = registration.sharing is Sharing.REFUSED
    told = "The patient has asked us to tell them nothing" if refused else ""
    contact = ". ".join(part for part in (told, reach(registration.carer)) if part)
    return replace(
        plain,
        kind="listen" if refused else "carer",
        who=carer_words(registration),
        who_meta=contact,
        first=registration.carer.given,
        registration=registration.key,
    )


def _step(
    stay: Stay, registration: Registration, found: tuple[Box, ...], reader: Reader
) -> tuple[str, str]:
    """The next step and why, for the box that is next."""
    first, states = registration.carer.given, {box.proof: box.state for box in found}
    book = _book(stay, registration, reader.site)
    informed = states[FactKind.INFORMED.value]
    ask = ", ask for their views" if states[FactKind.INVITED.value] != "done" else ""
    if informed == "again" and stay.planned:
        before = recorded(stay, registration.key, FactKind.INFORMED)[-1].planned_on
        told = f"Told {before:%a} {before.day}. " if before else ""
        return f"Tell {first} the new date{ask}", f"{told}Now {reader.clock.day(stay.planned.on)}."
    if informed == "next":
        return f"Tell {first} the {'date' if stay.planned else 'plan'}{ask}", book
    if states[FactKind.INVITED.value] == "next":
        if registration.sharing is Sharing.REFUSED:
            return (
                f"Ask {first} for their views. Tell them nothing",
                "Not the date, not how they are.",
            )
        return f"Ask {first} for their views", book
    if states[FactKind.VIEWS.value] == "next":
        return f"Record what {first} says", book
    views = recorded(stay, registration.key, FactKind.VIEWS)
    return f"Record how {first}’s views were used", views[-1].words if views else ""


def _book(stay: Stay, registration: Registration, site: Site) -> str:
    hospital = site.hospital(stay.place.hospital) if stay.place else None
    if not interpreter(registration.carer) or hospital is None or not hospital.interpreter_phone:
        return ""
    return f"Book an interpreter first: {hospital.interpreter_phone}."


def _timed(row: Row, task: Task, clock: Clock) -> Row:
    """The row with its deadline; where that is past, the first hour at which one may ring."""
    if task.due_at is None:
        return row
    words = clock.due(task.due_at)
    if not clock.is_late(task.due_at):
        is_today = clock.is_today(task.due_at)
        return replace(row, clock="due", by=words, is_due_today=is_today)
    ring = clock.ring_from()
    return replace(row, clock="late", by=f"{words}. {ring}" if ring else words)


def _number(patient: Patient) -> str:
    for kind in (IdentifierKind.NHS, IdentifierKind.CHI):
        number = patient.number(kind)
        if number is not None:
            return spaced(number.value)
    return next((i.value for i in patient.identifiers), "")


def _by_urgency(row: Row) -> tuple[int, date, str, str]:
    order = {"late": 0, "due": 1, "done": 3}
    rank = 2 if row.kind == "stop" else order.get(row.clock, 4 if not row.kind else 2)
    return rank, row.leaves_on or date.max, row.bed, row.name


def _with_id(row: Row, taken: set[str]) -> Row:
    """An anchor of its own: the bed, and where two share one, part of the stay too."""
    wanted = f"bed-{re.sub(r'[^A-Za-z0-9]+', '-', row.bed) or row.stay[:8]}"
    name, number = wanted, 2
    while name in taken:
        name, number = f"{wanted}-{number}", number + 1
    taken.add(name)
    return replace(row, id=name)
