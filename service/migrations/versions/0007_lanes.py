"""The lanes that workers share, and the workers; only PostgreSQL has more than one of them."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

LANES = 64


def upgrade() -> None:
    """The 64 lanes, nobody's yet, and who works."""
    lane = op.create_table(
        "lane",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("owner", sa.String(length=36), nullable=True),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "worker",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.bulk_insert(lane, [{"number": n, "owner": None, "epoch": 0} for n in range(LANES)])
