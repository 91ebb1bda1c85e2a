"""Stays and the events they are folded from."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Stays and the events they are folded from."""
    op.create_table(
        "stay",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("visit", sa.Text(), nullable=False),
        sa.Column("hospital", sa.Text(), nullable=True),
        sa.Column("ward", sa.Text(), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("number", sa.String(length=64), nullable=True),
        sa.Column("second_number", sa.String(length=64), nullable=True),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column("name_key", sa.Text(), nullable=True),
        sa.Column("planned_on", sa.Date(), nullable=True),
        sa.Column("discharged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("wake_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_order", sa.Text(), nullable=False),
        sa.Column("last_event_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_stay_number"), "stay", ["number"], unique=False)
    op.create_index("ix_stay_person", "stay", ["birth_date", "name_key"], unique=False)
    op.create_index(op.f("ix_stay_second_number"), "stay", ["second_number"], unique=False)
    op.create_index(op.f("ix_stay_visit"), "stay", ["visit"], unique=False)
    op.create_index(op.f("ix_stay_wake_at"), "stay", ["wake_at"], unique=False)
    op.create_index("ix_stay_ward", "stay", ["hospital", "ward", "status"], unique=False)
    op.create_table(
        "stay_event",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("stay", sa.String(length=36), nullable=False),
        sa.Column("order_key", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("learned_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_stay_event_entry", "stay_event", ["entry"], unique=False)
    op.create_index("ix_stay_event_order", "stay_event", ["stay", "order_key"], unique=False)
