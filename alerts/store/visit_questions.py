"""Two patients under one visit number: a coordinator is asked which, and messages wait for it."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, RowMapping, bindparam, func, insert, select, update

from alerts.model.bodies import patient_from_text, patient_to_text
from alerts.model.identity import Patient
from alerts.store.identity_tables import visit_question, visit_question_entry

_ONE = select(visit_question.c.id, visit_question.c.is_same).where(
    visit_question.c.stay == bindparam("wanted"), visit_question.c.patient == bindparam("whose")
)
_ASK = insert(visit_question)
_WAITS = insert(visit_question_entry)
_WAITING = (
    select(visit_question_entry.c.entry)
    .where(visit_question_entry.c.question == bindparam("wanted"))
    .order_by(visit_question_entry.c.entry)
)
_counted = (
    select(func.count())
    .select_from(visit_question_entry)
    .where(visit_question_entry.c.question == visit_question.c.id)
    .scalar_subquery()
)
_OPEN = (
    select(visit_question, _counted.label("waiting"))
    .where(visit_question.c.is_same.is_(None))
    .order_by(visit_question.c.asked_at, visit_question.c.id)
)
_OF_HOSPITAL = _OPEN.where(visit_question.c.hospital == bindparam("of"))
_ANSWER = (
    update(visit_question)
    .where(
        visit_question.c.id == bindparam("wanted"),
        visit_question.c.hospital == bindparam("of"),
        visit_question.c.is_same.is_(None),
    )
    .values(is_same=bindparam("said"), answered_at=bindparam("now"), answered_by=bindparam("who"))
)


class Clash(NamedTuple):
    """A stay, and another patient whom a message names under its visit number."""

    stay: str
    patient: str


@dataclass(frozen=True, slots=True)
class Question:
    """One that waits for its answer."""

    id: int
    stay: str
    sent: Patient
    """Whom the messages name."""
    asked_at: datetime
    waiting: int
    """Messages that wait."""


class Answer(NamedTuple):
    """What a coordinator of one hospital says."""

    question: int
    hospital: str
    is_same: bool
    by: str


def said_of(tx: Connection, clash: Clash) -> bool | None:
    """Whether a coordinator said that they are the same; None while nobody did."""
    row = tx.execute(_ONE, {"wanted": clash.stay, "whose": clash.patient}).first()
    return None if row is None else row.is_same


def ask(
    tx: Connection, clash: Clash, sent: Patient, hospital: str, waits: tuple[int, datetime]
) -> None:
    """Ask once, and remember which entry waits for the answer (``waits``: it, and when it came)."""
    entry, at = waits
    row = tx.execute(_ONE, {"wanted": clash.stay, "whose": clash.patient}).first()
    if row is None:
        asked = {"stay": clash.stay, "patient": clash.patient, "hospital": hospital}
        tx.execute(_ASK, asked | {"sent": patient_to_text(sent), "asked_at": at})
        row = tx.execute(_ONE, {"wanted": clash.stay, "whose": clash.patient}).one()
    known = tx.execute(_WAITING, {"wanted": row.id}).scalars().all()
    if entry not in known:
        tx.execute(_WAITS, {"question": row.id, "entry": entry})


def open_of(tx: Connection, hospital: str) -> tuple[Question, ...]:
    """What a hospital's coordinator is asked, the oldest first."""
    return tuple(map(_question, tx.execute(_OF_HOSPITAL, {"of": hospital}).mappings()))


def answer(tx: Connection, answer: Answer, now: datetime) -> tuple[int, ...] | None:
    """Keep it; the entries that waited, None where it was answered before or is not theirs."""
    said = {"wanted": answer.question, "of": answer.hospital, "said": answer.is_same}
    if not tx.execute(_ANSWER, said | {"now": now, "who": answer.by}).rowcount:
        return None
    return tuple(tx.execute(_WAITING, {"wanted": answer.question}).scalars())


def _question(row: RowMapping) -> Question:
    return Question(
        id=row["id"],
        stay=row["stay"],
        sent=patient_from_text(row["sent"]),
        asked_at=row["asked_at"],
        waiting=row["waiting"],
    )
