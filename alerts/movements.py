"""What we believe of a stay: its events folded by event time, whatever the order of arrival."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import TypeVar
from uuid import NAMESPACE_URL, uuid5

from alerts.hours import local, local_date
from alerts.model.bodies import event_to_text
from alerts.model.events import (
    AdtEvent,
    Answered,
    Change,
    Cleared,
    EventKind,
    FactRecorded,
    PatientChange,
    StayEvent,
)
from alerts.model.identity import IdentifierKind, Patient
from alerts.model.stay import Stay, StayStatus

T = TypeVar("T")

NAMESPACE = uuid5(NAMESPACE_URL, "https://thinkcarer.example/")
"""Never changes: every id that somebody outside may hold comes from it."""

UNCERTAIN_ADMISSION = "uncertain: the admission lies in the future"
UNCERTAIN_PLAN = "uncertain: the planned date lies before the admission"
UNCERTAIN_DISCHARGE = "uncertain: the discharge lies before the admission or in the future"
MOVED_AFTER_LEAVING = "a new place after the end of the stay was not followed"

_DAY = timedelta(days=1)
_BEST_FIRST = (IdentifierKind.NHS, IdentifierKind.CHI, IdentifierKind.LOCAL)


def identify(event: AdtEvent) -> tuple[str, str]:
    """The stay's id and its visit number; without PV1-19 the id stands for the visit too."""
    if event.visit:
        return uuid_of(event.feed, event.visit), event.visit
    admitted = event.admitted_at.isoformat() if isinstance(event.admitted_at, datetime) else ""
    stay = uuid_of(event.feed, _best_identifier(event.patient), admitted)
    return stay, stay


@lru_cache(maxsize=4096)
def uuid_of(*parts: str) -> str:
    """The same id for the same parts, for ever."""
    return str(uuid5(NAMESPACE, "|".join(parts)))


def order_key(event: StayEvent, learned_at: datetime) -> str:
    """Sorts as text by event time; ties by when it was recorded, sent and numbered."""
    if isinstance(event, AdtEvent):
        return _message_key(event)
    return f"{_stamp(event.at)}|{_stamp(learned_at)}|{_digest(event)}"


def fold(stay: Stay | None, event: StayEvent) -> Stay:
    """The stay after an event that is the newest by event time; a message may open a stay."""
    if isinstance(event, AdtEvent):
        return _after_message(_opened(event) if stay is None else stay, event)
    if stay is None:
        raise ValueError("only a message opens a stay")
    if isinstance(event, Answered):
        return replace(stay, answers=(*stay.answers, event))
    return replace(stay, facts=_facts_after(stay.facts, event))


def refold(events: Iterable[StayEvent]) -> Stay:
    """The stay of all its events; entries of persons keep the given order where times are equal.

    Messages come first, since an entry never changes what a message says, nor the reverse.
    """
    messages: list[AdtEvent] = []
    entries: list[FactRecorded | Answered] = []
    for event in events:
        if isinstance(event, AdtEvent):
            messages.append(event)
        else:
            entries.append(event)
    stay: Stay | None = None
    for event in (*sorted(messages, key=_message_key), *sorted(entries, key=lambda e: e.at)):
        stay = fold(stay, event)
    if stay is None:
        raise ValueError("a stay needs at least one message")
    return stay


def _best_identifier(patient: PatientChange) -> str:
    for kind in _BEST_FIRST:
        found = sorted(
            f"{i.kind}:{i.authority}:{i.value}" for i in patient.identifiers or () if i.kind is kind
        )
        if found:
            return found[0]
    return ""


def _message_key(event: AdtEvent) -> str:
    times = "|".join(_stamp(t) for t in (event.occurred_at, event.recorded_at, event.sent_at))
    # Senders count up: MSG9 was sent before MSG10.
    head = event.control_id.rstrip("0123456789")
    number = event.control_id[len(head) :].zfill(20)
    return f"{times}|{(head + number)[:80]}|{_digest(event)}"


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")[:26]


def _digest(event: StayEvent) -> str:
    """Settles the last tie, so that the order of arrival never decides."""
    return blake2b(event_to_text(event)[1].encode(), digest_size=6).hexdigest()


def _opened(event: AdtEvent) -> Stay:
    stay, visit = identify(event)
    return Stay(id=stay, feed=event.feed, visit=visit, opened_at=event.occurred_at)


def _after_message(stay: Stay, event: AdtEvent) -> Stay:
    status = _status_after(stay.status, event.kind)
    died = _kept(stay.died, event.died) or False
    moves = status is StayStatus.OPEN or event.kind is EventKind.DISCHARGED
    place = _kept(stay.place, event.place) if moves else stay.place
    reopened = status is StayStatus.OPEN and stay.status is not StayStatus.OPEN
    after = replace(
        stay,
        patient=patient_after(stay.patient, event.patient),
        status=status,
        patient_class=_kept(stay.patient_class, event.patient_class),
        place=place,
        admitted_at=_kept(stay.admitted_at, event.admitted_at),
        hiding=_kept(stay.hiding, event.hiding),
        sensitive=_kept(stay.sensitive, event.sensitive) or False,
        consent_refused=_kept(stay.consent_refused, event.consent_refused) or False,
        died=died,
        death_unclear=stay.death_unclear or event.death_unclear,
        died_after_leaving=died
        and status is StayStatus.DISCHARGED
        and (stay.died_after_leaving if stay.died else stay.status is StayStatus.DISCHARGED),
        method=_kept(None if reopened else stay.method, event.method),
        destination=_kept(None if reopened else stay.destination, event.destination),
        next_of_kin=stay.next_of_kin if event.next_of_kin is None else event.next_of_kin,
        last_event_at=event.occurred_at,
        warnings=event.warnings,
        doubts=event.doubts,
    )
    if not moves and _kept(stay.place, event.place) != stay.place:
        after = _doubting(after, MOVED_AFTER_LEAVING)
    return _doubting_dates(_with_plan(_with_discharge(after, stay, event), event), event)


def _status_after(status: StayStatus, kind: EventKind) -> StayStatus:
    if kind is EventKind.ADMITTED:
        return StayStatus.OPEN
    if kind is EventKind.ADMISSION_CANCELLED or status is StayStatus.CANCELLED:
        return StayStatus.CANCELLED  # only another admission opens a cancelled stay
    if kind is EventKind.DISCHARGED:
        return StayStatus.DISCHARGED
    if kind is EventKind.DISCHARGE_CANCELLED:
        return StayStatus.OPEN
    return status


def _kept(old: T | None, change: Change[T]) -> T | None:
    """Absent keeps, HL7 null clears, a value replaces (HL7 v2.4 ch.2.7)."""
    if change is None:
        return old
    return None if isinstance(change, Cleared) else change


def patient_after(patient: Patient, change: PatientChange) -> Patient:
    """What is known of the patient once a message has been taken in."""
    return Patient(
        identifiers=patient.identifiers if change.identifiers is None else change.identifiers,
        family=_kept(patient.family, change.family),
        given=_kept(patient.given, change.given),
        birth_date=_kept(patient.birth_date, change.birth_date),
        sex=_kept(patient.sex, change.sex),
        postcode=_kept(patient.postcode, change.postcode),
        phone=_kept(patient.phone, change.phone),
    )


def _with_discharge(after: Stay, before: Stay, event: AdtEvent) -> Stay:
    if after.status is not StayStatus.DISCHARGED:
        return after if after.discharged_at is None else replace(after, discharged_at=None)
    is_first = before.status is not StayStatus.DISCHARGED
    said = _left_at(event)
    at = said or (event.occurred_at if is_first else before.discharged_at)
    doubtful = said is None and not is_first and UNCERTAIN_DISCHARGE in before.warnings
    if said and (_is_before(said, after.admitted_at) or said > event.sent_at + _DAY):
        at, doubtful = event.occurred_at, True
    after = replace(after, discharged_at=at, discharges=before.discharges + is_first)
    return _doubting(after, UNCERTAIN_DISCHARGE) if doubtful else after


def _left_at(event: AdtEvent) -> datetime | None:
    """What the message says; of a bare date (local midnight) the event knows the hour better."""
    if not isinstance(event.discharged_at, datetime):
        return None
    said = local(event.discharged_at)
    is_bare_date = said.time() == time.min and said.date() == local_date(event.occurred_at)
    return event.occurred_at if is_bare_date else event.discharged_at


def _with_plan(stay: Stay, event: AdtEvent) -> Stay:
    if event.kind is EventKind.DISCHARGED:
        return stay  # PV2-9 of a discharge is history, not a plan
    is_over = event.kind in (EventKind.PLAN_CANCELLED, EventKind.ADMISSION_CANCELLED)
    planned = None if is_over else _kept(stay.planned, event.planned)
    if planned == stay.planned and planned is not None:
        return stay
    if planned is None:
        return replace(stay, planned=None, planned_known_at=None, planned_before=None)
    if stay.planned is not None and planned.on == stay.planned.on:
        return replace(stay, planned=planned)
    return replace(
        stay,
        planned=planned,
        planned_known_at=event.occurred_at,
        planned_before=stay.planned.on if stay.planned else None,
        plans=stay.plans + (stay.planned is None),
    )


def _doubting_dates(stay: Stay, event: AdtEvent) -> Stay:
    admitted = stay.admitted_at
    if admitted is not None and admitted > event.sent_at + _DAY:
        stay = _doubting(stay, UNCERTAIN_ADMISSION)
    if admitted is not None and stay.planned and stay.planned.on < local_date(admitted):
        stay = _doubting(stay, UNCERTAIN_PLAN)
    return stay


def _doubting(stay: Stay, warning: str) -> Stay:
    return replace(stay, warnings=(*stay.warnings, warning))


def _is_before(at: datetime, other: datetime | None) -> bool:
    return other is not None and at < other


def _facts_after(facts: tuple[FactRecorded, ...], fact: FactRecorded) -> tuple[FactRecorded, ...]:
    if not fact.undone:
        return facts if fact in facts else (*facts, fact)
    for index in reversed(range(len(facts))):
        if (facts[index].fact, facts[index].registration) == (fact.fact, fact.registration):
            return facts[:index] + facts[index + 1 :]
    return facts
