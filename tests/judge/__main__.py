"""The long form: ``python -m tests.judge --kills 1000 --on sqlite``.

On PostgreSQL it makes databases of its own on the server of TEST_DATABASE_URL; with the brokers of
TEST_KAFKA_BROKERS one of the trials has a topic in and one out.
"""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from httpx2 import HTTPError
from kafka.errors import KafkaError

from tests.judge.blows import blows_at, points_on, with_stops
from tests.judge.deployment import Plan
from tests.judge.launcher import Launcher
from tests.judge.rounds import Found, try_out
from tests.judge.verdict import Fault
from tests.support.databases import postgresql_copy, postgresql_server

SETTLES_IN = 300.0
PAUSE = 0.2
"""Seconds between a sender's messages; with less, a service that is always killed falls behind."""


def main() -> int:
    """Run the trials side by side and say what they showed; 1 where a promise was broken."""
    asked = _arguments()
    began = time.monotonic()
    with ThreadPoolExecutor(asked.at_once) as trials:
        found = list(trials.map(lambda number: _told(asked, number), range(asked.at_once)))
    faults = [fault for one in found for fault in one.faults]
    struck = sum((one.struck for one in found), Counter[str]())
    kinds = Counter(fault.kind for fault in faults)
    _say(
        f"{asked.on}: {sum(one.kills for one in found)} kills "
        f"({struck['random']} at random moments, the rest at {len(struck) - 1} named points), "
        f"{sum(one.stops for one in found)} orderly ends, "
        f"{sum(one.acknowledged for one in found)} messages acknowledged; "
        f"{kinds['lost']} lost, {kinds['doubled']} doubled, {kinds['inverted']} inverted, "
        f"{kinds['invented']} invented, {kinds['ended']} ended by themselves, "
        f"{kinds['unfinished']} trials unfinished; "
        f"slowest start {max(o.slowest_start for o in found):.1f} s; "
        f"{time.monotonic() - began:.0f} s"
    )
    for point, times in sorted(struck.items()):
        _say(f"  {point}: {times}")
    for fault in faults[:20]:
        _say(f"  {fault.kind}: {fault.where}")
    return 1 if faults else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.judge", description=__doc__)
    parser.add_argument("--kills", type=int, default=1_000)
    parser.add_argument("--on", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--at-once", type=int, default=3, help="trials side by side")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def _told(asked: argparse.Namespace, number: int) -> Found:
    """A trial that could not go on is a fault, and what the others showed is told too."""
    try:
        return _trial(asked, number)
    except (AssertionError, HTTPError, KafkaError) as failure:
        return Found(faults=[Fault("unfinished", f"trial {number}: {failure}"[:2_000])])


def _trial(asked: argparse.Namespace, number: int) -> Found:
    brokers = os.environ.get("TEST_KAFKA_BROKERS", "") if not number else ""
    share = asked.kills // asked.at_once + (number < asked.kills % asked.at_once)
    points, seed = points_on(asked.on, bool(brokers)), asked.seed + number
    blows = with_stops(blows_at(points, share, seed), seed)
    launcher = Launcher()
    try:
        with TemporaryDirectory(prefix="judge-") as folder, _database(asked.on, folder) as url:
            return try_out(
                Plan(
                    Path(folder) / "judged",
                    url,
                    blows,
                    brokers=brokers,
                    pause=PAUSE,
                    settles_in=SETTLES_IN,
                ),
                launcher,
            )
    finally:
        launcher.close()


@contextmanager
def _database(kind: str, folder: str) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{folder}/judged/thinkcarer.db"
        return
    with ExitStack() as stack:
        server = stack.enter_context(postgresql_server())
        yield stack.enter_context(postgresql_copy(server, None))


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
