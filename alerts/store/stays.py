"""Stays and the events they are folded from."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple, Protocol

from sqlalchemy import Connection, RowMapping, and_, bindparam, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from alerts.matching import name_key
from alerts.model.bodies import event_from_text, event_to_text, stay_from_text, stay_to_text
from alerts.model.events import StayEvent
from alerts.model.identity import IdentifierKind
from alerts.model.register import Registration
from alerts.model.stay import Stay, StayStatus
from alerts.store.tables import alert as alert_table
from alerts.store.tables import stay as stay_table
from alerts.store.tables import stay_event, utc

_LOAD = select(stay_table).where(stay_table.c.id == bindparam("stay"))
# Whoever loads one of these next waits until we commit, so that message, clock and form queue up
# (PostgreSQL; on SQLite there is one writer at a time anyway). In order, against deadlocks.
_LOAD_LOCKED = (
    select(stay_table)
    .where(stay_table.c.id.in_(bindparam("stays", expanding=True)))
    .order_by(stay_table.c.id)
    .with_for_update()
)

# Names only what changed: SQLite writes the entries of all indexes of the columns that are named.
# A stay is new where there was no row of it. Two at once that both find none cannot both insert:
# the second fails and is repeated as a whole.
_UPDATE = (
    update(stay_table)
    .where(stay_table.c.id == bindparam("stay"))
    .values(version=stay_table.c.version + 1)
)
_INSERT = insert(stay_table)
IS_THERE = "23505"
"""Unique violation (PostgreSQL, appendix A)."""

# Only ever adds.
_APPEND = insert(stay_event)

# Every event of one stay by event time; equal order keys stay in the order of arrival.
_EVENTS = (
    select(stay_event.c.kind, stay_event.c.body, stay_event.c.order_key)
    .where(stay_event.c.stay == bindparam("stay"))
    .order_by(stay_event.c.order_key, stay_event.c.id)
)

# Stays whose time has come, longest waiting first. Rows that somebody else holds are left to them.
_DUE = (
    select(stay_table.c.id)
    .where(stay_table.c.wake_at <= bindparam("now"))
    .order_by(stay_table.c.wake_at, stay_table.c.id)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True)
)

_POSTPONE = (
    update(stay_table)
    .where(stay_table.c.id == bindparam("wanted"))
    .values(wake_at=bindparam("until"))
)

# Open stays that may be of the person of one of these registrations (by number, or by a birth date
# and a name among theirs), and all about which somebody was told because of one, ended ones too.
_told_of = select(alert_table.c.stay).where(
    alert_table.c.registration.in_(bindparam("keys", expanding=True))
)
_CONCERNED = select(stay_table.c.id).where(
    stay_table.c.status == StayStatus.OPEN.value,
    or_(
        stay_table.c.number.in_(bindparam("numbers", expanding=True)),
        stay_table.c.second_number.in_(bindparam("numbers", expanding=True)),
        and_(
            stay_table.c.birth_date.in_(bindparam("births", expanding=True)),
            stay_table.c.name_key.in_(bindparam("names", expanding=True)),
        ),
    ),
)
_TOLD_OF = select(stay_table.c.id).where(stay_table.c.id.in_(_told_of))
_CONCERNED_AT_ONCE = 200


class Occasion(Protocol):
    """How an event was learned: from a journal entry, or from a person."""

    @property
    def learned_at(self) -> datetime:
        """When we were told."""

    @property
    def entry(self) -> int | None:
        """Id of the journal entry."""

    @property
    def actor(self) -> str | None:
        """The person."""


class OpenedMeanwhile(Exception):
    """Another worker opened this stay just now: the same again, as a whole."""


class Loaded(NamedTuple):
    """A stay and the order key of the newest event that is folded into it."""

    stay: Stay
    last_order: str
    old_news_at: datetime | None = None
    """When the last old news of it came, None once that has settled."""
    unsaid: int = 0
    """How much of it would be due and is not said."""


class Ahead(NamedTuple):
    """What a decision leaves to later ones."""

    wake_at: datetime | None = None
    """When to decide again; it replaces an earlier wake."""
    old_news_at: datetime | None = None
    unsaid: int = 0


class KeyedEvent(NamedTuple):
    """An event of a stay, and what puts it in order."""

    order_key: str
    event: StayEvent


class Shelf:
    """The stays of one transaction: each read once, and written once at its end.

    What stays here is not in the database before ``flush``: whoever took it off calls that.
    """

    def __init__(self, tx: Connection, under: str = "") -> None:
        """Empty; the transaction is open. ``under``: what stays are decided under from here on."""
        self._tx = tx
        self._under = under
        self._held: dict[str, Loaded | None] = {}
        self._written: dict[str, Mapping[str, object]] = {}
        self._new: set[str] = set()
        self._changed: dict[str, dict[str, object]] = {}
        self._rows: list[dict[str, object]] = []
        self._learned: defaultdict[str, list[KeyedEvent]] = defaultdict(list)

    def fetch(self, stay_ids: Iterable[str]) -> None:
        """Read these together, locked in order until the transaction ends."""
        missing = sorted({stay_id for stay_id in stay_ids if stay_id not in self._held})
        if missing:
            self._held |= dict.fromkeys(missing)
            for row in self._tx.execute(_LOAD_LOCKED, {"stays": missing}).mappings():
                self._held[row["id"]] = _loaded(row)
                self._written[row["id"]] = {
                    column: utc(value) if isinstance(value, datetime) else value
                    for column, value in row.items()
                }

    def load(self, stay_id: str) -> Loaded | None:
        """The stay as it stands now, None where there is none."""
        if stay_id not in self._held:
            self.fetch((stay_id,))
        return self._held[stay_id]

    def begin(self, stay_id: str) -> None:
        """Nothing is there of a stay of which no alias is known: it need not be looked up."""
        self._held.setdefault(stay_id, None)

    def save(self, stay: Stay, last_order: str, ahead: Ahead) -> None:
        """Keep the stay as it stands now."""
        if self.load(stay.id) is None:
            self._new.add(stay.id)
        self._changed[stay.id] = _row(stay) | {
            "last_order": last_order,
            "wake_at": ahead.wake_at,
            "decided_under": self._under,
            "old_news_at": ahead.old_news_at,
            "unsaid": ahead.unsaid,
        }
        self._held[stay.id] = Loaded(stay, last_order, ahead.old_news_at, ahead.unsaid)

    def append_event(
        self, stay_id: str, order_key: str, event: StayEvent, occasion: Occasion
    ) -> None:
        """Add one event to the stay's history."""
        kind, body = event_to_text(event)
        self._learned[stay_id].append(KeyedEvent(order_key, event))
        self._rows.append(
            {
                "stay": stay_id,
                "order_key": order_key,
                "kind": kind,
                "entry": occasion.entry,
                "actor": occasion.actor,
                "body": body,
                "learned_at": occasion.learned_at,
            }
        )

    def learned(self, stay_id: str) -> list[str]:
        """Order keys of what was added here of a stay and is not written yet."""
        return [each.order_key for each in self._learned.get(stay_id, ())]

    def events(self, stay_id: str) -> list[StayEvent]:
        """The stay's history by event time, with what was added here."""
        is_new = stay_id in self._new or self.load(stay_id) is None
        written = [] if is_new else _written(self._tx, stay_id)
        every = written + self._learned.get(stay_id, [])
        return [each.event for each in sorted(every, key=lambda each: each.order_key)]

    def flush(self) -> None:
        """Write everything; raises OpenedMeanwhile where somebody else opened a stay of ours."""
        if self._rows:
            self._tx.execute(_APPEND, self._rows)
            self._rows = []
            self._learned.clear()
        rows, self._changed, new, self._new = self._changed, {}, self._new, set()
        opened = [row | {"id": name, "version": 1} for name, row in rows.items() if name in new]
        changed: defaultdict[tuple[str, ...], list[dict[str, object]]] = defaultdict(list)
        for name, row in rows.items():
            if name not in new:
                written = self._written[name]
                news = {key: value for key, value in row.items() if value != written[key]}
                changed[tuple(news)].append(news | {"stay": name})
        self._written |= rows
        for alike in changed.values():
            self._tx.execute(_UPDATE, alike)
        if opened:
            try:
                self._tx.execute(_INSERT, opened)
            except IntegrityError as failure:
                if getattr(failure.orig, "sqlstate", None) == IS_THERE:
                    raise OpenedMeanwhile(OpenedMeanwhile.__doc__) from failure
                raise


def load(tx: Connection, stay_id: str) -> Loaded | None:
    """The stay as it stands, for who only looks."""
    row = tx.execute(_LOAD, {"stay": stay_id}).mappings().first()
    return None if row is None else _loaded(row)


def _loaded(row: RowMapping) -> Loaded:
    old_news_at = utc(row["old_news_at"])
    return Loaded(stay_from_text(row["body"]), row["last_order"], old_news_at, row["unsaid"])


def events(tx: Connection, stay_id: str) -> list[StayEvent]:
    """The stay's history by event time."""
    return [each.event for each in _written(tx, stay_id)]


def _written(tx: Connection, stay_id: str) -> list[KeyedEvent]:
    return [
        KeyedEvent(row.order_key, event_from_text(row.kind, row.body))
        for row in tx.execute(_EVENTS, {"stay": stay_id})
    ]


def due_to_wake(tx: Connection, now: datetime, limit: int) -> list[str]:
    """Ids of the stays that asked to be looked at by now."""
    return list(tx.execute(_DUE, {"now": now, "limit": limit}).scalars())


def postpone(tx: Connection, stay_id: str, until: datetime) -> None:
    """Ask about this stay again then, whatever it asked for itself."""
    tx.execute(_POSTPONE, {"wanted": stay_id, "until": until})


def concerned(tx: Connection, registrations: Iterable[Registration]) -> list[str]:
    """Ids of the stays to look at again when these registrations are new or changed.

    Those that are open, and those about which somebody was told, also after the discharge.
    """
    found: set[str] = set()
    every = list(registrations)
    for start in range(0, len(every), _CONCERNED_AT_ONCE):
        some = every[start : start + _CONCERNED_AT_ONCE]
        people = [registration.patient for registration in some]
        asked = {
            "numbers": sorted({person.identifier.value for person in people}),
            "births": sorted({person.birth_date for person in people}),
            "names": sorted({name_key(person.family, person.given) for person in people}),
        }
        found.update(tx.execute(_CONCERNED, asked).scalars())
        keys = sorted({registration.key for registration in some})
        found.update(tx.execute(_TOLD_OF, {"keys": keys}).scalars())
    return sorted(found)


def _row(stay: Stay) -> dict[str, object]:
    patient, place = stay.patient, stay.place
    numbers = [patient.number(kind) for kind in (IdentifierKind.CHI, IdentifierKind.NHS)]
    first, second = sorted((n.value if n else None for n in numbers), key=lambda n: n is None)
    named = patient.family is not None and patient.given is not None
    return {
        "feed": stay.feed,
        "patient": stay.patient_id or None,
        "visit": stay.visit,
        "hospital": place.hospital if place else None,
        "ward": place.ward if place else None,
        "status": stay.status.value,
        "number": first,
        "second_number": second,
        "birth_date": patient.birth_date,
        "name_key": name_key(patient.family or "", patient.given or "") if named else None,
        "planned_on": stay.planned.on if stay.planned else None,
        "discharged_at": stay.discharged_at,
        "last_event_at": stay.last_event_at,
        "body": stay_to_text(stay),
    }
