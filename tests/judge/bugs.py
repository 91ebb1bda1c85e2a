"""Bugs that have cost others messages, put into a service so that the judge can be judged."""

import random
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection

from alerts.delivery import Accepted
from ingest import committer, journal, topic
from ingest.journal import Block, Stored
from service import dispatch, lanes, workers

LATE = 0.05
"""Seconds that a bug leaves open."""


def acknowledged_before_commit() -> None:
    """The answer leaves, and the message is written a moment later."""
    honest = committer.Committer.commit

    def early(self: committer.Committer, blocks: Sequence[Block]) -> list[Stored]:
        threading.Thread(target=_later, args=(honest, self, blocks), daemon=True).start()
        return [Stored(0, block.answer, is_repeat=False) for block in blocks]

    committer.Committer.commit = early  # type: ignore[method-assign]


def repeats_not_known() -> None:
    """Each arrival of a message counts as another one."""
    honest = journal.append
    arrivals = iter(range(10**9))

    def forgetful(tx: Connection, blocks: Sequence[Block]) -> list[Stored]:
        anew = [b._replace(digest=f"{time.monotonic_ns()}-{next(arrivals)}") for b in blocks]
        return honest(tx, anew)

    journal.append = forgetful


def offsets_before_journal() -> None:
    """Our place in the topic is kept before what it brought is safe."""

    def early(self: topic.Consuming, reader: topic.Reader, records: topic._Polled) -> None:
        reader.commit(records)
        topic.passing("records-polled")
        self._journal(records)

    topic.Consuming._store = early  # type: ignore[method-assign]


def leases_ignored() -> None:
    """A worker takes entries whosever lanes they are in, and is not always quick about it."""
    honest = journal.claim

    def everything(_self: lanes.Lanes, _tx: Connection) -> None:
        return None

    def slowly(*args: Any) -> list[journal.Entry]:
        entries = honest(*args)
        time.sleep(random.uniform(0, 8 * LATE) if entries else 0)  # noqa: S311 - any will do
        return entries

    lanes.Lanes.hold = everything  # type: ignore[method-assign,assignment]
    journal.claim = slowly


def outcome_before_send() -> None:
    """A parcel is marked as sent, and sent a moment later."""
    honest = dispatch._send

    def late(*args: object) -> object:
        time.sleep(LATE)
        return honest(*args)  # type: ignore[arg-type]

    def marked(line: dispatch.Line, outlet: dispatch.Outlet, hand: dispatch.Hand) -> int:
        parcels = dispatch._claimed(line, outlet, dispatch._claim(line, outlet))
        for parcel in parcels:
            dispatch._settle(line, hand, [(parcel, Accepted())])
            dispatch.passing("before-send")
            late(line, outlet.channel, parcel)
        return len(parcels)

    workers.deliver_next = marked


def newest_first() -> None:
    """The worker takes the newest entry first."""
    newest = journal.journal.c.id.desc()
    journal._CLAIM_OURS = journal._CLAIM_OURS.order_by(None).order_by(newest)


def _later(
    honest: Callable[[committer.Committer, Sequence[Block]], list[Stored]],
    ours: committer.Committer,
    blocks: Sequence[Block],
) -> None:
    time.sleep(LATE)
    honest(ours, blocks)


BUGS: dict[str, Callable[[], None]] = {
    "acknowledged-before-commit": acknowledged_before_commit,
    "repeats-not-known": repeats_not_known,
    "offsets-before-journal": offsets_before_journal,
    "leases-ignored": leases_ignored,
    "outcome-before-send": outcome_before_send,
    "newest-first": newest_first,
}
