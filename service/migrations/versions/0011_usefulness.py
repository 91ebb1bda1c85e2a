"""Why nothing was said, and which stays wait for old news to settle.

Only adds: a stay of the release before waits for nothing, and why it was silent was not kept.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """The reasons, and when the last old news of a stay came."""
    op.create_table(
        "suppression",
        sa.Column("stay", sa.String(36), nullable=False),
        sa.Column("registration", sa.Text(), nullable=False),
        sa.Column("code", sa.String(40), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entry", sa.BigInteger()),
        sa.PrimaryKeyConstraint("stay", "registration", "code"),
    )
    op.create_index("ix_suppression_entry", "suppression", ["entry"], unique=False)
    op.add_column("stay", sa.Column("old_news_at", sa.DateTime(timezone=True)))
    op.add_column(
        "stay",
        sa.Column("unsaid", sa.Integer(), nullable=False, server_default=sa.text("0")),
    )
