"""What we believe of a stay: its events folded by event time, whatever the order of arrival."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from hashlib import blake2b
from heapq import merge
from typing import TypedDict, TypeVar
from uuid import NAMESPACE_URL, uuid5

from alerts import deaths
from alerts.cancels import CANCELLABLE, CANCELS, as_read_now, settle
from alerts.hours import local, local_date
from alerts.model.bodies import event_to_text
from alerts.model.doubts import Doubt, DoubtKind
from alerts.model.events import (
    AdtEvent,
    Answered,
    Change,
    Cleared,
    EventKind,
    FactRecorded,
    Hiding,
    PatientChange,
    PlannedDate,
    StayEvent,
)
from alerts.model.identity import IdentifierKind, NextOfKin, Patient
from alerts.model.stay import PlansSaid, Stay, StayStatus

T = TypeVar("T")

NAMESPACE = uuid5(NAMESPACE_URL, "https://thinkcarer.example/")
"""Never changes: every id that somebody outside may hold comes from it."""


class _PersonFacts(TypedDict):
    """Fields of a stay that a message about the person changes."""

    patient: Patient
    patient_id: str
    hiding: Hiding | None
    sensitive: bool
    consent_refused: bool
    next_of_kin: tuple[NextOfKin, ...]


_OWN = frozenset(
    {
        DoubtKind.DISCHARGE_WITHOUT_A03,
        DoubtKind.UNCERTAIN_ADMISSION,
        DoubtKind.UNCERTAIN_PLAN,
        DoubtKind.UNCERTAIN_DISCHARGE,
        DoubtKind.MOVED_AFTER_LEAVING,
    }
)
"""Doubts about the stay itself, which a message about the person does not lift."""
_ENDS_NOTHING = frozenset(
    {EventKind.DISCHARGED, EventKind.DISCHARGE_CANCELLED, EventKind.ADMISSION_CANCELLED}
)
"""Their PV1-45 is that of the discharge they tell of; in others it may be one nobody told of."""
_DAY = timedelta(days=1)
_BEST_FIRST = (IdentifierKind.NHS, IdentifierKind.CHI, IdentifierKind.LOCAL)


def legacy_id(event: AdtEvent) -> str:
    """The id that a stay had before visit numbers counted with their authority."""
    if event.visit:
        return uuid_of(event.feed, event.visit)
    admitted = event.admitted_at.isoformat() if isinstance(event.admitted_at, datetime) else ""
    return uuid_of(event.feed, _best_identifier(event.patient), admitted)


@lru_cache(maxsize=4096)
def uuid_of(*parts: str) -> str:
    """The same id for the same parts, for ever."""
    return str(uuid5(NAMESPACE, "|".join(parts)))


def order_key(event: StayEvent, learned_at: datetime) -> str:
    """Sorts as text by event time; ties by when it was recorded, sent and numbered.

    A person's entry sorts behind the messages of the same moment.
    """
    if isinstance(event, AdtEvent):
        return _message_key(as_read_now(event))
    return f"{_stamp(event.at)}|~{_stamp(learned_at)}|{_digest(event)}"


def folds_alone(stay: Stay | None, event: StayEvent) -> bool:
    """Whether the newest event can be folded into the stay without those before it."""
    if not isinstance(event, AdtEvent):
        return stay is not None
    if event.kind in CANCELS or (stay is None and event.kind is EventKind.PERSON_UPDATED):
        return False
    return stay is None or not (stay.awaits_cancelled and event.kind in CANCELLABLE)


def fold(stay: Stay | None, event: StayEvent) -> Stay:
    """The stay after an event that is the newest by event time and ``folds_alone``.

    A message about a visit may open a stay; a cancel among them takes back what stands.
    """
    if isinstance(event, AdtEvent):
        if stay is None and event.kind is EventKind.PERSON_UPDATED:
            raise ValueError("a message about the person opens no stay")
        return _after_message(_opened(event) if stay is None else stay, event)
    if stay is None:
        raise ValueError("only a message opens a stay")
    if isinstance(event, Answered):
        return deaths.after_answer(replace(stay, answers=(*stay.answers, event)), event)
    return replace(stay, facts=_facts_after(stay.facts, event))


def refold(events: Iterable[StayEvent]) -> Stay:
    """The stay of all its events; entries of persons keep the given order where times are equal.

    What came before the message that opens the stay counts too.
    """
    messages: list[AdtEvent] = []
    entries: list[FactRecorded | Answered] = []
    for event in events:
        if isinstance(event, AdtEvent):
            messages.append(as_read_now(event))
        else:
            entries.append(event)
    messages.sort(key=_message_key)
    settled = settle(messages)
    opening = next((e for e in settled.events if e.kind is not EventKind.PERSON_UPDATED), None)
    if opening is None:
        raise ValueError("a stay needs at least one message about a visit")
    stay = replace(_opened(opening), awaits_cancelled=settled.waits)
    for event in merge(settled.events, sorted(entries, key=_happened_at), key=_happened_at):
        stay = fold(stay, event)
    return stay


def _happened_at(event: StayEvent) -> datetime:
    return event.occurred_at if isinstance(event, AdtEvent) else event.at


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
    stay = event.stay or legacy_id(event)
    return Stay(
        id=stay,
        feed=event.feed,
        visit=event.visit or stay,
        visit_authority=event.visit_authority,
        patient_id=event.patient_id,
        opened_at=event.occurred_at,
    )


def _after_message(stay: Stay, event: AdtEvent) -> Stay:
    if event.kind is EventKind.PERSON_UPDATED:
        own = tuple(d for d in stay.doubts if d.kind in _OWN)
        told = replace(stay, **_person_facts(stay, event), doubts=(*event.doubts, *own))
        return deaths.after_message(stay, told, event)
    status = _status_after(stay, event)
    moves = status is StayStatus.OPEN or event.kind is EventKind.DISCHARGED
    reopened = status is StayStatus.OPEN and stay.status is not StayStatus.OPEN
    after = replace(
        stay,
        **_person_facts(stay, event),
        status=status,
        patient_class=_kept(stay.patient_class, event.patient_class),
        place=_kept(stay.place, event.place) if moves else stay.place,
        admitted_at=_kept(stay.admitted_at, event.admitted_at),
        method=_kept(None if reopened else stay.method, event.method),
        destination=_kept(None if reopened else stay.destination, event.destination),
        last_event_at=event.occurred_at,
        doubts=event.doubts,
    )
    if not moves and _kept(stay.place, event.place) != stay.place:
        after = _doubting(after, DoubtKind.MOVED_AFTER_LEAVING)
    after = deaths.after_message(stay, after, event)
    return _doubting_dates(_with_plan(_with_discharge(after, stay, event), event), event)


def _person_facts(stay: Stay, event: AdtEvent) -> _PersonFacts:
    """What any message says of the person, also one about no visit."""
    return _PersonFacts(
        patient=patient_after(stay.patient, event.patient),
        patient_id=event.patient_id or stay.patient_id,
        hiding=_kept(stay.hiding, event.hiding),
        sensitive=_kept(stay.sensitive, event.sensitive) or False,
        consent_refused=_kept(stay.consent_refused, event.consent_refused) or False,
        next_of_kin=stay.next_of_kin if event.next_of_kin is None else event.next_of_kin,
    )


def _status_after(stay: Stay, event: AdtEvent) -> StayStatus:
    status, kind = stay.status, event.kind
    if kind is EventKind.ADMISSION_CANCELLED:
        return StayStatus.CANCELLED
    if status is StayStatus.CANCELLED and kind is not EventKind.ADMITTED:
        return StayStatus.CANCELLED  # only another admission opens a cancelled stay
    if kind is EventKind.DISCHARGED or _says_left(stay, event):
        return StayStatus.DISCHARGED
    if kind in (EventKind.ADMITTED, EventKind.DISCHARGE_CANCELLED):
        return StayStatus.OPEN
    if stay.is_doubtful(DoubtKind.DISCHARGE_WITHOUT_A03) and _says_here(event):
        return StayStatus.OPEN
    return status


def _says_left(stay: Stay, event: AdtEvent) -> bool:
    """PV1-45 lies in the past, within the stay, and was not taken back."""
    said = event.discharged_at
    if event.kind in _ENDS_NOTHING or not isinstance(said, datetime) or said > event.sent_at:
        return False
    is_day_alone = local(said).time() == time.min
    if is_day_alone and local_date(said) >= local_date(event.sent_at):
        return False  # some time today may still be ahead
    admitted = _kept(stay.admitted_at, event.admitted_at)
    if admitted is not None and said < admitted:
        return is_day_alone and local_date(said) == local_date(admitted)
    return said != stay.left_undone


def _says_here(event: AdtEvent) -> bool:
    """A new place, or a time of leaving that is cleared or lies ahead: the patient is here."""
    return event.kind is EventKind.TRANSFERRED or event.discharged_at is not None


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
        if event.kind is EventKind.DISCHARGE_CANCELLED:
            undone = before.discharged_at or event.cancels_at or before.left_undone
            after = replace(after, left_undone=undone)
        return after if after.discharged_at is None else replace(after, discharged_at=None)
    is_first = before.status is not StayStatus.DISCHARGED
    said = _left_at(event)
    at = said or (event.occurred_at if is_first else before.discharged_at)
    was_uncertain = before.is_doubtful(DoubtKind.UNCERTAIN_DISCHARGE)
    doubtful = said is None and not is_first and was_uncertain
    if said and (_is_before(said, after.admitted_at) or said > event.sent_at + _DAY):
        at, doubtful = event.occurred_at, True
    after = replace(after, discharged_at=at, discharges=before.discharges + is_first)
    if event.kind is not EventKind.DISCHARGED and (
        is_first or before.is_doubtful(DoubtKind.DISCHARGE_WITHOUT_A03)
    ):
        after = _doubting(after, DoubtKind.DISCHARGE_WITHOUT_A03, "PV1-45")
    return _doubting(after, DoubtKind.UNCERTAIN_DISCHARGE) if doubtful else after


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
    if event.kind is EventKind.ADMISSION_CANCELLED:
        return _planned_anew(stay, None, event, stay.plans_said)
    said = _day_and_hour(event.planned)
    if event.kind is EventKind.PLAN_CANCELLED:
        stands = stay.planned is None or said is None or stay.planned.on == said.on
        return _planned_anew(stay, None, event, stay.plans_said) if stands else stay
    if event.planned is None:
        return stay
    told = dict(stay.plans_said)
    is_repeated = event.feed in told and told[event.feed] == said
    if is_repeated and event.kind is not EventKind.DISCHARGE_PLANNED:
        return stay  # an old date again overwrites nothing
    told[event.feed] = said
    plans_said = tuple(sorted(told.items(), key=lambda one: one[0]))
    return _planned_anew(stay, said, event, plans_said)


def _day_and_hour(said: Change[PlannedDate]) -> PlannedDate | None:
    """Midnight is how many systems write that they know no hour."""
    if not isinstance(said, PlannedDate):
        return None
    is_hour = said.at is not None and local(said.at).time() != time.min
    return said if is_hour else PlannedDate(said.on)


def _planned_anew(
    stay: Stay, planned: PlannedDate | None, event: AdtEvent, plans_said: PlansSaid
) -> Stay:
    if planned is None:
        return replace(
            stay, planned=None, planned_known_at=None, planned_before=None, plans_said=plans_said
        )
    if stay.planned is not None and planned.on == stay.planned.on:
        return replace(stay, planned=planned, plans_said=plans_said)
    return replace(
        stay,
        plans_said=plans_said,
        planned=planned,
        planned_known_at=event.occurred_at,
        planned_before=stay.planned.on if stay.planned else None,
        plans=stay.plans + (stay.planned is None),
    )


def _doubting_dates(stay: Stay, event: AdtEvent) -> Stay:
    admitted = stay.admitted_at
    if admitted is not None and admitted > event.sent_at + _DAY:
        stay = _doubting(stay, DoubtKind.UNCERTAIN_ADMISSION)
    if admitted is not None and stay.planned and stay.planned.on < local_date(admitted):
        stay = _doubting(stay, DoubtKind.UNCERTAIN_PLAN)
    return stay


def _doubting(stay: Stay, kind: DoubtKind, where: str = "") -> Stay:
    return replace(stay, doubts=tuple(dict.fromkeys((*stay.doubts, Doubt(kind, where)))))


def _is_before(at: datetime, other: datetime | None) -> bool:
    return other is not None and at < other


def _facts_after(facts: tuple[FactRecorded, ...], fact: FactRecorded) -> tuple[FactRecorded, ...]:
    if not fact.undone:
        return facts if fact in facts else (*facts, fact)
    for index in reversed(range(len(facts))):
        if (facts[index].fact, facts[index].registration) == (fact.fact, fact.registration):
            return facts[:index] + facts[index + 1 :]
    return facts
