"""Leases of lanes in PostgreSQL: a worker takes its share and keeps it while it lives."""

import threading
from collections.abc import Sequence
from math import ceil
from uuid import uuid4

import structlog
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    DateTime,
    Integer,
    MetaData,
    String,
    Table,
    bindparam,
    delete,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql

from ingest.failpoints import passing
from ingest.header import LANES
from ingest.steady import keep_on
from service.database import Database, DatabaseError, Rank

log = structlog.get_logger()

BEAT = 1.0
"""Seconds between heartbeats."""
LEASE = 6
"""Seconds after its last heartbeat at which a worker's lanes are anybody's."""

metadata = MetaData()
lane_table = Table(
    "lane",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("owner", String(36)),
    Column("epoch", BigInteger, nullable=False),
)
"""``owner`` is a worker, None for nobody; ``epoch`` counts how often the lane was taken."""
worker_table = Table(
    "worker",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("seen_at", DateTime(timezone=True), nullable=False),
)
"""Heartbeats, by the clock of the database: the clocks of machines may differ."""

_now = func.clock_timestamp()
_lease = func.make_interval(0, 0, 0, 0, 0, 0, bindparam("lease", callable_=lambda: LEASE))
_expired = _now - _lease
_ahead = _now + _lease

# Here I am. A row of its own, so that a batch that holds its lanes never keeps a heartbeat waiting.
_BEAT = (
    postgresql.insert(worker_table)
    .values(id=bindparam("me"), seen_at=_now)
    .on_conflict_do_update(index_elements=[worker_table.c.id], set_={"seen_at": _now})
)
# A heartbeat from the future was before the clock was set back; who lives beats again at once.
_FORGET_DEAD = delete(worker_table).where(
    or_(worker_table.c.seen_at < _expired, worker_table.c.seen_at > _ahead)
)
_ALIVE = select(func.count()).select_from(worker_table)
_MINE = (
    select(lane_table.c.number)
    .where(lane_table.c.owner == bindparam("me"))
    .order_by(lane_table.c.number)
)
# What is nobody's, or a dead worker's. Rows in somebody's hands are left for the next beat.
_FREE = (
    select(lane_table.c.number)
    .where(
        or_(
            lane_table.c.owner.is_(None),
            lane_table.c.owner.not_in(select(worker_table.c.id)),
        )
    )
    .order_by(lane_table.c.number)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_TAKE = (
    update(lane_table)
    .where(lane_table.c.number.in_(bindparam("numbers", expanding=True)))
    .values(owner=bindparam("me"), epoch=lane_table.c.epoch + 1)
)
_GIVE = (
    update(lane_table)
    .where(
        lane_table.c.owner == bindparam("me"),
        lane_table.c.number.in_(bindparam("numbers", expanding=True)),
    )
    .values(owner=None)
)
_GIVE_ALL = update(lane_table).where(lane_table.c.owner == bindparam("me")).values(owner=None)
_LEAVE = delete(worker_table).where(worker_table.c.id == bindparam("me"))
# The lanes of a batch: until it ends nobody can take them, and where somebody has, they are not
# among these. So a worker that was paused and wakes late has nothing that it could write.
_HOLD = _MINE.where(
    lane_table.c.number.not_in(bindparam("leaving", expanding=True))
).with_for_update(read=True)


_HELD_BY_ANYBODY = select(func.count()).where(
    lane_table.c.owner.in_(select(worker_table.c.id).where(worker_table.c.seen_at >= _expired))
)


def held_by_anybody(tx: Connection) -> int | None:
    """How many lanes somebody works on; None on SQLite, where one process has them all."""
    if tx.dialect.name == "sqlite":
        return None
    return int(tx.execute(_HELD_BY_ANYBODY).scalar_one())


class Lanes:
    """The lanes of one worker; a thread of its own keeps them."""

    def __init__(self, database: Database) -> None:
        """Nothing is held before start."""
        self.me = str(uuid4())
        self._database = database
        self._leaving: tuple[int, ...] = ()
        self._held = 0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="lanes", daemon=True)

    def start(self) -> None:
        """Take a share, and keep it."""
        self._thread.start()

    def stop(self) -> None:
        """Give everything back, so that others need not wait until we are missed."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(LEASE)
        try:
            with self._database.write(Rank.WORK) as tx:
                tx.execute(_GIVE_ALL, {"me": self.me})
                tx.execute(_LEAVE, {"me": self.me})
        except DatabaseError as failure:
            log.warning("lanes_not_given_back", error=type(failure).__name__)
        self._held = 0

    def held(self) -> int:
        """How many there were at the last heartbeat."""
        return self._held

    def hold(self, tx: Connection) -> Sequence[int]:
        """The lanes that are still ours, and stay so until this transaction ends."""
        asked = {"me": self.me, "leaving": list(self._leaving) or [-1]}
        return tx.execute(_HOLD, asked).scalars().all()

    def beat(self) -> None:
        """Say that we live, take what is free up to our share, give back what is beyond it."""
        with self._database.write(Rank.WORK) as tx:
            tx.execute(_BEAT, {"me": self.me})
            tx.execute(_FORGET_DEAD)
            share = ceil(LANES / tx.execute(_ALIVE).scalar_one())
            mine = tx.execute(_MINE, {"me": self.me}).scalars().all()
            if len(mine) < share:
                free = tx.execute(_FREE, {"most": share - len(mine)}).scalars().all()
                if free:
                    tx.execute(_TAKE, {"me": self.me, "numbers": list(free)})
                mine = [*mine, *free]
            passing("lanes-beat")
        self._leaving = self._given_back(mine[share:])
        self._held = len(mine) - len(self._leaving)

    def _given_back(self, surplus: Sequence[int]) -> tuple[int, ...]:
        """Batches have left these out since the last beat, so that nothing holds them now."""
        ready = [number for number in surplus if number in self._leaving]
        if ready:
            with self._database.write(Rank.WORK) as tx:
                tx.execute(_GIVE, {"me": self.me, "numbers": ready})
        return tuple(number for number in surplus if number not in ready)

    def _keep(self) -> None:
        keep_on(self._beat_now, self._missed, self._stopped)

    def _beat_now(self) -> float:
        self.beat()
        return BEAT

    def _missed(self, failure: Exception) -> float:
        """Whoever takes our lanes meanwhile has them: holding asks the database each time."""
        log.warning("heartbeat_failed", error=type(failure).__name__)
        return BEAT
