"""The tables of who is who: patients and stays by their numbers, and what a person is asked."""

from sqlalchemy import BigInteger, Boolean, Column, Index, String, Table, Text, UniqueConstraint

from alerts.store.tables import Id, Instant, metadata

patient = Table(
    "patient",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("created_at", Instant, nullable=False),
)
"""One row a person as the hospitals know them."""

patient_alias = Table(
    "patient_alias",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("authority", Text, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("patient", String(36), nullable=False),
    Column("from_entry", BigInteger),
    Index("ix_patient_alias_value", "value"),
    Index("ix_patient_alias_patient", "patient"),
)
"""The numbers of a patient, each with who gave it; ``from_entry`` the message that brought it."""

visit_alias = Table(
    "visit_alias",
    metadata,
    Column("number", Text, primary_key=True),
    Column("authority", Text, primary_key=True),
    Column("stay", String(36), primary_key=True),
    Column("is_fallback", Boolean, nullable=False),
    Index("ix_visit_alias_stay", "stay"),
)
"""The visit numbers of a stay. Two stays have one number only where a person said that they are of
two patients. An authority that begins ``feed:`` is that of a release which kept no other."""

person_event = Table(
    "person_event",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("patient", String(36), nullable=False, index=True),
    Column("order_key", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("learned_at", Instant, nullable=False),
    Column("entry", BigInteger),
)
"""A death or a restriction told of a person without a visit: it holds for stays to come as well."""

visit_question = Table(
    "visit_question",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("stay", String(36), nullable=False),
    Column("patient", String(36), nullable=False),
    Column("hospital", Text, nullable=False, index=True),
    Column("sent", Text, nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("is_same", Boolean),
    Column("answered_at", Instant),
    Column("answered_by", Text),
    UniqueConstraint("stay", "patient", name="uq_visit_question"),
)
"""Whether the patient whom a message names under a stay's visit number is the stay's: ``sent`` is
the Patient as JSON. ``is_same`` is empty until a coordinator of ``hospital`` answered."""

visit_question_entry = Table(
    "visit_question_entry",
    metadata,
    Column("question", BigInteger, primary_key=True, autoincrement=False),
    Column("entry", BigInteger, primary_key=True, autoincrement=False),
)
"""The entries of the journal that are parked until it is answered."""
