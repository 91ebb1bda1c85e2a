"""Kills a service again and again under load, then asks what was lost, doubled or out of order."""

import os
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.judge.blows import STRUCK, Blow
from tests.judge.deployment import Plan, deployed
from tests.judge.hospital import Hospital, Send, Sender, by_folder, by_http, by_mllp, by_topic
from tests.judge.launcher import Launcher, lives
from tests.judge.scene import INBOX_SIDE, Scene, recorded, seen
from tests.judge.verdict import Fault
from tests.support.running_service import RunningService

OPENS_IN = 30.0
"""Seconds that a service may take to answer after a kill."""
DRAINS_IN = 30.0
"""Seconds that an orderly end may take."""
QUIET = 2.0
"""Seconds in which what was doubled may still come."""
STAY = 6
"""Messages that one of the senders sends before the first of them is answered."""


@dataclass
class Found:
    """What a trial showed."""

    acknowledged: int = 0
    kills: int = 0
    stops: int = 0
    """Orderly ends."""
    struck: Counter[str] = field(default_factory=Counter)
    """Points at which a service was met, ``random`` for the others."""
    faults: list[Fault] = field(default_factory=list)
    slowest_start: float = 0.0

    def kinds(self) -> Counter[str]:
        return Counter(fault.kind for fault in self.faults)


def try_out(plan: Plan, launcher: Launcher) -> Found:
    """The whole trial, from an empty database to the verdict."""
    found = Found()
    with deployed(plan, launcher.command) as (service, receivers):
        hospital, token = Hospital(plan.stays), ""
        if "run" in plan.roles and not plan.brokers:
            words = "token", "create", "--role", "centre", "--scope", INBOX_SIDE
            token = launcher.command(service, *words).split()[-1]
        senders = [Sender(hospital, way, plan.pause) for way in _ways(plan, launcher, service)]
        senders.append(Sender(hospital, by_mllp(service.mllp_port), 10 * plan.pause, at_once=STAY))
        try:
            _strike(plan, launcher, service, found)
            _finish(plan, launcher, Scene(service, hospital, senders, receivers, token), found)
        finally:
            for sender in senders:
                sender.stopped.set()
    return found


def _ways(plan: Plan, launcher: Launcher, service: RunningService) -> Iterator[Callable[[], Send]]:
    """Three connections, and each of the other ways that this deployment has."""
    yield from [by_mllp(service.mllp_port)] * 3
    if plan.brokers:
        yield by_topic(plan.brokers, service.settings["THINKCARER_KAFKA_IN_TOPIC"])
    if "run" in plan.roles:
        token = launcher.command(service, "token", "create", "--role", "feed").split()[-1]
        yield by_http(service.url(""), token)
        yield by_folder(Path(service.settings["THINKCARER_DROP_FOLDER"]))


def _strike(plan: Plan, launcher: Launcher, service: RunningService, found: Found) -> None:
    for blow in plan.blows:
        began, told = time.monotonic(), _size(service.log)
        with _running(plan, launcher, service, blow) as pids:
            if not blow.from_fork:
                _until_open(service, pids, blow)
                found.slowest_start = max(found.slowest_start, time.monotonic() - began)
            _await_blow(pids, blow)
            is_struck = _is_struck(service.log, told, blow.point)
            if _any_ended(pids) and not (is_struck and blow.action == "kill"):
                found.faults.append(Fault("ended", f"by itself, not by {blow}"))
            if blow.action == "stop":
                found.stops += 1
                found.faults += _stopped(pids, service.log)
                continue
        found.struck[blow.name if is_struck else "random"] += 1
        found.kills += 1


def _finish(plan: Plan, launcher: Launcher, scene: Scene, found: Found) -> None:
    """Let everything come to its end, then look."""
    with _running(plan, launcher, scene.service, Blow()) as pids:
        _until_open(scene.service, pids, Blow())
        scene.hospital.is_closing.set()
        found.faults += faults_of(plan, launcher, scene, time.monotonic() + plan.settles_in)
    found.acknowledged = scene.hospital.acknowledged()


def faults_of(plan: Plan, launcher: Launcher, scene: Scene, until: float) -> list[Fault]:
    """What can be said against it once every sender has ended and every effect could be seen.

    What is only late has until then, and as long again each time that less is missing.
    """
    for sender in scene.senders:
        sender.thread.join(max(0.0, until - time.monotonic()))
    fewest: int | None = None
    while time.monotonic() < until:
        faults = seen(plan, scene) or recorded(launcher, scene)
        if any(fault.kind != "lost" for fault in faults) or not faults:
            break  # time mends nothing of what is more than late
        if fewest is None or len(faults) < fewest:  # a backlog, and it is worked off
            fewest, until = len(faults), time.monotonic() + plan.settles_in
        time.sleep(0.5)
    time.sleep(QUIET)
    return seen(plan, scene) + recorded(launcher, scene)


@contextmanager
def _running(
    plan: Plan, launcher: Launcher, service: RunningService, blow: Blow
) -> Iterator[list[int]]:
    """The processes of one deployment; dead at the end of the block, whatever they are doing."""
    unharmed = Blow()
    pids = [
        launcher.start(service, role, blow if not number else unharmed, plan.bug)
        for number, role in enumerate(plan.roles)
    ]
    try:
        yield pids
    finally:
        _signal(pids, signal.SIGKILL)
        while any(map(lives, pids)):
            time.sleep(0.005)


def _until_open(service: RunningService, pids: Sequence[int], blow: Blow) -> None:
    """Until it answers, or until it is met by a blow before that."""
    until = time.monotonic() + OPENS_IN
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", service.mllp_port)) == 0:
                return
        if _any_ended(pids):
            if blow.point:
                return
            break
        time.sleep(0.01)
    raise AssertionError(f"the service does not answer: {service.log.read_text()[-2000:]}")


def _await_blow(pids: Sequence[int], blow: Blow) -> None:
    until = time.monotonic() + blow.wait
    if blow.point == "draining":
        time.sleep(0.3)
        _signal(pids, signal.SIGTERM)
    while time.monotonic() < until and not _any_ended(pids):
        time.sleep(0.005)


def _size(log: Path) -> int:
    return log.stat().st_size if log.exists() else 0


def _is_struck(log: Path, told: int, point: str) -> bool:
    """Whether the service said so in what it printed since."""
    if not log.exists():
        return False
    with log.open("rb") as file:
        file.seek(told)
        return f"\n{STRUCK} {point}\n".encode() in file.read()


def _stopped(pids: Sequence[int], log: Path) -> Iterator[Fault]:
    """Told to end, it brings to an end what is in hand, and says that all is well."""
    _signal(pids, signal.SIGTERM)
    until = time.monotonic() + DRAINS_IN
    while time.monotonic() < until and any(map(lives, pids)):
        time.sleep(0.01)
    if any(map(lives, pids)):
        yield Fault("unfinished", f"not ended {DRAINS_IN:.0f} s after it was told to")
    elif (code := log.read_text().rpartition("\n")[2]) != "0":
        yield Fault("unfinished", f"ended with {code} when it was told to end")


def _signal(pids: Sequence[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _any_ended(pids: Sequence[int]) -> bool:
    return not all(map(lives, pids))
