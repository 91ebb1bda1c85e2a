"""Outbox messages for tests: a version kept and queued, without the alert that it is of."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, insert, select

from alerts.store import outbox
from alerts.store.alerts import Version
from alerts.store.tables import alert_version
from alerts.telling import Cause
from tests.support.records import NOW


def told(version: int = 1, **changes: object) -> Version:
    """One version as its reader was told it, by the clock."""
    made = Version(version, '{"a": 1}', "{}", Cause.CLOCK, NOW)
    return replace(made, **changes)


def queue(
    tx: Connection, posting: outbox.Posting, now: datetime, payload: str = "{}", sent: bool = False
) -> None:
    """Keep this version with these bytes, and queue it."""
    of_it = (
        alert_version.c.alert == posting.alert,
        alert_version.c.version == posting.version,
    )
    if tx.execute(select(alert_version.c.alert).where(*of_it)).first() is None:
        kept = {"facts": "", "rendered": payload, "cause": "before", "at": now}
        tx.execute(
            insert(alert_version).values(alert=posting.alert, version=posting.version, **kept)
        )
    outbox.put(tx, [replace(posting, is_sent=sent)], now)
