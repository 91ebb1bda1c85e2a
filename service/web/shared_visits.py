"""Two patients under one visit number, as the coordinator is asked about them."""

from collections.abc import Iterable
from dataclasses import dataclass

from alerts.model.identity import IdentifierKind, Patient
from alerts.model.site import Site
from alerts.model.stay import Stay
from alerts.store.visit_questions import Question
from service.web.leaving import born, place, spoken_number


@dataclass(frozen=True, slots=True)
class Shown:
    """One of the two, in words."""

    name: str
    details: str
    """Birth date and number, as far as they are known."""


@dataclass(frozen=True, slots=True)
class SharedVisit:
    """One question; ``holder`` is whose stay it is, ``sent`` whom the messages name."""

    id: int
    visit: str
    where: str
    holder: Shown
    sent: Shown
    messages: str


def shared_visits(asked: Iterable[tuple[Question, Stay]], site: Site) -> tuple[SharedVisit, ...]:
    """One line a question, the oldest first."""
    return tuple(
        SharedVisit(
            id=question.id,
            visit=stay.visit,
            where=place(stay, site),
            holder=_shown(stay.patient),
            sent=_shown(question.sent),
            messages="1 message names"
            if question.waiting == 1
            else f"{question.waiting} messages name",
        )
        for question, stay in asked
    )


def _shown(patient: Patient) -> Shown:
    names = [part for part in (patient.given, patient.family) if part]
    details = [f"born {day}" for day in (born(patient.birth_date),) if day]
    kinds = (IdentifierKind.NHS, IdentifierKind.CHI)
    sure = [found for kind in kinds if (found := patient.number(kind)) is not None]
    local = [i for i in patient.identifiers if i.kind is IdentifierKind.LOCAL]
    details += [spoken_number(number) for number in (*sure, *local)[:1]]
    return Shown(" ".join(names) or "Name not known", ", ".join(details))
