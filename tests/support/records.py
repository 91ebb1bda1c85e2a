"""Builders of stored records: fixed defaults, a test states only what matters."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from alerts.model.alert import (
    Agreement,
    Evidence,
    Match,
    MatchGrade,
    Notice,
    NoticeStatus,
    Recipient,
    RecipientKind,
    Task,
    TaskCode,
    TaskStatus,
)
from alerts.model.identity import Identifier, IdentifierKind, Patient
from alerts.model.register import CaredFor, Carer, Registration, Sharing
from alerts.model.site import NoticeEvent
from alerts.model.stay import Place, Stay

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
WARD = Recipient(RecipientKind.WARD, "L302H/M7A")
CENTRE = Recipient(RecipientKind.CENTRE, "LANCARERS")


@dataclass(frozen=True, slots=True)
class Learned:
    """How an event was learned."""

    learned_at: datetime = NOW
    entry: int | None = None
    actor: str | None = None


def a_number(value: str = "9990000018", kind: IdentifierKind = IdentifierKind.NHS) -> Identifier:
    return Identifier(kind, value)


def a_patient(**changes: object) -> Patient:
    patient = Patient((a_number(),), "Carswell", "Hugh", date(1948, 2, 11), postcode="ML6 0JS")
    return replace(patient, **changes)


def a_stay(id: str = "stay-1", ward: str = "M7A", **changes: object) -> Stay:
    stay = Stay(
        id=id,
        feed="pas",
        visit="V1001",
        patient=a_patient(),
        place=Place("L302H", ward, "R1", "B1"),
    )
    return replace(stay, **({"opened_at": NOW, "last_event_at": NOW} | changes))


def a_registration(registration_id: str = "R1", **changes: object) -> Registration:
    registration = Registration(
        registration_id=registration_id,
        centre="LANCARERS",
        carer=Carer("Ailsa", "Carswell"),
        patient=CaredFor(a_number(), "Hugh", "Carswell", date(1948, 2, 11)),
        relationship="CHILD",
        agrees_hospital=True,
        agrees_events=True,
        sharing=Sharing.FULL,
        registered_on=date(2025, 1, 6),
    )
    return replace(registration, **changes)


def a_match(registration: Registration | None = None, fingerprint: str = "f" * 64) -> Match:
    evidence = (Evidence("family", Agreement.SAME),)
    return Match(registration or a_registration(), MatchGrade.DOUBTFUL, evidence, fingerprint)


def a_task(id: str = "task-1", **changes: object) -> Task:
    task = Task(
        id=id,
        code=TaskCode.INVOLVE_CARER,
        stay="stay-1",
        registration="LANCARERS/R1",
        recipient=WARD,
        status=TaskStatus.REQUESTED,
        state=None,
        authored_at=NOW,
        due_at=None,
    )
    return replace(task, **changes)


def a_notice(id: str = "notice-1", **changes: object) -> Notice:
    notice = Notice(
        id=id,
        event=NoticeEvent.PLANNED,
        stay="stay-1",
        registration="LANCARERS/R1",
        recipient=CENTRE,
        status=NoticeStatus.COMPLETED,
        decided_at=NOW,
    )
    return replace(notice, **changes)
