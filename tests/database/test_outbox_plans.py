"""Taking what waits costs no more where much waits."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, event, text

from alerts.delivery import Route
from alerts.store import claims, outbox
from service.database import Database
from tests.support.outbox_rows import queue
from tests.support.records import NOW, WARD


def a_posting(number: int) -> outbox.Posting:
    name = f"task-{number}"
    return outbox.Posting(name, f"stay-{number}", "Task", 1, WARD, Route("inbox", "inbox"))


def test_what_waits_is_taken_along_the_index_and_not_looked_through(database: Database):
    with database.write() as tx:
        _check(tx)


def _check(tx: Connection) -> None:
    for number in range(600):
        queue(tx, a_posting(number), NOW)
    if tx.dialect.name == "postgresql":
        tx.execute(text("analyze outbox"))
    asked: list[tuple[str, Any]] = []
    event.listen(
        tx, "before_cursor_execute", lambda _tx, _c, said, with_, *_: asked.append((said, with_))
    )
    assert claims.claim_due(tx, claims.Claim("inbox", timedelta(minutes=1), 10, ""), NOW)
    explain = "explain query plan" if tx.dialect.name == "sqlite" else "explain"
    waiting, parameters = [each for each in asked if "LIMIT" in each[0]][-1]
    plan = str(tx.exec_driver_sql(f"{explain} {waiting}", parameters).all())
    assert "ix_outbox_destination" in plan
    assert "Sort" not in plan
    assert "B-TREE FOR ORDER BY" not in plan
