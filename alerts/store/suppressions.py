"""What would be due about a stay and is not said, and why: rows that go once it is said."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, insert, select

from alerts.decide import Unsaid
from alerts.store.tables import suppression

_HELD = select(suppression.c.registration, suppression.c.code, suppression.c.why).where(
    suppression.c.stay == bindparam("wanted")
)
_DELETE = delete(suppression).where(
    suppression.c.stay == bindparam("of_stay"),
    suppression.c.registration == bindparam("of_registration"),
    suppression.c.code == bindparam("of_code"),
)
_INSERT = insert(suppression)


def keep(
    tx: Connection, stay: str, unsaid: Iterable[Unsaid], at: datetime, entry: int | None
) -> tuple[Unsaid, ...]:
    """Replace what was kept of a stay; those whose reason is new. An age alone is no new reason."""
    held = {(row.registration, row.code): row.why for row in tx.execute(_HELD, {"wanted": stay})}
    named = {(u.registration, u.suppressed.code.value): u for u in unsaid}
    new = {name: u for name, u in named.items() if not _is_same(held.get(name), u)}
    gone = [name for name in held if name not in named or name in new]
    if gone:
        keys = ({"of_stay": stay, "of_registration": r, "of_code": c} for r, c in gone)
        tx.execute(_DELETE, list(keys))
    if new:
        rows = [
            {
                "stay": stay,
                "registration": registration,
                "code": code,
                "why": u.suppressed.words,
                "at": at,
                "entry": entry,
            }
            for (registration, code), u in new.items()
        ]
        tx.execute(_INSERT, rows)
    return tuple(new.values())


def _is_same(held: str | None, unsaid: Unsaid) -> bool:
    if held is None:
        return False
    why = unsaid.suppressed.why
    return held == why or (unsaid.suppressed.age is not None and held.startswith(f"{why}: "))
