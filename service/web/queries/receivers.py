"""How the receivers are and what a person must look at, for engineers and auditors."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from alerts.store import destinations, holds
from alerts.store.destinations import Queue
from alerts.store.holds import Hold
from alerts.store.tables import outbox as outbox_table
from service.web.access import Role, Viewer

SHOWN = 10

# What was given up, the newest first: ids, receivers and answers, nothing of the payload.
_STUCK = (
    select(
        outbox_table.c.id,
        outbox_table.c.destination,
        outbox_table.c.recipient,
        outbox_table.c.kind,
        outbox_table.c.last_answer,
        outbox_table.c.entry,
    )
    .where(outbox_table.c.state == "stuck")
    .order_by(outbox_table.c.id.desc())
    .limit(SHOWN)
)


@dataclass(frozen=True, slots=True)
class Stuck:
    """A parcel that was given up; ``entry`` is the message behind it, None for a clock."""

    id: int
    destination: str
    recipient: str
    kind: str
    answer: str
    entry: int | None


def queues(viewer: Viewer, tx: Connection, known: Sequence[str]) -> list[Queue]:
    """Every receiver, with what waits for it and since when it takes nothing."""
    return destinations.queues(tx, known) if _may(viewer) else []


def hold(viewer: Viewer, tx: Connection) -> Hold | None:
    """Whether sends are held, since when and what is missing."""
    return holds.standing(tx) if _may(viewer) else None


def stuck(viewer: Viewer, tx: Connection) -> tuple[Stuck, ...]:
    """The newest parcels that were given up."""
    if not _may(viewer):
        return ()
    return tuple(
        Stuck(row.id, row.destination, row.recipient, row.kind, row.last_answer, row.entry)
        for row in tx.execute(_STUCK)
    )


def _may(viewer: Viewer) -> bool:
    return viewer.role in (Role.ENGINEER, Role.AUDITOR)
