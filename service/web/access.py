"""Who is looking: roles, scopes, tokens and sessions; without a good one, nobody."""

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from itsdangerous import BadSignature, Signer
from sqlalchemy import Connection

from alerts.model.site import Site
from alerts.store import people
from service.database import Rank
from service.errors import ServiceError
from service.web.desk import Desk

COOKIE = "thinkcarer_session"
SESSION_FOR = timedelta(hours=12)


class Role(StrEnum):
    """What somebody is (contract: roles)."""

    WARD = "ward"
    COORDINATOR = "coordinator"
    CENTRE = "centre"
    ENGINEER = "engineer"
    AUDITOR = "auditor"
    FEED = "feed"


class ScopeUnknown(ServiceError):
    """The scope names something that the site file does not hold."""


class NotAllowed(ServiceError):
    """This form is too old, or did not come from this page. Open the page again and repeat it."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody, and how far they may see. Scope: ``hospital/ward``, hospital or centre codes."""

    role: Role
    scope: tuple[str, ...]
    name: str
    csrf: str = ""

    def sees(self, role: Role, code: str) -> bool:
        """May this viewer see a desk: ``role`` is whose desk, ``code`` which one."""
        return self.role is Role.AUDITOR or self.works_at(role, code)

    def works_at(self, role: Role, code: str) -> bool:
        """May this viewer record something at that desk; auditors only read."""
        return self.role is role and code in self.scope


@dataclass(frozen=True, slots=True)
class Held:
    """A viewer and until when what they showed is good."""

    viewer: Viewer
    until: datetime


def check_scope(site: Site, role: Role, codes: tuple[str, ...]) -> tuple[str, ...]:
    """The scope in full; a bare ward code is that ward where only one hospital has it."""
    if role in (Role.ENGINEER, Role.AUDITOR):
        if codes:
            raise ScopeUnknown(f"The role {role.value} takes no scope.")
        return codes
    if role is Role.FEED and not codes:
        return codes
    if not codes:
        raise ScopeUnknown(f"The role {role.value} needs --scope with at least one code.")
    known = {
        Role.WARD: {f"{w.hospital}/{w.code}" for w in site.wards},
        Role.COORDINATOR: {h.code for h in site.hospitals},
        Role.CENTRE: {c.code for c in site.centres},
        Role.FEED: {f.name for f in site.feeds},
    }[role]
    return tuple(_full(site, role, code, known) for code in codes)


def _full(site: Site, role: Role, code: str, known: set[str]) -> str:
    if code in known:
        return code
    wards = [f"{w.hospital}/{w.code}" for w in site.wards if w.code == code]
    if role is Role.WARD and len(wards) == 1:
        return wards[0]
    if wards and role is Role.WARD:
        raise ScopeUnknown(f"Several hospitals have a ward {code}: write {' or '.join(wards)}.")
    raise ScopeUnknown(
        f"The site file has no {role.value} {code}; it has {', '.join(sorted(known))}."
    )


def by_token(tx: Connection, header: str, now: datetime) -> Viewer | None:
    """Whoever holds the bearer token of an Authorization header, None if it is no good."""
    kind, _, secret = header.partition(" ")
    if kind.lower() != "bearer" or not secret:
        return None
    held = by_secret(tx, secret.strip(), now)
    return held.viewer if held else None


def by_secret(tx: Connection, secret: str, now: datetime) -> Held | None:
    """Whoever holds a token, None if it is unknown or no longer good."""
    grant = people.token(tx, secret, now)
    if grant is None:
        return None
    return Held(Viewer(Role(grant.role), grant.scope, grant.label), grant.expires_at)


def by_cookie(tx: Connection, desk: Desk, cookie: str | None) -> Viewer | None:
    """Whoever signed in, None if nobody did or the session is over."""
    secret = _unsigned(desk, cookie)
    found = people.session(tx, secret, desk.now()) if secret else None
    if found is None:
        return None
    return Viewer(Role(found.role), found.scope, found.name, found.csrf)


def sign_in(desk: Desk, viewer: Viewer, until: datetime | None = None) -> str:
    """Open a session, never longer than what was shown for it; the value of its cookie."""
    secret = secrets.token_urlsafe(32)
    now = desk.now()
    ends_at = now + SESSION_FOR
    opened = people.Session(
        role=viewer.role.value,
        scope=viewer.scope,
        name=viewer.name,
        csrf=secrets.token_urlsafe(24),
        created_at=now,
        expires_at=min(ends_at, until) if until else ends_at,
    )
    with desk.database.write(Rank.PAGE) as tx:
        people.open_session(tx, secret, opened)
    return Signer(desk.secret_key).sign(secret).decode()


def sign_out(desk: Desk, cookie: str | None) -> None:
    """Close the session of a cookie."""
    secret = _unsigned(desk, cookie)
    if secret:
        with desk.database.write(Rank.PAGE) as tx:
            people.close_session(tx, secret)


def check_csrf(viewer: Viewer, given: str) -> None:
    """Raise unless the form carries this session's own token."""
    if not is_same(viewer.csrf, given):
        raise NotAllowed(NotAllowed.__doc__)


def is_same(secret: str, given: str) -> bool:
    """Equal and not empty, compared in constant time."""
    return bool(secret) and hmac.compare_digest(secret.encode(), given.encode())


def _unsigned(desk: Desk, cookie: str | None) -> str | None:
    try:
        return Signer(desk.secret_key).unsign(cookie or "").decode()
    except (BadSignature, UnicodeDecodeError):
        return None
