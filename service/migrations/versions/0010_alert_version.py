"""Every version of a Task or notice that a reader was told, in one place.

Moves what stood beside the alert and in the outbox there, and drops those copies: a role of the
release before cannot go on beside it, so stop, migrate and start.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_CURRENT = """
insert into alert_version (alert, version, facts, rendered, cause, at, entry)
select id, version, '', rendered, 'before', updated_at, entry from alert
"""
_EARLIER = """
insert into alert_version (alert, version, facts, rendered, cause, at, entry)
select o.alert, o.version, '', min(o.payload), 'before', min(o.created_at), min(o.entry)
from outbox o
where not exists (
  select 1 from alert_version v where v.alert = o.alert and v.version = o.version
)
group by o.alert, o.version
"""


def upgrade() -> None:
    """The versions that stand, and those that were sent before them."""
    op.create_table(
        "alert_version",
        sa.Column("alert", sa.String(36), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("rendered", sa.Text(), nullable=False),
        sa.Column("cause", sa.String(16), nullable=False),
        sa.Column("by", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("alert", "version"),
    )
    op.execute(_CURRENT)
    op.execute(_EARLIER)
    op.drop_column("alert", "rendered")
    op.drop_column("outbox", "payload")
