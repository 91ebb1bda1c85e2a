"""Two patients under one visit number: what a coordinator is asked, and what waits for it."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """The questions, and the entries that are parked until they are answered."""
    op.create_table(
        "visit_question",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("stay", sa.String(36), nullable=False),
        sa.Column("patient", sa.String(36), nullable=False),
        sa.Column("hospital", sa.Text(), nullable=False),
        sa.Column("sent", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_same", sa.Boolean(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("stay", "patient", name="uq_visit_question"),
    )
    op.create_index("ix_visit_question_hospital", "visit_question", ["hospital"])
    op.create_table(
        "visit_question_entry",
        sa.Column("question", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entry", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("question", "entry"),
    )
