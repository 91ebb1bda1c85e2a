"""What a coordinator is asked about two patients under one visit number."""

from sqlalchemy import Connection, bindparam, select

from alerts.model.bodies import stay_from_text
from alerts.model.stay import Stay
from alerts.store import visit_questions
from alerts.store.tables import stay as stay_table
from alerts.store.visit_questions import Question
from service.web.access import Role, Viewer

# Stays by id, in no order.
_STAYS = select(stay_table.c.id, stay_table.c.body).where(
    stay_table.c.id.in_(bindparam("ids", expanding=True))
)


def asked_of(viewer: Viewer, tx: Connection, hospital: str) -> tuple[tuple[Question, Stay], ...]:
    """Each open question of a hospital with the stay that has the number, the oldest first."""
    if not viewer.sees(Role.COORDINATOR, hospital):
        return ()
    questions = visit_questions.open_of(tx, hospital)
    ids = sorted({question.stay for question in questions})
    rows = tx.execute(_STAYS, {"ids": ids}) if ids else ()
    stays = {row.id: stay_from_text(row.body) for row in rows}
    return tuple((each, stays[each.stay]) for each in questions if each.stay in stays)
