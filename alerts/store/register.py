"""The register of carers, and what coordinators answered about doubtful matches."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, bindparam, func, insert, or_, select, update

from alerts.matching import name_key
from alerts.model.alert import Match, MatchDecision
from alerts.model.identity import Patient
from alerts.model.register import Registration
from alerts.store.bodies import registration_from_text, registration_to_text
from alerts.store.tables import match_decision, utc
from alerts.store.tables import registration as registration_table

_AT_ONCE = 500

# Whoever has one of the patient's numbers, or their birth date and name; ended ones too. By key.
_CANDIDATES = (
    select(registration_table.c.body)
    .where(
        or_(
            registration_table.c.number.in_(bindparam("numbers", expanding=True)),
            and_(
                registration_table.c.birth_date == bindparam("born"),
                registration_table.c.name_key == bindparam("name"),
            ),
        )
    )
    .order_by(registration_table.c.key)
)

_GET = select(registration_table.c.body).where(registration_table.c.key == bindparam("wanted"))

# What is there already, locked, so that two imports of one centre queue up.
_KNOWN = (
    select(registration_table.c.key, registration_table.c.body)
    .where(registration_table.c.key.in_(bindparam("wanted", expanding=True)))
    .with_for_update()
)
_INSERT = insert(registration_table)
_UPDATE = (
    update(registration_table)
    .where(registration_table.c.key == bindparam("wanted"))
    .values(version=registration_table.c.version + 1)
)

# Answers about these registrations, the oldest first: a later one replaces an earlier one.
_DECISIONS = (
    select(match_decision)
    .where(match_decision.c.registration.in_(bindparam("wanted", expanding=True)))
    .order_by(match_decision.c.id)
)
_DECIDE = insert(match_decision)

# Whoever decides about stays shares the register; whoever changes it for stays that are there has
# it alone. Else an admission and an import at the same moment each miss the other.
_LOCK = 7_412_066
_SHARE = select(func.pg_advisory_xact_lock_shared(_LOCK))
_HAVE_ALONE = select(func.pg_advisory_xact_lock(_LOCK))


def share(tx: Connection) -> None:
    """Nobody changes the register until this transaction ends; SQLite has one writer anyway."""
    if tx.dialect.name == "postgresql":
        tx.execute(_SHARE)


def have_alone(tx: Connection) -> None:
    """Nobody decides about a stay until this transaction ends; ask for it first."""
    if tx.dialect.name == "postgresql":
        tx.execute(_HAVE_ALONE)


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did."""

    new: int
    changed: int
    same: int
    touched: tuple[Registration, ...]
    """The new and the changed ones, in the order of the file."""


def candidates(tx: Connection, patient: Patient) -> tuple[Registration, ...]:
    """Registrations of the person that this patient may be, ended ones included."""
    named = patient.family is not None and patient.given is not None
    asked = {
        "numbers": [number.value for number in patient.identifiers],
        "born": patient.birth_date if named else None,
        "name": name_key(patient.family or "", patient.given or ""),
    }
    if not asked["numbers"] and asked["born"] is None:
        return ()
    rows = tx.execute(_CANDIDATES, asked).scalars()
    return tuple(registration_from_text(body) for body in rows)


def get(tx: Connection, key: str) -> Registration | None:
    """The registration of that key, None if the register has none."""
    body = tx.execute(_GET, {"wanted": key}).scalar()
    return None if body is None else registration_from_text(body)


def upsert(tx: Connection, registrations: Sequence[Registration], at: datetime) -> Imported:
    """Add what is new, replace what changed, leave alone what is the same."""
    new: list[Registration] = []
    changed: list[Registration] = []
    touched: list[Registration] = []
    for some in _slices(registrations):
        rows = tx.execute(_KNOWN, {"wanted": [r.key for r in some]})
        known = {row.key: registration_from_text(row.body) for row in rows}
        added = [r for r in some if r.key not in known]
        replaced = [r for r in some if r.key in known and known[r.key] != r]
        if added:
            tx.execute(_INSERT, [_row(r, at) | {"key": r.key, "version": 1} for r in added])
        if replaced:
            tx.execute(_UPDATE, [_row(r, at) | {"wanted": r.key} for r in replaced])
        new += added
        changed += replaced
        touched += [r for r in some if known.get(r.key) != r]
    same = len(registrations) - len(touched)
    return Imported(len(new), len(changed), same, tuple(touched))


def decisions(tx: Connection, keys: Sequence[str]) -> tuple[MatchDecision, ...]:
    """What people answered about these registrations, oldest first."""
    if not keys:
        return ()
    return tuple(
        MatchDecision(row.registration, row.fingerprint, row.is_same, row.decided_by, utc(row.at))
        for row in tx.execute(_DECISIONS, {"wanted": list(keys)})
    )


def decide_match(tx: Connection, seen: Match, is_same: bool, by: str, at: datetime) -> None:
    """Keep a person's answer about this patient beside this registration."""
    tx.execute(
        _DECIDE,
        {
            "registration": seen.registration.key,
            "fingerprint": seen.fingerprint,
            "is_same": is_same,
            "decided_by": by,
            "at": at,
        },
    )


def _slices(registrations: Sequence[Registration]) -> Iterator[Sequence[Registration]]:
    for start in range(0, len(registrations), _AT_ONCE):
        yield registrations[start : start + _AT_ONCE]


def _row(registration: Registration, at: datetime) -> dict[str, object]:
    person = registration.patient
    return {
        "centre": registration.centre,
        "registration_id": registration.registration_id,
        "number_kind": person.identifier.kind.value,
        "number": person.identifier.value,
        "birth_date": person.birth_date,
        "name_key": name_key(person.family, person.given),
        "ended_on": registration.ended_on,
        "body": registration_to_text(registration),
        "imported_at": at,
    }
