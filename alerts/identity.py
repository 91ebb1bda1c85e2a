"""Which patient and which stay an event is about: found through aliases, never by a feed's name."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple, TypeAlias

from alerts.matching import fold_name
from alerts.model.events import AdtEvent, Change, EventKind, PatientChange
from alerts.model.identity import Identifier, IdentifierKind, Patient
from alerts.model.placeholders import is_placeholder_date, is_placeholder_name
from alerts.model.stay import Stay, StayStatus
from alerts.movements import uuid_of

LEGACY = "feed:"
"""Begins the authority of a visit number whose message is gone: the feed that brought it."""
_OWN_TYPES = ("MR", "PI")


class NumberKey(NamedTuple):
    """A number for a person with who gave it; equal keys are one patient."""

    kind: IdentifierKind
    authority: str
    value: str


@dataclass(frozen=True, slots=True)
class VisitAlias:
    """A visit number with who gave it, and the stay that it names."""

    authority: str
    number: str
    stay: str
    is_fallback: bool = True
    """Nobody said who gave the number: the feed's word for it, or the sender's name."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known of an event's numbers."""

    patients: Mapping[NumberKey, str]
    """Patients by their numbers."""
    visits: tuple[VisitAlias, ...]
    """Whoever has the event's visit number, whatever the authority."""
    stays: Mapping[str, Stay]
    """The stays of those visits and of those patients, by id."""


@dataclass(frozen=True, slots=True)
class Placed:
    """The event of one stay, with its ids; ``is_new`` where the stay begins with it."""

    event: AdtEvent
    is_new: bool


@dataclass(frozen=True, slots=True)
class OfPerson:
    """An event about a person: of each of these stays, and of whichever begins soon."""

    event: AdtEvent
    stays: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Contradiction:
    """The message cannot be placed: nothing is changed."""

    why: str


@dataclass(frozen=True, slots=True)
class AnotherHolds:
    """Another patient's stay has this visit number: a person is asked whether they are the same."""

    stay: str
    patient: str


Resolution: TypeAlias = Placed | OfPerson | AnotherHolds | Contradiction

ANOTHER_PATIENT = (
    "another patient holds this visit number: the message shares no number with them, and the "
    "name or the date of birth differs; the discharge coordinator is asked"
)
ANOTHER_PERSON = (
    "the date of birth is another than that of the patient who has this number: a death that it "
    "tells of closed nothing"
)
NO_STAY = "neither a visit number nor a stay that was open then"


def keys_of(identifiers: Iterable[Identifier]) -> tuple[NumberKey, ...]:
    """The keys of these numbers, each once, in order."""
    return tuple(dict.fromkeys(NumberKey(i.kind, i.authority, i.value) for i in identifiers))


def own_key(identifiers: Collection[Identifier], patient_authority: str = "") -> NumberKey | None:
    """The number that names the patient; NHS number and CHI only where no own number was sent.

    Of several own numbers the one of ``patient_authority``, else the first of type MR, else PI,
    else the first (contract §7.1 Which patient).
    """
    own = [i for i in identifiers if i.kind is IdentifierKind.LOCAL]
    if len(own) > 1:
        first = min(own, key=lambda i: _rank(i, patient_authority))
    else:
        found = own or _by_kind(identifiers)
        if not found:
            return None
        first = found[0]
    return NumberKey(first.kind, first.authority, first.value)


def resolve(
    event: AdtEvent,
    around: Surroundings,
    patient_authority: str = "",
    is_same: bool | None = None,
) -> Resolution:
    """Which patient and stay the event is about, or why that cannot be said.

    ``is_same``: what a person said where another patient's stay has the visit number.
    """
    patient = _patient(event, around, patient_authority)
    if event.kind is EventKind.PERSON_UPDATED:
        return _of_person(replace(event, patient_id=patient), around)
    known = _visited(event, patient, around) if event.visit else _open_then(event, patient, around)
    if known is not None and is_another(known, event, around, patient) and is_same is not True:
        if is_same is None:
            return AnotherHolds(known.id, patient)
        own = uuid_of("visit", event.visit_authority, event.visit or "", patient)
        return Placed(replace(event, stay=own, patient_id=patient), is_new=own not in around.stays)
    if known is not None:
        theirs = known.patient_id or patient
        return Placed(replace(event, stay=known.id, patient_id=theirs), is_new=False)
    stay = new_stay_id(event, patient)
    if stay is None:
        return Contradiction(NO_STAY)
    return Placed(replace(event, stay=stay, patient_id=patient), is_new=True)


def new_stay_id(event: AdtEvent, patient: str) -> str | None:
    """The id of a stay that begins with this event: of its visit number, else of its admission."""
    if event.visit:
        return uuid_of("visit", event.visit_authority, event.visit)
    if isinstance(event.admitted_at, datetime):
        return uuid_of("admission", patient, event.admitted_at.isoformat())
    return None


def new_patient_id(key: NumberKey) -> str:
    """The id of a patient who was first known by this number."""
    return uuid_of("patient", key.kind.value, key.authority, key.value)


def is_another(stay: Stay, event: AdtEvent, around: Surroundings, patient: str) -> bool:
    """The event shares no number with the stay's patient, and birth date or name differs.

    A stay whose patient was only a placeholder so far is no contradiction.
    """
    if stay.patient_id == patient:
        return False
    ours = keys_of(stay.patient.identifiers)
    sent = keys_of(event.patient.identifiers or ())
    if not sent or not ours or set(ours) & set(sent):
        return False
    if any(around.patients.get(key) == stay.patient_id for key in sent if stay.patient_id):
        return False
    return not is_nobody(stay.patient) and _differs(stay.patient, event.patient)


def is_nobody(patient: Patient) -> bool:
    """The record stands for somebody who is not known yet."""
    named = [(patient.family, False), (patient.given, True)]
    if any(name and is_placeholder_name(name, is_given) for name, is_given in named):
        return True
    return patient.birth_date is not None and is_placeholder_date(patient.birth_date)


def _rank(identifier: Identifier, patient_authority: str) -> int:
    if patient_authority and identifier.authority == patient_authority:
        return 0
    if identifier.type_code in _OWN_TYPES:
        return 1 + _OWN_TYPES.index(identifier.type_code)
    return 1 + len(_OWN_TYPES)


def _by_kind(identifiers: Collection[Identifier]) -> list[Identifier]:
    kinds = (IdentifierKind.NHS, IdentifierKind.CHI)
    return [i for kind in kinds for i in identifiers if i.kind is kind]


def _patient(event: AdtEvent, around: Surroundings, patient_authority: str) -> str:
    """The patient by own number; where that is new, by NHS number or CHI of one without any."""
    key = own_key(event.patient.identifiers or (), patient_authority)
    if key is None:
        return ""
    known = around.patients.get(key)
    if known is not None:
        return known
    evidence = (around.patients.get(k) for k in keys_of(event.patient.identifiers or ()))
    for patient in (found for found in evidence if found is not None):
        if key.kind is not IdentifierKind.LOCAL or not _has_number_of(patient, key, around):
            return patient
    return new_patient_id(key)


def _has_number_of(patient: str, key: NumberKey, around: Surroundings) -> bool:
    """The patient has a number of the same giver already: two records of one hospital."""
    return any(
        known == patient and (k.kind, k.authority) == (key.kind, key.authority)
        for k, known in around.patients.items()
    )


def _visited(event: AdtEvent, patient: str, around: Surroundings) -> Stay | None:
    """The stay of that visit number: of its authority, else the same patient's under a fall-back,
    else one of a release that kept the feed's name alone."""
    exact = [v for v in around.visits if v.authority == event.visit_authority]
    known = _of_patient(exact, event, patient, around)
    if known is not None:
        return known
    for alias in around.visits:
        stay = around.stays.get(alias.stay)
        is_loose = alias.is_fallback or not event.visit_authority_sent
        if stay is None or not is_loose or alias.authority.startswith(LEGACY):
            continue
        if _shares(stay, event, patient) and _overlaps(stay, event):
            return stay
    legacy = [v for v in around.visits if v.authority == f"{LEGACY}{event.feed}"]
    return _of_patient(legacy, event, patient, around)


def _of_patient(
    found: list[VisitAlias], event: AdtEvent, patient: str, around: Surroundings
) -> Stay | None:
    """Of several stays under one number the one of this patient, else the first."""
    stays = [around.stays[v.stay] for v in found if v.stay in around.stays]
    theirs = (s for s in stays if _shares(s, event, patient))
    return next(theirs, next(iter(stays), None))


def _shares(stay: Stay, event: AdtEvent, patient: str) -> bool:
    if patient and stay.patient_id == patient:
        return True
    ours = set(keys_of(stay.patient.identifiers))
    return not ours.isdisjoint(keys_of(event.patient.identifiers or ()))


_AFTERWARDS = timedelta(days=30)
"""Messages of a stay come for so long after it has ended."""


def _overlaps(stay: Stay, event: AdtEvent) -> bool:
    ended_at = stay.discharged_at
    return ended_at is None or event.occurred_at <= ended_at + _AFTERWARDS


def _open_then(event: AdtEvent, patient: str, around: Surroundings) -> Stay | None:
    """The patient's stay that was open at the event's time; the one that began last."""
    found = [
        stay
        for stay in around.stays.values()
        if patient and stay.patient_id == patient and _was_open(stay, event)
    ]
    return max(found, key=lambda s: (str(s.admitted_at or s.opened_at), s.id), default=None)


def _was_open(stay: Stay, event: AdtEvent) -> bool:
    if stay.status is StayStatus.CANCELLED:
        return False
    ended_at = stay.discharged_at if stay.status is StayStatus.DISCHARGED else None
    if event.kind in (EventKind.DISCHARGED, EventKind.DISCHARGE_CANCELLED):
        return ended_at is None or event.occurred_at <= ended_at + _AFTERWARDS
    return ended_at is None or event.occurred_at <= ended_at


def _of_person(event: AdtEvent, around: Surroundings) -> Resolution:
    """Each of the person's stays, unless a number seems to be somebody else's."""
    theirs = [s for s in around.stays.values() if s.patient_id == event.patient_id]
    if event.died is True and any(
        _is_different(s.patient.birth_date, event.patient.birth_date) for s in theirs
    ):
        return Contradiction(ANOTHER_PERSON)
    return OfPerson(event, tuple(sorted(s.id for s in theirs)))


def _differs(patient: Patient, change: PatientChange) -> bool:
    if _is_different(patient.birth_date, change.birth_date):
        return True
    pairs = ((patient.family, change.family), (patient.given, change.given))
    return any(
        _is_different(fold_name(ours) if ours else None, _folded(theirs)) for ours, theirs in pairs
    )


def _folded(name: Change[str]) -> str | None:
    return fold_name(name) if isinstance(name, str) else None


def _is_different(ours: object, theirs: object) -> bool:
    return ours is not None and theirs is not None and type(ours) is type(theirs) and ours != theirs
