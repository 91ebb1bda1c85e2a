"""The disk is full, or may not be written to: no answer, pages still read, and on it goes."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.support.databases import sqlite_copy
from tests.support.running_service import RunningService
from tests.support.senders import Senders
from tests.support.small_disk import remount, small_disk

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
    token = service.command("token", "create", "--role", "auditor").stdout.splitlines()[-1]
    service.start()
    with Senders(service.mllp_port, extra=LONG) as senders:
        senders.wait_for(20)
        service.wait_for(lambda: senders.unanswered > 20)
        (disk / "rest").write_bytes(b"") 
        before = len(senders.acknowledged)
        told = senders.unanswered
        service.wait_for(lambda: senders.unanswered > told + 20)
        assert len(senders.acknowledged) == before
        read = httpx2.get(
            service.url("/fhir/Task"), headers={"Authorization": f"Bearer {token}"}
        )
        assert read.status_code == 200
        assert httpx2.get(service.url("/metrics")).status_code == 200
        remount(disk, "size=64m")
        assert senders.wait_for(20) < 5
    service.settle()
    senders.check(service.database_url)
    assert httpx2.get(service.url("/health/ready")).json()["missing"] == []
    assert service.stop() == 0
