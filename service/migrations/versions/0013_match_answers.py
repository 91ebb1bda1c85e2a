"""What is kept of each feed's activity, and answers about doubtful matches that bind a person.

Feeds: one small table, filled from the newest entries of the journal (by the primary key, so that a
large one costs no more) and the stays that are known.
Answers: one that was given is bound to the stay that was asked about. Where several stays asked the
same question it is bound to each if one of the hospital's own numbers says that they are one
patient's; else it is kept, binds nobody, and is asked again.
Only adds: a role of the release before goes on beside it, but its answers bind nobody.
"""

import json

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
_ANSWERS = sa.text("select id, registration, fingerprint from match_decision order by id")
_ASKED = sa.text(
    "select alert.stay, alert.body as task, stay.body as patient from alert"
    " join stay on stay.id = alert.stay"
    " where alert.registration = :registration and alert.code = 'confirm-match'"
)
_BIND = sa.text("update match_decision set subject = :stay, stay = :stay where id = :id")
_COPY = sa.text(
    "insert into match_decision"
    " (registration, fingerprint, is_same, decided_by, at, subject, stay, taken_back_by)"
    " select registration, fingerprint, is_same, decided_by, at, :stay, :stay, ''"
    " from match_decision where id = :id"
)


def upgrade() -> None:
    """The table of feeds, and whom each answer binds."""
    op.create_table(
        "feed_activity",
        sa.Column("feed", sa.String(64), nullable=False),
        sa.Column("hospital", sa.Text(), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fresh_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("feed", "hospital"),
    )
    op.execute(_HEARD)
    op.execute(_HOSPITALS)
    for name in ("subject", "stay", "taken_back_by"):
        empty = sa.Column(name, sa.Text(), nullable=False, server_default=sa.text("''"))
        op.add_column("match_decision", empty)
    op.add_column("match_decision", sa.Column("taken_back_at", sa.DateTime(timezone=True)))
    op.create_index("ix_match_decision_at", "match_decision", ["at"], unique=False)
    tx = op.get_bind()
    for answer in tx.execute(_ANSWERS).mappings().all():
        _bind(tx, answer)


def _bind(tx: sa.Connection, answer: sa.RowMapping) -> None:
    """To the stays that asked this question, where they are surely one patient's."""
    rows = tx.execute(_ASKED, {"registration": answer["registration"]}).all()
    asked = {
        row.stay: _own_numbers(row.patient)
        for row in rows
        if answer["fingerprint"].startswith(json.loads(row.task)["occasion"] or "-")
    }
    if len(asked) != 1 and not (asked and frozenset.intersection(*asked.values())):
        return
    first, *others = sorted(asked)
    tx.execute(_BIND, {"id": answer["id"], "stay": first})
    for stay in others:
        tx.execute(_COPY, {"id": answer["id"], "stay": stay})


def _own_numbers(stay: str) -> frozenset[tuple[str, str]]:
    """The hospital's own numbers of a stay's patient, with who gave them."""
    numbers = json.loads(stay)["patient"]["identifiers"] or ()
    return frozenset((n.get("authority", ""), n["value"]) for n in numbers if n["kind"] == "local")
