"""What was decided under what: asked again before it goes; and centres held for their register.

Only adds: a stay of the release before has no mark, so all that waits of it is asked again once.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """The mark of a stay's last decision, and centres that are held."""
    op.add_column("stay", sa.Column("decided_under", sa.Text(), nullable=True))
    op.create_table(
        "held_centre",
        sa.Column("hold", sa.BigInteger(), nullable=False),
        sa.Column("centre", sa.Text(), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("released_by", sa.Text(), nullable=True),
        sa.Column("register_of", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("hold", "centre"),
    )
