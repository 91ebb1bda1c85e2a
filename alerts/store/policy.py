"""Policy values by the date from which they hold, so that changing one never rewrites history."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select

from alerts.store.tables import policy_value

# Every value up to now in the order in which it was said; the last of a name holds.
_UNTIL = (
    select(policy_value.c.name, policy_value.c.value)
    .where(policy_value.c.holds_from <= bindparam("now"))
    .order_by(policy_value.c.holds_from, policy_value.c.id)
)
_INSERT = insert(policy_value)


def in_force(tx: Connection, now: datetime) -> dict[str, float]:
    """The values that the site set and that hold at ``now``; defaults are not among them."""
    said = {row.name: row.value for row in tx.execute(_UNTIL, {"now": now})}
    return {name: value for name, value in said.items() if value is not None}


def remember(tx: Connection, overrides: Mapping[str, float], now: datetime) -> None:
    """Let exactly these values hold from ``now`` on; writes only what changed."""
    holding = in_force(tx, now)
    changed: dict[str, float | None] = {
        name: value for name, value in overrides.items() if holding.get(name) != value
    }
    changed |= {name: None for name in holding if name not in overrides}
    if changed:
        tx.execute(
            _INSERT,
            [{"name": n, "value": v, "holds_from": now} for n, v in sorted(changed.items())],
        )
