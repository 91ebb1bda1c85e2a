"""What came together is stored together; each block gets its own answer, or we tell why none."""

from collections.abc import Sequence
from typing import TypeAlias

import structlog

from ingest.committer import CannotStore
from ingest.connection import Connection
from ingest.failpoints import passing
from ingest.mllp import FrameError, FrameTooLong
from ingest.receive import Door, Incoming, Reply, receive_each, receive_too_long

log = structlog.get_logger()

Asked: TypeAlias = tuple[Connection, bytes]
"""A block, and who waits for its answer."""


def answer(group: Sequence[Asked], door: Door) -> None:
    """Store these together and put each answer where it belongs; a fault is met by each alone."""
    group = [one for one in group if not one[0].is_broken_off]
    if not group:
        return
    try:
        incoming = [Incoming(block, connection.origin) for connection, block in group]
        replies = receive_each(incoming, door)
    except Exception as failure:  # noqa: BLE001 - one of five: no answer, the sender keeps it
        if len(group) > 1:
            for one in group:
                answer([one], door)
            return
        connection = group[0][0]
        door.tally.count("not_stored")
        log.error("connection_failed", peer=connection.peer, failure=failure)
        connection.failure = failure
    else:
        for (connection, _), reply in zip(group, replies, strict=True):
            _reply(connection, reply, door)


def refuse_too_long(connection: Connection, failure: FrameTooLong, door: Door) -> None:
    """Answer a frame of which only the header is kept, if that can be read."""
    connection.failure = None
    try:
        reply = receive_too_long(failure, connection.origin, door)
    except CannotStore as told:
        _reply(connection, told, door)
        return
    if reply is None:
        broken(connection, failure, door)
        connection.failure = failure
    else:
        _reply(connection, reply, door)


def broken(connection: Connection, failure: FrameError, door: Door) -> None:
    """Count and tell what a peer did to the framing."""
    door.tally.count(failure.kind)
    log.warning("frame_failed", peer=connection.peer, reason=failure.kind)


def lost(connection: Connection, failure: OSError, door: Door) -> None:
    """Count and tell that it broke, and whether in the middle of a frame."""
    door.tally.count("frame_half" if connection.is_half_done else "connection_lost")
    log.warning("connection_lost", peer=connection.peer, error=type(failure).__name__)


def turned_away(connection: Connection, reason: str, door: Door) -> None:
    """Count and tell that a handshake led to nothing."""
    door.tally.count("handshake_failed")
    log.warning("handshake_failed", peer=connection.peer, reason=reason)


def refused(peer: str, reason: str, door: Door) -> None:
    """Count and tell that somebody was not let in."""
    door.tally.count("connection_refused")
    log.warning("connection_refused", peer=peer, reason=reason)


def _reply(connection: Connection, reply: Reply | CannotStore, door: Door) -> None:
    if connection.is_broken_off:
        return  # one before it was not stored: the sender begins again there
    if isinstance(reply, CannotStore):
        door.tally.count("not_stored")
        failure = reply.__cause__ or reply.__context__
        log.warning("not_stored", peer=connection.peer, failure=failure)
        connection.failure = reply
        return
    passing("before-answer")
    connection.put(reply.answer)
    connection.is_last = connection.is_last or reply.is_last
