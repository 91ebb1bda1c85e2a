"""Group commit: whoever waits to be stored when a commit ends goes into the next one together.

The errors of this module: CannotStore.
"""

import threading
from collections.abc import Callable, Hashable, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import NamedTuple

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from ingest import journal
from ingest.failpoints import passing
from ingest.journal import Block, Stored

MOST = 512
"""Blocks in one transaction."""


class CannotStore(Exception):
    """The block is not known to be on disk: give no answer, so that the sender keeps it."""

    kept: Sequence[Stored | None] = ()
    """Of blocks that came together: those that are on disk all the same; empty where none is."""


class _Unfit(Exception):
    """A block of the group made the statement fail; its neighbours may still be stored."""


class Committer:
    """Writes all waiting blocks in one transaction and wakes their senders.

    The first sender that finds nobody writing writes for everyone (a lone sender waits for
    nobody), then hands over to the first who came meanwhile: there is no thread that could die.
    """

    def __init__(
        self,
        begin: Callable[[], AbstractContextManager[Connection]],
        on_kept: Callable[[int, str], None] = lambda _id, _digest: None,
    ) -> None:
        """``begin`` opens a transaction that is on disk when its block ends.

        ``on_kept`` is told the newest entry of each, and its digest.
        """
        self._begin = begin
        self._on_kept = on_kept
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._waiting: list[_Turn] = []
        self._is_writing = False
        self._is_closed = False

    def commit(self, blocks: Sequence[Block]) -> list[Stored]:
        """Wait until the blocks are on disk, or raise CannotStore if one of them is not."""
        if not blocks:
            return []
        turn = _Turn(blocks)
        with self._lock:
            if self._is_closed:
                raise CannotStore(CannotStore.__doc__)
            self._waiting.append(turn)
            leads = not self._is_writing
            self._is_writing = True
        if not leads:
            turn.gate.acquire()
        if not turn.is_over:
            self._lead()
        return turn.told()

    def close(self, wait_for: float = 5.0) -> bool:
        """Take no more blocks and wait for those in hand; whether none is left."""
        with self._lock:
            self._is_closed = True
            return self._idle.wait_for(lambda: not self._is_writing, wait_for)

    def _lead(self) -> None:
        with self._lock:
            group = [self._waiting.pop(0)]
            size = len(group[0].blocks)
            while self._waiting and size + len(self._waiting[0].blocks) <= MOST:
                group.append(self._waiting.pop(0))
                size += len(group[-1].blocks)
        with _Telling(group):
            places = [
                _Place(turn, n, block) for turn in group for n, block in enumerate(turn.blocks)
            ]
            broken: set[Hashable] = set()
            for start in range(0, len(places), MOST):
                self._store(places[start : start + MOST], broken)
        self._hand_over()

    def _hand_over(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting[0].gate.release()
            else:
                self._is_writing = False
                self._idle.notify_all()

    def _store(self, group: Sequence["_Place"], broken: set[Hashable]) -> None:
        """One bad block must not fail its neighbours: halve the group until it stands alone.

        What comes after it in its line is not stored: who sends both again would turn them round.
        """
        if broken:
            group = [place for place in group if place.block.line not in broken]
        if not group:
            return
        try:
            stored = self._write([place.block for place in group])
        except _Unfit as failure:
            if len(group) == 1:
                group[0].turn.failure = failure
                if group[0].block.line is not None:
                    broken.add(group[0].block.line)
                return
            middle = len(group) // 2
            self._store(group[:middle], broken)
            self._store(group[middle:], broken)
        else:
            for place, entry in zip(group, stored, strict=True):
                place.turn.stored[place.number] = entry

    def _write(self, blocks: Sequence[Block]) -> list[Stored]:
        passing("before-append")
        with self._begin() as tx:
            try:
                stored = journal.append(tx, blocks)
            except (
                SQLAlchemyError,
                AttributeError,
                ValueError,
                TypeError,
                OverflowError,
            ) as failure:
                if isinstance(failure, DBAPIError) and failure.connection_invalidated:
                    raise
                raise _Unfit(_Unfit.__doc__) from failure
            passing("after-append")
        newest = max(range(len(stored)), key=lambda place: stored[place].id)
        self._on_kept(stored[newest].id, blocks[newest].digest)
        passing("after-commit")
        return stored


class _Telling:
    """Wakes the senders of a group however its writing ended, and keeps why it failed for them.

    Also a commit of unknown outcome: no answer, and a repeat finds what was stored.
    """

    def __init__(self, group: Sequence["_Turn"]) -> None:
        self._group = group

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, _kind: object, failure: BaseException | None, _trace: TracebackType | None
    ) -> bool:
        for turn in self._group:
            turn.failure = turn.failure or failure
            turn.is_over = True
            turn.gate.release()
        return isinstance(failure, Exception)


class _Turn:
    """A sender's place in the queue; its gate opens when it is over or has to lead."""

    __slots__ = ("blocks", "failure", "gate", "is_over", "stored")

    def __init__(self, blocks: Sequence[Block]) -> None:
        self.blocks = blocks
        self.gate = threading.Lock()
        self.gate.acquire()
        self.stored: list[Stored | None] = [None] * len(blocks)
        self.failure: BaseException | None = None
        self.is_over = False

    def told(self) -> list[Stored]:
        """What was stored, in the order of the blocks; CannotStore if one was not."""
        stored = [entry for entry in self.stored if entry is not None]
        if len(stored) < len(self.blocks):
            failure = CannotStore(CannotStore.__doc__)
            failure.kept = self.stored
            raise failure from self.failure
        return stored


class _Place(NamedTuple):
    """One block of a turn."""

    turn: _Turn
    number: int
    block: Block
