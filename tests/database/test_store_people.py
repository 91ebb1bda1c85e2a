"""Tokens, sessions and the audit trail."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select

from alerts.store import people
from alerts.store.tables import token
from service.database import Database
from tests.support.records import NOW

UNTIL = NOW + timedelta(days=1)
GRANT = people.Grant("ward", ("M7A", "Ward 4"), "ward tablet", NOW, UNTIL)
SESSION = people.Session("centre", ("LANCARERS",), "Desk", "csrf", NOW, UNTIL)


def test_a_token_grants_what_it_was_made_for_until_it_ends(database: Database):
    with database.write() as tx:
        people.keep_token(tx, "hush", GRANT)
        assert people.token(tx, "hush", NOW) == GRANT
        assert people.token(tx, "hush", UNTIL) is None
        assert people.token(tx, "other", NOW) is None


def test_the_token_itself_is_never_kept(database: Database):
    with database.write() as tx:
        people.keep_token(tx, "hush", GRANT)
        [row] = tx.execute(select(token))
        assert "hush" not in str(row)


def test_a_token_without_scope_has_none(database: Database):
    with database.write() as tx:
        people.keep_token(tx, "hush", replace(GRANT, scope=()))
        found = people.token(tx, "hush", NOW)
        assert found is not None
        assert found.scope == ()


def test_a_session_holds_until_it_ends_or_is_closed(database: Database):
    with database.write() as tx:
        people.open_session(tx, "cookie", SESSION)
        assert people.session(tx, "cookie", NOW) == SESSION
        assert people.session(tx, "cookie", UNTIL) is None
        people.close_session(tx, "cookie")
        people.close_session(tx, "cookie")
        assert people.session(tx, "cookie", NOW) is None


def test_sessions_that_ended_are_forgotten_when_the_next_one_opens(database: Database):
    with database.write() as tx:
        people.open_session(tx, "old", SESSION)
        people.open_session(tx, "new", replace(SESSION, created_at=UNTIL))
        assert people.session(tx, "old", NOW) is None


def test_the_audit_trail_comes_newest_first(database: Database):
    line = people.Audited(NOW, "Engineer", "engineer", "read", "entry/1", "a parked entry")
    later = replace(line, subject="entry/2")
    with database.write() as tx:
        people.audit(tx, line)
        people.audit(tx, later)
        assert people.audited(tx) == [later, line]
        assert people.audited(tx, limit=1) == [later]
