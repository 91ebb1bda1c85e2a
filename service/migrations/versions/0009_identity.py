"""Patients and stays with ids of their own, found through aliases.

Only adds. The stays that are there keep their ids: their visit numbers are read from the bytes of
their first message, where those are gone the feed's name stands for whoever gave the number.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from alerts.identity import LEGACY, keys_of, new_patient_id, own_key
from alerts.model.bodies import stay_from_text
from alerts.model.events import AdtEvent
from mapping.hl7.events import Dialect, Unreadable, read_event

revision = "0009"
down_revision = "0008"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_STAYS = sa.text("select id, feed, visit, body from stay order by id")
_FIRST = sa.text(
    "select j.raw, j.received_at from stay_event e "
    "left join journal j on j.id = e.entry where e.stay = :stay and e.kind = 'message' "
    "order by e.order_key, e.id limit 1"
)


def upgrade() -> None:
    """The tables, and the aliases of what is there."""
    op.create_table(
        "patient",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    numbers = op.create_table(
        "patient_alias",
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("patient", sa.String(36), nullable=False),
        sa.Column("from_entry", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("kind", "authority", "value"),
    )
    op.create_index("ix_patient_alias_value", "patient_alias", ["value"])
    op.create_index("ix_patient_alias_patient", "patient_alias", ["patient"])
    visits = op.create_table(
        "visit_alias",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("stay", sa.String(36), nullable=False),
        sa.Column("is_fallback", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("number", "authority", "stay"),
    )
    op.create_index("ix_visit_alias_stay", "visit_alias", ["stay"])
    op.create_table(
        "person_event",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("patient", sa.String(36), nullable=False),
        sa.Column("order_key", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("learned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_person_event_patient", "person_event", ["patient"])
    op.add_column("stay", sa.Column("patient", sa.String(36), nullable=True))
    op.create_index("ix_stay_patient", "stay", ["patient"])
    _find_everybody(op.get_bind(), numbers, visits)


def _find_everybody(tx: sa.Connection, numbers: sa.Table, visits: sa.Table) -> None:
    """Patients by their own numbers, and the visit numbers of their stays."""
    patients: dict[tuple[str, str, str], str] = {}
    for row in tx.execute(_STAYS).all():
        patient = _patient_of(row.body, patients)
        if patient:
            tx.execute(
                sa.text("update stay set patient = :patient where id = :id"),
                {"patient": patient, "id": row.id},
            )
        if row.visit != row.id:
            tx.execute(
                sa.insert(visits),
                [
                    {"number": row.visit, "authority": name, "stay": row.id, "is_fallback": loose}
                    for name, loose in _authorities(tx, row.id, row.feed)
                ],
            )
    for patient in sorted(set(patients.values())):
        tx.execute(
            sa.text("insert into patient (id, created_at) values (:id, current_timestamp)"),
            {"id": patient},
        )
    rows = [
        {"kind": kind, "authority": authority, "value": value, "patient": patient}
        for (kind, authority, value), patient in patients.items()
    ]
    if rows:
        tx.execute(sa.insert(numbers), rows)


def _patient_of(body: str, patients: dict[tuple[str, str, str], str]) -> str:
    """The patient of a stay by the numbers that it has, a new one where none is known."""
    identifiers = stay_from_text(body).patient.identifiers
    key = own_key(identifiers)
    if key is None:
        return ""
    patient = patients.get((key.kind.value, key.authority, key.value)) or new_patient_id(key)
    for each in keys_of(identifiers):
        patients.setdefault((each.kind.value, each.authority, each.value), patient)
    return patient


def _authorities(tx: sa.Connection, stay: str, feed: str) -> Iterator[tuple[str, bool]]:
    """Who gave the visit number, as the first message says; else the feed's name stands for it."""
    row = tx.execute(_FIRST, {"stay": stay}).first()
    raw = bytes(row.raw) if row is not None and row.raw is not None else b""
    if raw and row is not None:
        received_at = row.received_at
        if isinstance(received_at, str):
            received_at = datetime.fromisoformat(received_at)
        try:
            told = read_event(raw, Dialect(feed), received_at.replace(tzinfo=UTC))
        except Unreadable:
            told = None
        if isinstance(told, AdtEvent) and told.visit_authority:
            yield told.visit_authority, not told.visit_authority_sent
            return
    yield f"{LEGACY}{feed}", True
