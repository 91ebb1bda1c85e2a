"""Aliases of patients and stays, looked up for many events at once and kept as they are learned."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, insert, select
from sqlalchemy.exc import IntegrityError

from alerts.identity import (
    NumberKey,
    Placed,
    Surroundings,
    VisitAlias,
    keys_of,
    new_patient_id,
    own_key,
)
from alerts.model.bodies import event_from_text, event_to_text
from alerts.model.events import AdtEvent, EventKind, StayEvent
from alerts.model.identity import IdentifierKind
from alerts.model.stay import Stay
from alerts.movements import order_key
from alerts.store.identity_tables import patient as patient_table
from alerts.store.identity_tables import patient_alias, person_event, visit_alias
from alerts.store.stays import IS_THERE, OpenedMeanwhile, Shelf
from alerts.store.tables import stay as stay_table

KEPT_FOR = timedelta(days=30)
"""A death or a restriction that came before any stay holds for stays that begin within this."""

# Whoever has one of these numbers, and the other numbers of these patients, in no order.
_of_number = select(patient_alias.c.patient).where(
    patient_alias.c.value.in_(bindparam("values", expanding=True))
)
_PATIENTS = select(
    patient_alias.c.kind, patient_alias.c.authority, patient_alias.c.value, patient_alias.c.patient
).where(patient_alias.c.patient.in_(_of_number))
# Whoever has one of these visit numbers, whatever the authority; in a fixed order.
_VISITS = (
    select(
        visit_alias.c.authority,
        visit_alias.c.number,
        visit_alias.c.stay,
        visit_alias.c.is_fallback,
    )
    .where(visit_alias.c.number.in_(bindparam("numbers", expanding=True)))
    .order_by(visit_alias.c.number, visit_alias.c.authority, visit_alias.c.stay)
)
# Every stay of these patients, in no order.
_STAYS_OF = select(stay_table.c.id, stay_table.c.patient).where(
    stay_table.c.patient.in_(bindparam("patients", expanding=True))
)
# What was told of a person without a visit, by event time.
_PERSON_EVENTS = (
    select(person_event.c.body, person_event.c.order_key)
    .where(
        person_event.c.patient == bindparam("wanted"),
        person_event.c.learned_at >= bindparam("since"),
    )
    .order_by(person_event.c.order_key, person_event.c.id)
)
_STAYS_OF_VISIT = (
    select(visit_alias.c.stay)
    .where(visit_alias.c.number == bindparam("number"))
    .order_by(visit_alias.c.stay)
)
_KINDS = {kind.value: kind for kind in IdentifierKind}
_NEW_PATIENT, _NEW_NUMBER = insert(patient_table), insert(patient_alias)
_NEW_VISIT, _NEW_PERSON_EVENT = insert(visit_alias), insert(person_event)


class Known:
    """What is known of patients and visits in one transaction; new aliases are kept at its end."""

    def __init__(self, tx: Connection, shelf: Shelf, now: datetime) -> None:
        """Nobody was looked up."""
        self._tx = tx
        self._shelf = shelf
        self._now = now
        self._asked_values: set[str] = set()
        self._asked_numbers: set[str] = set()
        self._asked_patients: set[str] = set()
        self._patients: dict[NumberKey, str] = {}
        self._visits: dict[str, tuple[VisitAlias, ...]] = {}
        self._stays: dict[str, set[str]] = {}
        self._whose: dict[str, str] = {}
        self._new_patients: dict[str, dict[str, object]] = {}
        self._new_numbers: list[dict[str, object]] = []
        self._new_visits: list[dict[str, object]] = []
        self._new_events: list[dict[str, object]] = []

    def fetch(self, events: Iterable[AdtEvent]) -> None:
        """Look up together whom these events name, and the stays that they may be of."""
        told = list(events)
        self._fetch_patients({i.value for e in told for i in e.patient.identifiers or ()})
        self._fetch_visits({e.visit for e in told if e.visit})
        loose = {p for e in told if not e.visit for p in self._patients_of(e)}
        self._fetch_stays(loose)
        stays = {alias.stay for e in told if e.visit for alias in self._visits.get(e.visit, ())}
        self._shelf.fetch(stays | {s for p in loose for s in self._stays.get(p, ())})

    def around(self, event: AdtEvent) -> Surroundings:
        """What is known of the numbers of one event."""
        if not self._was_asked(event):
            self.fetch((event,))
        if event.visit:
            visits = self._visits.get(event.visit, ())
            ids = {alias.stay for alias in visits}
        else:
            visits = ()
            ids = {s for p in self._patients_of(event) for s in self._stays.get(p, ())}
        return Surroundings(self._patients, visits, self._loaded(ids))

    def learn(self, placed: Placed, patient_authority: str, entry: int | None) -> None:
        """Keep the numbers that this event brings of its patient and its visit."""
        event = placed.event
        if event.patient_id:
            self._learn_patient(event, patient_authority, entry)
        if placed.is_new:
            self._stays.setdefault(event.patient_id, set()).add(event.stay)
        if event.visit is not None:
            self._learn_visit(event)

    def keep(self, event: AdtEvent, entry: int | None, learned_at: datetime) -> None:
        """Keep what was told of a person without a visit, for the stays to come."""
        self._learn_patient(event, "", entry)
        self._new_events.append(
            {
                "patient": event.patient_id,
                "order_key": order_key(event, learned_at),
                "body": event_to_text(event)[1],
                "learned_at": learned_at,
                "entry": entry,
            }
        )

    def told_before(self, patient: str) -> list[tuple[str, StayEvent]]:
        """What was told of a patient without a visit of late, each with its order key."""
        mine = [
            (str(row["order_key"]), str(row["body"]))
            for row in self._new_events
            if row["patient"] == patient
        ]
        asked = {"wanted": patient, "since": self._now - KEPT_FOR}
        is_new = patient in self._new_patients  # so that nothing was kept of it before
        rows = () if is_new else self._tx.execute(_PERSON_EVENTS, asked).all()
        found = [(str(row.order_key), str(row.body)) for row in rows] + mine
        return [(key, event_from_text("message", body)) for key, body in found]

    def flush(self) -> None:
        """Write what is new; OpenedMeanwhile where somebody else learned one of it just now."""
        news = (
            (_NEW_PATIENT, list(self._new_patients.values())),
            (_NEW_NUMBER, self._new_numbers),
            (_NEW_VISIT, self._new_visits),
            (_NEW_PERSON_EVENT, self._new_events),
        )
        self._new_patients, self._new_numbers = {}, []
        self._new_visits, self._new_events = [], []
        try:
            for statement, rows in news:
                if rows:
                    self._tx.execute(statement, rows)
        except IntegrityError as failure:
            if getattr(failure.orig, "sqlstate", None) == IS_THERE:
                raise OpenedMeanwhile(OpenedMeanwhile.__doc__) from failure
            raise

    def _was_asked(self, event: AdtEvent) -> bool:
        if event.visit is None or event.visit not in self._asked_numbers:
            return False
        return all(each.value in self._asked_values for each in event.patient.identifiers or ())

    def _fetch_patients(self, values: set[str]) -> None:
        missing = values - self._asked_values
        if missing:
            self._asked_values |= missing
            rows = self._tx.execute(_PATIENTS, {"values": sorted(missing)}).all()
            for kind, authority, value, patient in rows:
                self._patients[NumberKey(_KINDS[kind], authority, value)] = patient

    def _fetch_visits(self, numbers: set[str]) -> None:
        missing = numbers - self._asked_numbers
        if missing:
            self._asked_numbers |= missing
            rows = self._tx.execute(_VISITS, {"numbers": sorted(missing)}).all()
            for authority, number, stay, is_fallback in rows:
                alias = VisitAlias(authority, number, stay, bool(is_fallback))
                self._visits[number] = (*self._visits.get(number, ()), alias)

    def _fetch_stays(self, patients: set[str]) -> None:
        missing = patients - self._asked_patients
        if missing:
            self._asked_patients |= missing
            for row in self._tx.execute(_STAYS_OF, {"patients": sorted(missing)}):
                self._stays.setdefault(row.patient, set()).add(row.id)
                self._whose[row.id] = row.patient

    def _patients_of(self, event: AdtEvent) -> Iterator[str]:
        for key in keys_of(event.patient.identifiers or ()):
            known = self._patients.get(key)
            if known is not None:
                yield known

    def _loaded(self, ids: Collection[str]) -> dict[str, Stay]:
        stays: dict[str, Stay] = {}
        for stay_id in sorted(ids):
            found = self._shelf.load(stay_id)
            if found is None:
                continue
            stay, whose = found.stay, self._whose.get(stay_id, "")
            stays[stay_id] = (
                stay if stay.patient_id or not whose else replace(stay, patient_id=whose)
            )
        return stays

    def _learn_patient(self, event: AdtEvent, patient_authority: str, entry: int | None) -> None:
        patient, numbers = event.patient_id, event.patient.identifiers or ()
        new = [key for key in keys_of(numbers) if key not in self._patients]
        if not new:
            return
        key = own_key(numbers, patient_authority)
        is_first = key is not None and patient == new_patient_id(key)
        if is_first and patient not in self._patients.values():
            self._new_patients[patient] = {"id": patient, "created_at": self._now}
        for each in new:
            self._patients[each] = patient
            self._new_numbers.append(
                {
                    "kind": each.kind.value,
                    "authority": each.authority,
                    "value": each.value,
                    "patient": patient,
                    "from_entry": entry,
                }
            )

    def _learn_visit(self, event: AdtEvent) -> None:
        number = event.visit or ""
        known = self._visits.get(number, ())
        for alias in known:
            if alias.stay == event.stay and alias.authority == event.visit_authority:
                return
        is_fallback = not event.visit_authority_sent
        new = VisitAlias(event.visit_authority, number, event.stay, is_fallback)
        self._visits[number] = (*known, new)
        self._new_visits.append(
            {
                "number": number,
                "authority": event.visit_authority,
                "stay": event.stay,
                "is_fallback": is_fallback,
            }
        )


def closes_a_gate(event: AdtEvent) -> bool:
    """A death or a restriction: what holds for stays to come as well."""
    is_hidden = event.hiding is not None or event.sensitive is not None
    said = event.died is not None or event.death_unclear or event.consent_refused is not None
    return event.kind is EventKind.PERSON_UPDATED and (said or is_hidden)


def stays_of_visit(tx: Connection, number: str) -> list[str]:
    """Ids of the stays that have this visit number, whoever gave it."""
    return list(tx.execute(_STAYS_OF_VISIT, {"number": number}).scalars())
