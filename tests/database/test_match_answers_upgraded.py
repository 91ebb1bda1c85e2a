"""Answers of the release before about doubtful matches: whom they bind after the upgrade."""

import json

import pytest
from alembic import command
from sqlalchemy import Connection, text

from service.database import _alembic, connect, migrate

STAY = (
    "insert into stay (id, feed, visit, hospital, status, last_order, body, version)"
    " values (:id, 'pas', :visit, 'L302H', 'open', '', :body, 1)"
)
TASK = (
    "insert into alert (id, kind, code, stay, registration, recipient_kind, recipient, status,"
    " authored_at, updated_at, subject, version, body)"
    " values (:id, 'Task', 'confirm-match', :stay, 'LANCARERS/R26', 'coordinator', 'L302H',"
    " 'completed', :at, :at, '', 1, :body)"
)
ANSWER = (
    "insert into match_decision (registration, fingerprint, is_same, decided_by, at)"
    " values ('LANCARERS/R26', :fingerprint, :is_same, 'R. Baxter', :at)"
)
AT = "2026-11-23 09:00:00+00:00"
FINGERPRINT = "0123456789abcdef" * 4

CASES = [
    ({"S1": ["111"]}, {"S1"}, "one stay asked"),
    ({"S1": [], "S2": []}, set(), "two stays whose patients nobody can tell apart"),
    ({"S1": ["111"], "S2": ["222"]}, set(), "two patients of the hospital"),
    ({"S1": ["111"], "S2": ["111", "333"]}, {"S1", "S2"}, "one patient, admitted twice"),
    ({}, set(), "the stay is gone"),
]


@pytest.mark.parametrize(("asked", "bound", "comment"), CASES)
def test_an_old_answer_binds_whom_it_was_surely_about(
    empty_database_url: str, asked: dict[str, list[str]], bound: set[str], comment: str
):
    with connect(empty_database_url) as database:
        with database.write() as tx:
            _make_old(tx, asked)
        migrate(database)
        with database.read() as tx:
            rows = tx.execute(text("select * from match_decision order by id")).all()
    assert {row.subject for row in rows} - {""} == bound, comment
    assert len(rows) == max(1, len(bound))
    assert all(row.stay == row.subject for row in rows)
    assert {(row.fingerprint, row.is_same, row.decided_by) for row in rows} == {
        (FINGERPRINT, True, "R. Baxter")
    }


def _make_old(tx: Connection, asked: dict[str, list[str]]) -> None:
    config = _alembic()
    config.attributes["connection"] = tx
    command.upgrade(config, "0012")
    for stay, own in asked.items():
        numbers = [{"kind": "local", "value": number, "authority": "LAN"} for number in own]
        body = json.dumps({"patient": {"identifiers": numbers}})
        tx.execute(text(STAY), {"id": stay, "visit": stay, "body": body})
        task = json.dumps({"occasion": FINGERPRINT[:16]})
        tx.execute(text(TASK), {"id": f"T{stay}", "stay": stay, "at": AT, "body": task})
    # A question of another evidence, which this answer was not about.
    nobody = json.dumps({"patient": {"identifiers": []}})
    tx.execute(text(STAY), {"id": "S9", "visit": "S9", "body": nobody})
    other = json.dumps({"occasion": "f" * 16})
    tx.execute(text(TASK), {"id": "T9", "stay": "S9", "at": AT, "body": other})
    tx.execute(text(ANSWER), {"fingerprint": FINGERPRINT, "is_same": True, "at": AT})
