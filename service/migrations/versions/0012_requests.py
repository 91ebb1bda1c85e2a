"""Stays to decide again, and register imports that become visible at once.

A registration may stand twice while an import is under way: the one that its readers see and the
next one. A role of the release before reads both until it is replaced: import when all are new.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

_COLUMNS = (
    "key, centre, registration_id, number_kind, number, birth_date, name_key, ended_on, body, "
    "imported_at, version"
)


def upgrade() -> None:
    """What is asked for, the imports, and the generations of the register."""
    op.create_table(
        "decide_request",
        sa.Column("stay", sa.String(36), nullable=False),
        sa.Column("why", sa.String(16), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("stay"),
    )
    op.create_index("ix_decide_request_due", "decide_request", ["due_at", "stay"])
    op.create_table(
        "decided_from",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.execute("insert into decided_from (id, generation, site) values (1, 0, '')")
    op.create_table(
        "register_import",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("beat_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("position", sa.Text(), nullable=False),
        sa.Column("centres", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_register_import_state", "register_import", ["state"])
    _two_of_one_key()
    op.create_index("ix_registration_from", "registration", ["from_generation", "key"])
    op.create_index("ix_registration_until", "registration", ["until_generation", "key"])


def _two_of_one_key() -> None:
    """SQLite cannot change a primary key: there the table is made anew."""
    if op.get_bind().dialect.name == "postgresql":
        zero = sa.text("0")
        column = sa.Column("from_generation", sa.BigInteger(), nullable=False, server_default=zero)
        op.add_column("registration", column)
        op.add_column("registration", sa.Column("until_generation", sa.BigInteger()))
        op.drop_constraint("registration_pkey", "registration")
        op.create_primary_key("registration_pkey", "registration", ["key", "from_generation"])
        return
    op.rename_table("registration", "registration_before")
    for index in ("centre", "number", "person", "registration_id"):
        op.drop_index(f"ix_registration_{index}", "registration_before")
    _make_anew()
    op.execute(
        f"insert into registration ({_COLUMNS}) select {_COLUMNS} from registration_before"  # noqa: S608
    )
    op.drop_table("registration_before")
    op.create_index("ix_registration_centre", "registration", ["centre"])
    op.create_index("ix_registration_number", "registration", ["number"])
    op.create_index("ix_registration_person", "registration", ["birth_date", "name_key"])
    op.create_index("ix_registration_registration_id", "registration", ["registration_id"])


def _make_anew() -> None:
    op.create_table(
        "registration",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("centre", sa.Text(), nullable=False),
        sa.Column("registration_id", sa.Text(), nullable=False),
        sa.Column("number_kind", sa.String(length=16), nullable=False),
        sa.Column("number", sa.String(length=64), nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("from_generation", sa.BigInteger(), nullable=False, server_default=sa.text("0")),
        sa.Column("until_generation", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("key", "from_generation"),
    )
