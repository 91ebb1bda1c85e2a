"""Where a parcel goes, what the receiver called its version, and how each receiver is."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Columns of the outbox, filled for the parcels that are there, and the destinations."""
    with op.batch_alter_table("outbox") as batch:
        batch.add_column(sa.Column("destination", sa.Text(), nullable=True))
        batch.add_column(sa.Column("etag", sa.Text(), nullable=True))
        batch.add_column(sa.Column("refusals", sa.Integer(), nullable=True))
        batch.add_column(sa.Column("in_doubt", sa.Boolean(), nullable=True))
    op.execute("UPDATE outbox SET destination = channel, etag = '', refusals = 0, in_doubt = FALSE")
    with op.batch_alter_table("outbox") as batch:
        batch.alter_column("destination", existing_type=sa.Text(), nullable=False)
        batch.alter_column("etag", existing_type=sa.Text(), nullable=False)
        batch.alter_column("refusals", existing_type=sa.Integer(), nullable=False)
        batch.alter_column("in_doubt", existing_type=sa.Boolean(), nullable=False)
    op.create_index("ix_outbox_destination", "outbox", ["destination", "state", "id"])
    op.create_index("ix_outbox_stay", "outbox", ["stay"])
    op.create_table(
        "destination",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("paused_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
