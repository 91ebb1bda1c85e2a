"""What happens to a service: where, when, and how."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle

from ingest.failpoints import POINTS

STRUCK = "struck at"
"""What a service prints before it is met, so that the judge knows of it."""
IMPORTS = ("requests-decided", "rows-brought", "register-shown", "import-step")
"""Passed while a register is taken in: tests/database/test_deciding.py kills there."""
LANES_FREE_IN = 3.0
"""Seconds in which nothing is decided on PostgreSQL: the lanes of the dead are leased as long."""


@dataclass(frozen=True)
class Blow:
    """What happens to one service: ``point`` empty is a kill at a random moment."""

    point: str = ""
    nth: int = 1
    action: str = "kill"
    wait: float = 2.5
    """Seconds after which the service is killed anyway."""
    from_fork: bool = False
    """The seconds begin before it is open."""

    @property
    def name(self) -> str:
        """Where it meets a service, and how where it does not kill."""
        return self.point if self.action == "kill" else f"{self.point}, {self.action}"


def points_on(database: str, has_topic: bool) -> list[str]:
    """The fail-points that a deployment of one process passes there."""
    without = set(IMPORTS)
    if not has_topic:
        without |= {"records-polled", "records-journaled", "offsets-committed"}
    if database == "sqlite":
        without.add("lanes-beat")
    return [point for point in POINTS if point not in without]


def blows_at(points: Sequence[str], how_many: int, seed: int) -> list[Blow]:
    """Each point in turn at its first, third or a later pass, and every fourth time at random."""
    chance, turns = random.Random(seed), cycle(points)  # noqa: S311 - a seed, no secret
    idle = LANES_FREE_IN if "lanes-beat" in points else 0.0
    return [
        _at_random(number, chance, idle) if number % 4 == 3 else _blow(next(turns), chance, idle)
        for number in range(how_many)
    ]


def with_stops(blows: Sequence[Blow], seed: int) -> list[Blow]:
    """An orderly end after each fifth kill."""
    chance = random.Random(seed)  # noqa: S311 - a seed, no secret
    mixed: list[Blow] = []
    for number, blow in enumerate(blows, 1):
        mixed.append(blow)
        if number % 5 == 0:
            mixed.append(Blow(action="stop", wait=chance.uniform(0.1, 2.0)))
    return mixed


def _at_random(number: int, chance: random.Random, idle: float) -> Blow:
    """Every third of them while it starts."""
    if number % 12 == 3:
        return Blow(wait=chance.uniform(0.02, 0.8), from_fork=True)
    return Blow(wait=chance.uniform(0.05, 1.2 + idle))


def _blow(point: str, chance: random.Random, idle: float) -> Blow:
    """A group of consumers is entered again only when its dead member is missed."""
    if point in ("preparing", "started", "draining"):
        nth = 1
    else:
        nth = chance.choice((1, 2, 3) if point.startswith("batch") else (1, 3, 8))
    wait = 20.0 if point.startswith(("records", "offsets")) else 10.0
    return Blow(point, nth, wait=wait + idle)
