"""Blocks to rows of the journal, a group in one statement: nothing here is asked once a message."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import TypeAlias

from sqlalchemy import Connection

from ingest.entry import Block
from ingest.table import REUSED

Identity: TypeAlias = tuple[str, str, str]
"""What makes two blocks the same message: control id, sender, digest."""
identity = attrgetter("control_id", "sender", "digest")

# A second block of the same identity is left out, also if another listener wrote the first. Who
# used the control id before for other bytes is flagged: earlier rows of the group count on SQLite,
# and are counted here for PostgreSQL, where a statement does not see its own rows.
_COLUMNS = {  # in the order of a Block
    "received_at": "timestamptz",
    "source": "text",
    "peer": "text",
    "feed": "text",
    "sender": "text",
    "control_id": "text",
    "trigger": "text",
    "lane": "int",
    "digest": "text",
    "size": "int",
    "state": "text",
    "reason": "text",
    "answer": "bytea",
    "raw": "bytea",
    "head": "text",
}
_NAMES = ", ".join(_COLUMNS)
_INTO = f"INSERT INTO journal ({_NAMES}, flags, repeats, outcome)"


def _row(mark: Callable[[str], str]) -> str:
    """``mark`` gives the placeholder of a column."""
    control_id, sender = mark("control_id"), mark("sender")
    return (
        f"{_INTO} VALUES ({', '.join(map(mark, _COLUMNS))}, "  # noqa: S608 - our names
        f"CASE WHEN {control_id} <> '' AND EXISTS (SELECT 1 FROM journal AS old "
        f"WHERE old.control_id = {control_id} AND old.sender = {sender}) "
        f"THEN '{REUSED}' ELSE '' END, 0, '') ON CONFLICT DO NOTHING"
    )


_PLACES = {name: f"?{place}" for place, name in enumerate(_COLUMNS, 1)}
_SQLITE = _row(_PLACES.__getitem__)
_ONE = _row(lambda _: "%s") + " RETURNING id"
# LIMIT keeps PostgreSQL from reading the whole index once for all rows instead of once a row.
_POSTGRESQL = (
    f"{_INTO} SELECT {', '.join(f't.{name}' for name in _COLUMNS)}, "  # noqa: S608 - our names
    f"CASE WHEN t.control_id <> '' AND (t.is_second OR old.id > 0) THEN '{REUSED}' ELSE '' END, "
    f"0, '' FROM unnest({', '.join(f'%b::{kind}[]' for kind in _COLUMNS.values())}, %b::bool[]) "
    f"WITH ORDINALITY AS t ({_NAMES}, is_second, place) LEFT JOIN LATERAL (SELECT id FROM journal "
    "WHERE control_id = t.control_id AND sender = t.sender LIMIT 1) AS old ON true ORDER BY place "
    "ON CONFLICT DO NOTHING RETURNING id, control_id, sender, digest"
)
_WIDTH = len(_COLUMNS)
_LAST = "SELECT last_insert_rowid()"
_FROM = "SELECT id, control_id, sender, digest FROM journal WHERE id > ? AND id <= ?"


def insert(tx: Connection, blocks: Mapping[Identity, Block]) -> dict[Identity, int]:
    """Write those that are new, in this order; their ids."""
    if not blocks:
        return {}
    if tx.dialect.name == "sqlite":
        return _into_sqlite(tx, blocks)
    return _into_postgresql(tx, blocks.values())


def _into_sqlite(tx: Connection, blocks: Mapping[Identity, Block]) -> dict[Identity, int]:
    """One writer, so that the ids of one statement follow each other."""
    rows = [(_stamp(block.received_at), *block[1:_WIDTH]) for block in blocks.values()]
    if len(rows) == 1:
        done = tx.exec_driver_sql(_SQLITE, rows[0])
        return dict.fromkeys(blocks, done.lastrowid) if done.rowcount else {}
    written = tx.exec_driver_sql(_SQLITE, rows).rowcount
    if not written:
        return {}
    last = int(tx.exec_driver_sql(_LAST).scalar_one())
    if written == len(blocks):
        return dict(zip(blocks, range(last - written + 1, last + 1), strict=True))
    made = tx.exec_driver_sql(_FROM, (last - written, last))
    return {(row.control_id, row.sender, row.digest): row.id for row in made}


@lru_cache(maxsize=4)  # what is stored together has one time
def _stamp(at: datetime) -> str:
    """UTC, as SQLAlchemy keeps a time in SQLite."""
    return at.isoformat(" ", "microseconds")[:26]


def _into_postgresql(tx: Connection, blocks: Collection[Block]) -> dict[Identity, int]:
    if len(blocks) == 1:
        (alone,) = blocks
        row = (*alone[:_WIDTH], alone.control_id, alone.control_id, alone.sender)
        new_id = tx.exec_driver_sql(_ONE, row).scalar()
        return {} if new_id is None else {identity(alone): new_id}
    rows = [block[:_WIDTH] for block in blocks]
    columns = [list(column) for column in zip(*rows, strict=True)]
    made = tx.exec_driver_sql(_POSTGRESQL, (*columns, _seconds(blocks)))
    return {(row.control_id, row.sender, row.digest): row.id for row in made}


def _seconds(blocks: Collection[Block]) -> list[bool]:
    """Whether an earlier block of the group has the control id and sender of this one."""
    seen: set[tuple[str, str]] = set()
    found = []
    for block in blocks:
        named = block.control_id, block.sender
        found.append(named in seen)
        seen.add(named)
    return found
