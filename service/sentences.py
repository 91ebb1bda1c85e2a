"""What a failure of the database is called, in one sentence and without the statement."""

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from service.engines import DatabaseBusy, DatabaseError, DatabaseNotReady, DatabaseUnavailable


def sentence(err: DBAPIError | PoolTimeout) -> DatabaseError | None:
    """What to tell, None where the statement and not the database is at fault."""
    if isinstance(err, PoolTimeout):
        return DatabaseBusy(DatabaseBusy.__doc__)
    code = getattr(err.orig, "sqlite_errorcode", None)
    if code is not None:
        if "no such table" in str(err.orig):
            return DatabaseNotReady(DatabaseNotReady.__doc__)
        kind = _SQLITE_CODES.get(code & 0xFF)
        return None if kind is None else kind(kind.__doc__)
    state = getattr(err.orig, "sqlstate", None)
    if state in _BUSY:
        return DatabaseBusy(DatabaseBusy.__doc__)
    if state == _UNDEFINED_TABLE:
        return DatabaseNotReady(DatabaseNotReady.__doc__)
    if str(state).startswith(_TOO_MUCH):
        return None
    is_away = err.connection_invalidated or state == _READ_ONLY
    if is_away or isinstance(err, OperationalError | InterfaceError):
        return DatabaseUnavailable(DatabaseUnavailable.__doc__)
    return None


_BUSY = frozenset({"40001", "40P01", "55P03", "57014"})
"""Serialisation failure, deadlock, lock not available, statement timeout (PostgreSQL App. A)."""
_UNDEFINED_TABLE = "42P01"
_READ_ONLY = "25006"
"""A standby, or a database that somebody has closed to writes."""
_TOO_MUCH = "54"
"""A value is too long for an index or the like: trying again would never help."""
_SQLITE_CODES: dict[int, type[DatabaseError]] = {
    5: DatabaseBusy,
    6: DatabaseBusy,
    8: DatabaseUnavailable,
    10: DatabaseUnavailable,
    11: DatabaseUnavailable,
    13: DatabaseUnavailable,
    14: DatabaseUnavailable,
    26: DatabaseUnavailable,
}
"""Busy, locked; read-only, I/O error, corrupt, full, cannot open, not a database (sqlite.org)."""
