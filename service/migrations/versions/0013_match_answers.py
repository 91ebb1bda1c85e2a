"""What is kept of each feed's activity, and answers about doubtful matches that bind a person.

Feeds: one small table, filled from the newest entries of the journal (by the primary key, so that a
large one costs no more) and the stays that are known.
Only adds: a role of the release before goes on beside it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

# When each feed was last heard.
_HEARD = sa.text(
    "insert into feed_activity (feed, hospital, heard_at)"
    " select feed, '', max(received_at) from"
    " (select feed, received_at, state, control_id from journal order by id desc limit 50000)"
    " as newest where state = 'settled' and control_id not like 'PROBE2%' group by feed"
)
# Where it placed patients that are known.
_HOSPITALS = sa.text(
    "insert into feed_activity (feed, hospital, heard_at)"
    " select distinct stay.feed, stay.hospital, heard.heard_at from stay"
    " join feed_activity as heard on heard.feed = stay.feed and heard.hospital = ''"
    " where stay.hospital is not null and stay.hospital <> ''"
)


def upgrade() -> None:
    """The table of feeds."""
    op.create_table(
        "feed_activity",
        sa.Column("feed", sa.String(64), nullable=False),
        sa.Column("hospital", sa.Text(), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("feed", "hospital"),
    )
    op.execute(_HEARD)
    op.execute(_HOSPITALS)
