"""The disk is full, or may not be written to: no answer, pages still read, and on it goes."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.support.databases import sqlite_copy
from tests.support.running_service import RunningService
from tests.support.senders import Senders
from tests.support.small_disk import fill, remount, small_disk

pytestmark = [pytest.mark.timeout(180)]

LONG = ("NTE|1||" + "x" * 20_000,)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", megabytes=6) as folder:
        yield folder


@pytest.fixture
def service(migrated_sqlite: Path, disk: Path) -> Iterator[RunningService]:
    """Its database and its log are on the small disk."""
    made = RunningService(disk, sqlite_copy(migrated_sqlite, disk))
    yield made
    made.end()


def test_a_full_disk_is_not_acknowledged_into_and_goes_on_when_it_has_room(
    service: RunningService, disk: Path
):
    made = service.command("token", "create", "--role", "ward", "--scope", "L302H/M7A")
    bearer = {"Authorization": f"Bearer {made.stdout.splitlines()[-1]}"}
    service.start()
    with Senders(service.mllp_port, extra=LONG) as senders:
        senders.wait_for(20)
        fill(disk)
        service.wait_for(lambda: senders.unanswered > 20)
        before, told = len(senders.acknowledged), senders.unanswered
        service.wait_for(lambda: senders.unanswered > told + 80)
        assert len(senders.acknowledged) == before
        for path in ("/fhir/Task", "/metrics", "/health/live"):
            assert httpx2.get(service.url(path), headers=bearer).status_code == 200
        assert _missing(service) == ["database: its disk is nearly full"]
        remount(disk, "size=128m")
        assert senders.wait_for(20) < 5
    service.settle()
    senders.check(service.database_url)
    assert _missing(service) == []
    assert service.stop() == 0


def test_a_disk_that_may_only_be_read_is_told_at_the_start(service: RunningService, disk: Path):
    remount(disk, "ro")
    refused = service.command("run")
    assert refused.returncode == 1
    assert refused.stderr == f"The folder {disk} cannot be written to.\n"


def test_a_log_that_cannot_be_kept_stops_nothing(migrated_sqlite: Path, tmp_path: Path):
    service = RunningService(tmp_path, sqlite_copy(migrated_sqlite, tmp_path))
    service.log.symlink_to("/dev/full")
    try:
        service.start()
        with Senders(service.mllp_port, at_most=5) as senders:
            senders.finish()
        service.settle()
        assert service.stop() == 0
    finally:
        service.end()
    senders.check(service.database_url)


def _missing(service: RunningService) -> object:
    return httpx2.get(service.url("/health/ready")).json()["missing"]
