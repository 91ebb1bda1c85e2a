"""The register of carers, and what coordinators answered about doubtful matches."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeAlias

from sqlalchemy import (
    Connection,
    RowMapping,
    Text,
    and_,
    bindparam,
    cast,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.exc import DBAPIError

from alerts.matching import name_key
from alerts.model.alert import MatchDecision
from alerts.model.bodies import registration_from_text, registration_to_text
from alerts.model.identity import Patient
from alerts.model.register import Registration
from alerts.store.tables import decided_from, match_decision, utc
from alerts.store.tables import registration as registration_table

_AT_ONCE = 500

_generation = select(decided_from.c.generation).where(decided_from.c.id == 1)
_NOW = _generation.scalar_subquery()
_KEEP_SITE = (
    update(decided_from)
    .where(decided_from.c.id == 1, decided_from.c.site != bindparam("named"))
    .values(site=bindparam("named"))
)
UNDER = cast(_NOW, Text).concat(":").concat(bindparam("under"))
"""The same as ``under``, for statements; they bind the site's name as ``under``."""
STANDS = and_(
    registration_table.c.from_generation <= _NOW,
    or_(
        registration_table.c.until_generation.is_(None),
        registration_table.c.until_generation > _NOW,
    ),
)
"""Of every reader: the rows of the generation that holds, so that an import shows as a whole."""

# Whoever has one of these numbers, or one of these birth dates and names; ended ones too. By key.
_CANDIDATES = (
    select(
        registration_table.c.number,
        registration_table.c.birth_date,
        registration_table.c.name_key,
        registration_table.c.body,
    )
    .where(
        STANDS,
        or_(
            registration_table.c.number.in_(bindparam("numbers", expanding=True)),
            and_(
                registration_table.c.birth_date.in_(bindparam("births", expanding=True)),
                registration_table.c.name_key.in_(bindparam("names", expanding=True)),
            ),
        ),
    )
    .order_by(registration_table.c.key)
)

_GET = select(registration_table.c.body).where(
    registration_table.c.key == bindparam("wanted"), STANDS
)

# What is there already, locked, so that two imports of one centre queue up.
_KNOWN = (
    select(registration_table.c.key, registration_table.c.body)
    .where(registration_table.c.key.in_(bindparam("wanted", expanding=True)), STANDS)
    .with_for_update()
)
_INSERT = insert(registration_table).values(from_generation=_NOW)
_UPDATE = (
    update(registration_table)
    .where(registration_table.c.key == bindparam("wanted"), STANDS)
    .values(version=registration_table.c.version + 1)
)

# Answers about these registrations, the oldest first: a later one replaces an earlier one.
_DECISIONS = (
    select(match_decision)
    .where(match_decision.c.registration.in_(bindparam("wanted", expanding=True)))
    .order_by(match_decision.c.id)
)
_DECISION = select(match_decision).where(match_decision.c.id == bindparam("wanted"))
_SINCE = (
    select(match_decision)
    .where(match_decision.c.at >= bindparam("since"))
    .order_by(match_decision.c.at.desc(), match_decision.c.id.desc())
)
_DECIDE = insert(match_decision)
# Once: who takes it back again changes nothing.
_TAKE_BACK = (
    update(match_decision)
    .where(match_decision.c.id == bindparam("wanted"), match_decision.c.taken_back_at.is_(None))
    .values(taken_back_at=bindparam("then"), taken_back_by=bindparam("who"))
)

# Whoever decides about stays shares the register; whoever changes it for stays that are there has
# it alone. Else an admission and an import at the same moment each miss the other.
_LOCK = 7_412_066
_SHARE = select(func.pg_advisory_xact_lock_shared(_LOCK))
_HAVE_ALONE = select(func.pg_advisory_xact_lock(_LOCK))
_PATIENCE = select(func.set_config("lock_timeout", bindparam("patience"), literal_column("true")))
_NOT_AVAILABLE = "55P03"
"""Lock not available (PostgreSQL, appendix A)."""


def share(tx: Connection) -> None:
    """Nobody changes the register until this transaction ends; SQLite has one writer anyway."""
    if tx.dialect.name == "postgresql":
        tx.execute(_SHARE)


def have_alone(tx: Connection) -> None:
    """Nobody decides about a stay until this transaction ends; ask for it first."""
    if tx.dialect.name == "postgresql":
        tx.execute(_HAVE_ALONE)


def had_alone(tx: Connection, patience: int) -> bool:
    """Try for so many milliseconds to have it alone: who waits for it keeps others waiting."""
    if tx.dialect.name != "postgresql":
        return True
    try:
        with tx.begin_nested():
            tx.execute(
                select(func.set_config("lock_timeout", f"{patience}ms", literal_column("true")))
            )
            tx.execute(_HAVE_ALONE)
            tx.execute(_PATIENCE, {"patience": "0"})
    except DBAPIError as err:
        if getattr(err.orig, "sqlstate", None) == _NOT_AVAILABLE:
            return False
        raise
    return True


def generation(tx: Connection) -> int:
    """The generation of the register that holds."""
    return int(tx.execute(_generation).scalar_one())


def is_another_site(tx: Connection, site: str) -> bool:
    """Was the last start under another site file; from now on it is this one."""
    return tx.execute(_KEEP_SITE, {"named": site}).rowcount > 0


def under(tx: Connection, site: str) -> str:
    """Names the register and the site as they are, under which a stay is decided."""
    return f"{generation(tx)}:{site}"


_Trait: TypeAlias = str | tuple[date, str]


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did."""

    new: int
    changed: int
    same: int
    touched: tuple[Registration, ...] = ()
    """The new and the changed ones, in the order of the file."""


class Candidates:
    """Who of the register patients may be, looked up for many at once; for one transaction."""

    def __init__(self, tx: Connection) -> None:
        """Nobody was looked up."""
        self._tx = tx
        self._asked: set[_Trait] = set()
        self._found: dict[_Trait, dict[str, Registration]] = {}
        self._said: dict[str, tuple[MatchDecision, ...]] = {}

    def fetch(self, patients: Iterable[Patient]) -> None:
        """Look these up together."""
        traits: set[_Trait] = set()
        for patient in patients:
            traits |= _traits(patient)
        self._fetch(traits)

    def of(self, patient: Patient) -> tuple[Registration, ...]:
        """Registrations of the person that this patient may be, ended ones included, by key."""
        traits = _traits(patient)
        self._fetch(traits)
        found: dict[str, Registration] = {}
        for trait in traits:
            found |= self._found.get(trait, {})
        return tuple(found[key] for key in sorted(found))

    def fetch_decisions(self) -> None:
        """Look up together what was answered about whom we found; for who shares the register."""
        found = {key for theirs in self._found.values() for key in theirs} - self._said.keys()
        if found:
            self._said |= dict.fromkeys(found, ())
            for said in decisions(self._tx, sorted(found)):
                self._said[said.registration] = (*self._said[said.registration], said)

    def decisions(self, keys: Sequence[str]) -> tuple[MatchDecision, ...]:
        """What people answered about these registrations, oldest first."""
        if not self._said.keys() >= set(keys):
            return decisions(self._tx, keys)
        said = (each for key in keys for each in self._said[key])
        return tuple(sorted(said, key=lambda each: each.id))

    def _fetch(self, traits: set[_Trait]) -> None:
        wanted = traits - self._asked
        if not wanted:
            return
        self._asked |= wanted
        asked = {
            "numbers": [trait for trait in wanted if isinstance(trait, str)],
            "births": list({trait[0] for trait in wanted if not isinstance(trait, str)}),
            "names": list({trait[1] for trait in wanted if not isinstance(trait, str)}),
        }
        for row in self._tx.execute(_CANDIDATES, asked).all():
            registration = registration_from_text(row.body)
            for trait in (row.number, (row.birth_date, row.name_key)):
                self._found.setdefault(trait, {})[registration.key] = registration


def _traits(patient: Patient) -> set[_Trait]:
    """What a registration of the same person may share: a number, or birth date and name."""
    traits: set[_Trait] = {number.value for number in patient.identifiers}
    if patient.birth_date and patient.family is not None and patient.given is not None:
        traits.add((patient.birth_date, name_key(patient.family, patient.given)))
    return traits


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
            tx.execute(_INSERT, [row_of(r, at) | {"key": r.key, "version": 1} for r in added])
        if replaced:
            tx.execute(_UPDATE, [row_of(r, at) | {"wanted": r.key} for r in replaced])
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
        _decision(row) for row in tx.execute(_DECISIONS, {"wanted": list(keys)}).mappings()
    )


def decision(tx: Connection, decision_id: int) -> MatchDecision | None:
    """One answer, None where there is none of that id."""
    row = tx.execute(_DECISION, {"wanted": decision_id}).mappings().first()
    return None if row is None else _decision(row)


def decided_since(tx: Connection, since: datetime) -> tuple[MatchDecision, ...]:
    """What people answered since a time, the newest first."""
    return tuple(_decision(row) for row in tx.execute(_SINCE, {"since": since}).mappings())


def decide_match(tx: Connection, answer: MatchDecision) -> None:
    """Keep a person's answer about this patient beside this registration."""
    tx.execute(
        _DECIDE,
        {
            "registration": answer.registration,
            "fingerprint": answer.fingerprint,
            "is_same": answer.is_same,
            "decided_by": answer.by,
            "at": answer.at,
            "subject": answer.subject,
            "stay": answer.stay,
        },
    )


def take_back(tx: Connection, decision_id: int, by: str, at: datetime) -> None:
    """From now on the answer binds nobody; it is kept."""
    tx.execute(_TAKE_BACK, {"wanted": decision_id, "who": by, "then": at})


def _decision(row: RowMapping) -> MatchDecision:
    return MatchDecision(
        registration=row["registration"],
        fingerprint=row["fingerprint"],
        is_same=row["is_same"],
        by=row["decided_by"],
        at=utc(row["at"]),
        subject=row["subject"],
        id=row["id"],
        stay=row["stay"],
        taken_back_at=utc(row["taken_back_at"]),
        taken_back_by=row["taken_back_by"],
    )


def _slices(registrations: Sequence[Registration]) -> Iterator[Sequence[Registration]]:
    for start in range(0, len(registrations), _AT_ONCE):
        yield registrations[start : start + _AT_ONCE]


def row_of(registration: Registration, at: datetime) -> dict[str, object]:
    """The columns of a registration, without its key, version and generations."""
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
