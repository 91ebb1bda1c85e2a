"""Tokens, sessions and the audit trail: who may come in and what they looked at."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import uuid4

from sqlalchemy import Connection, Row, bindparam, delete, insert, select

from alerts.store.tables import audit as audit_table
from alerts.store.tables import session as session_table
from alerts.store.tables import token as token_table
from alerts.store.tables import utc

_KEEP_TOKEN = insert(token_table)

# The token that still holds. Only its digest was ever kept.
_TOKEN = select(token_table).where(
    token_table.c.digest == bindparam("digest"), token_table.c.expires_at > bindparam("now")
)

_OPEN_SESSION = insert(session_table)

# The session that still holds.
_SESSION = select(session_table).where(
    session_table.c.id == bindparam("digest"), session_table.c.expires_at > bindparam("now")
)
_CLOSE_SESSION = delete(session_table).where(session_table.c.id == bindparam("digest"))
_FORGET_SESSIONS = delete(session_table).where(session_table.c.expires_at <= bindparam("now"))

# Only ever adds.
_AUDIT = insert(audit_table)

# The newest first.
_AUDITED = select(audit_table).order_by(audit_table.c.id.desc()).limit(bindparam("limit"))


@dataclass(frozen=True, slots=True)
class Grant:
    """What the holder of a token may be, and until when."""

    role: str
    scope: tuple[str, ...]
    label: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who signed in."""

    role: str
    scope: tuple[str, ...]
    name: str
    csrf: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Audited:
    """Who did or read what; ``subject`` is one of our ids, never a patient's number."""

    at: datetime
    actor: str
    role: str
    action: str
    subject: str
    reason: str = ""


def keep_token(tx: Connection, secret: str, grant: Grant) -> None:
    """Let whoever shows this secret be what the grant says; only a digest of it is kept."""
    tx.execute(
        _KEEP_TOKEN,
        {
            "id": str(uuid4()),
            "digest": _digest(secret),
            "role": grant.role,
            "scope": "\n".join(grant.scope),
            "label": grant.label,
            "created_at": grant.created_at,
            "expires_at": grant.expires_at,
        },
    )


def token(tx: Connection, secret: str, now: datetime) -> Grant | None:
    """What this token grants, None if it is unknown or no longer holds."""
    row = tx.execute(_TOKEN, {"digest": _digest(secret), "now": now}).first()
    if row is None:
        return None
    return Grant(row.role, _codes(row), row.label, utc(row.created_at), utc(row.expires_at))


def open_session(tx: Connection, secret: str, opened: Session) -> None:
    """Let whoever shows this cookie be who signed in; sessions that ended are forgotten."""
    tx.execute(_FORGET_SESSIONS, {"now": opened.created_at})
    tx.execute(
        _OPEN_SESSION,
        {
            "id": _digest(secret),
            "role": opened.role,
            "scope": "\n".join(opened.scope),
            "name": opened.name,
            "csrf": opened.csrf,
            "created_at": opened.created_at,
            "expires_at": opened.expires_at,
        },
    )


def session(tx: Connection, secret: str, now: datetime) -> Session | None:
    """Who signed in with this cookie, None if nobody or no longer."""
    row = tx.execute(_SESSION, {"digest": _digest(secret), "now": now}).first()
    if row is None:
        return None
    times = utc(row.created_at), utc(row.expires_at)
    return Session(row.role, _codes(row), row.name, row.csrf, *times)


def close_session(tx: Connection, secret: str) -> None:
    """Sign out; no such session is no fault."""
    tx.execute(_CLOSE_SESSION, {"digest": _digest(secret)})


def audit(tx: Connection, line: Audited) -> None:
    """Add one line to the audit trail."""
    tx.execute(
        _AUDIT,
        {
            "at": line.at,
            "actor": line.actor,
            "role": line.role,
            "action": line.action,
            "subject": line.subject,
            "reason": line.reason,
        },
    )


def audited(tx: Connection, limit: int = 200) -> list[Audited]:
    """The newest lines of the audit trail, newest first."""
    return [
        Audited(utc(row.at), row.actor, row.role, row.action, row.subject, row.reason)
        for row in tx.execute(_AUDITED, {"limit": limit})
    ]


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def _codes(row: Row[tuple[object, ...]]) -> tuple[str, ...]:
    return tuple(str(row.scope).splitlines())
