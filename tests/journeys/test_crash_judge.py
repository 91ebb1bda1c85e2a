"""Killed at every named point and at random, nothing acknowledged is lost, doubled or out of order.

The judge outside knows what was acknowledged and what the receivers hold. It is judged itself: a
service with a bug that has cost others messages must be found out. ``make judge`` is the long form.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from tests.judge.blows import Blow, blows_at, points_on
from tests.judge.bugs import BUGS
from tests.judge.deployment import Plan
from tests.judge.launcher import Launcher
from tests.judge.rounds import try_out
from tests.support.services import kafka_brokers

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.timeout(300),
]

GOES_ON = (
    Blow("after-append", 3, "raise", wait=5.0),
    Blow("before-send", 2, "raise", wait=6.0),
    Blow("outcome-kept", 3, "raise", wait=6.0),
    Blow("before-answer", 4, "hang", wait=5.0),
    Blow("after-send", 2, "delay", wait=5.0),
)
"""What does not end the process; it is killed a little later."""
STOPS = Blow(action="stop", wait=0.3), Blow(action="stop", wait=1.0)
"""Orderly ends, between the kills."""
WORKERS = ("work", "work", "listen", "deliver")
SOON = 10.0
"""Seconds: what is wrong is wrong soon."""


@pytest.fixture(scope="module")
def launcher() -> Iterator[Launcher]:
    made = Launcher()
    yield made
    made.close()


def test_on_sqlite_every_point_may_be_the_last(launcher: Launcher, tmp_path: Path):
    points = points_on("sqlite", has_topic=False)
    blows = [*blows_at(points, len(points) * 4 // 3, seed=1), *GOES_ON, *STOPS]
    found = try_out(Plan(tmp_path / "judged", _sqlite(tmp_path), blows), launcher)
    assert found.faults == []
    assert found.acknowledged > 100
    assert found.stops == len(STOPS)
    assert {blow.name for blow in GOES_ON} <= set(found.struck)
    assert set(points) - set(found.struck) <= {"file-read", "file-journaled"}  # a file takes longer


@pytest.mark.postgresql
@pytest.mark.xdist_group("judge")
def test_on_postgresql_the_points_that_differ_may_be_the_last(
    launcher: Launcher, tmp_path: Path, postgresql_url: str
):
    points = ("after-append", "after-commit", "lanes-beat", "batch-decided", "after-send")
    blows = [Blow(point, 2, wait=40.0) for point in points]
    found = try_out(Plan(tmp_path / "judged", postgresql_url, blows), launcher)
    assert found.faults == []
    assert set(points) <= set(found.struck)


@pytest.mark.postgresql
@pytest.mark.xdist_group("judge")
def test_two_workers_that_share_the_lanes_keep_the_order(
    launcher: Launcher, tmp_path: Path, postgresql_url: str
):
    blows = [Blow("batch-claimed", 5, "delay", wait=5.0), Blow("entry-settled", 9, wait=9.0)]
    plan = Plan(tmp_path / "judged", postgresql_url, blows, roles=WORKERS)
    found = try_out(plan, launcher)
    assert found.faults == []


@pytest.mark.xdist_group("topic-in")  # one group of readers for all tests of topics
def test_a_topic_loses_nothing_whatever_is_kept_first(launcher: Launcher, tmp_path: Path):
    points = ("records-polled", "records-journaled", "offsets-committed")
    blows = [Blow(point, 1, wait=30.0) for point in points]
    plan = Plan(tmp_path / "judged", _sqlite(tmp_path), blows, brokers=kafka_brokers())
    found = try_out(plan, launcher)
    assert found.faults == []
    assert set(points) <= set(found.struck)


CAUGHT = {
    # the bug: what happens to it, and what the judge must say then
    "acknowledged-before-commit": ((Blow("after-answer", 5), Blow("after-answer", 3)), "lost"),
    "repeats-not-known": ((Blow("before-answer", 3), Blow("after-commit", 2)), "doubled"),
    "outcome-before-send": ((Blow("before-send", 3), Blow("before-send", 2)), "lost"),
}
CAUGHT_ON_POSTGRESQL = {
    "newest-first": ((Blow("batch-claimed", 4, "hang", wait=5.0),), ("run",), {"lost", "inverted"}),
    "leases-ignored": (
        (Blow(wait=12.0),),
        WORKERS,
        {"lost", "inverted"},
    ),
}


def test_the_judge_catches_each_bug(tmp_path: Path):
    """Side by side, since most of a trial is waiting."""

    def caught(bug: str) -> bool:
        blows, kind = CAUGHT[bug]
        plan = Plan(tmp_path / bug, _sqlite(tmp_path, bug), blows, bug=bug, settles_in=SOON)
        with closing(Launcher()) as own:
            return bool(try_out(plan, own).kinds()[kind])

    with ThreadPoolExecutor(len(CAUGHT)) as trials:
        found = dict(zip(CAUGHT, trials.map(caught, CAUGHT), strict=True))
    assert found == dict.fromkeys(CAUGHT, True)


@pytest.mark.postgresql
@pytest.mark.xdist_group("judge")
@pytest.mark.parametrize("bug", CAUGHT_ON_POSTGRESQL)
def test_the_judge_catches_a_bug_of_order(
    launcher: Launcher, tmp_path: Path, postgresql_url: str, bug: str
):
    blows, roles, kinds = CAUGHT_ON_POSTGRESQL[bug]
    plan = Plan(tmp_path / "judged", postgresql_url, blows, roles, bug, settles_in=SOON)
    assert set(try_out(plan, launcher).kinds()) & kinds


@pytest.mark.xdist_group("topic-in")  # one group of readers for all tests of topics
def test_the_judge_catches_offsets_that_are_kept_too_early(launcher: Launcher, tmp_path: Path):
    [bug] = set(BUGS) - {*CAUGHT, *CAUGHT_ON_POSTGRESQL}
    blows = [Blow("records-polled", 1, wait=30.0)] * 2
    plan = Plan(
        tmp_path / "judged",
        _sqlite(tmp_path),
        blows,
        bug=bug,
        brokers=kafka_brokers(),
        settles_in=30.0,
    )
    assert try_out(plan, launcher).kinds()["lost"]


def _sqlite(folder: Path, name: str = "judged") -> str:
    return f"sqlite:///{folder}/{name}/thinkcarer.db"
