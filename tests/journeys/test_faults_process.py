"""The process runs short of descriptors or memory, or is told to stop, while messages come in."""

import os
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.adt import Adt
from tests.support.databases import sqlite_copy
from tests.support.door import Client, framed, msa
from tests.support.running_service import RunningService
from tests.support.senders import Senders

pytestmark = [pytest.mark.timeout(180)]

MANY = {"THINKCARER_MLLP_PEER_CONNECTIONS": "200"}
MEGABYTE = 2**20


@pytest.fixture
def service(migrated_sqlite: Path, tmp_path: Path) -> Iterator[RunningService]:
    made = RunningService(tmp_path, sqlite_copy(migrated_sqlite, tmp_path), MANY)
    yield made
    made.end()


def test_without_descriptors_who_is_there_is_answered_and_who_comes_waits(
    service: RunningService,
):
    service.start()
    with Senders(service.mllp_port, at_most=5) as senders, _client(service) as known:
        assert msa(known.ask(Adt(control_id="1").raw())) == ("AA", "1")
        senders.finish()
        used = len(os.listdir(f"/proc/{_pid(service)}/fd"))
        resource.prlimit(_pid(service), resource.RLIMIT_NOFILE, (used + 8, used + 100))
        crowd = [_client(service) for _ in range(40)]
        service.wait_for(lambda: "accept_failed" in service.log.read_text())
        before, started = _processor_seconds(service), time.monotonic()
        for number in range(2, 40):
            name = str(number)
            assert msa(known.ask(Adt(control_id=name, visit=name).raw())) == ("AA", name)
            time.sleep(0.05)
        spent = _processor_seconds(service) - before
        assert spent < 0.4 * (time.monotonic() - started)
        for client in crowd:
            client.socket.close()
        with Senders(service.mllp_port, at_most=5) as late:
            late.finish()
        assert len(late.acknowledged) == 20
    service.settle()
    late.check(service.database_url)
    assert service.stop() == 0


def test_a_flood_of_long_messages_stays_within_bounds(service: RunningService):
    service.start()
    long = ("NTE|1||" + "x" * (MEGABYTE - 1_000),)
    with Senders(service.mllp_port, lines=32, at_most=2, extra=long) as senders:
        too_long = [_client(service) for _ in range(8)]
        for client in too_long:
            _pour(client, 8 * MEGABYTE)
        senders.finish()
    assert len(senders.acknowledged) == 64
    service.settle()
    senders.check(service.database_url)
    assert _peak(service) < 512 * MEGABYTE


@pytest.mark.postgresql
def test_a_stop_under_load_ends_well_and_in_time_on_a_server(tmp_path: Path, postgresql_url: str):
    service = RunningService(tmp_path, postgresql_url)
    try:
        for _ in range(2):
            service.start()
            with Senders(service.mllp_port) as senders:
                senders.wait_for(50)
                assert service.stop() == 0  # waits for 30 seconds
                stopped_with = len(senders.acknowledged)
            assert len(senders.acknowledged) <= stopped_with + 4
            senders.check(postgresql_url)
    finally:
        service.end()


def _client(service: RunningService) -> Client:
    return Client(socket.create_connection(("127.0.0.1", service.mllp_port), timeout=30))


def _pour(client: Client, size: int) -> None:
    """A frame over the limit; we are cut off on the way."""
    with client, suppress(OSError):
        client.send(framed(b"MSH|^~\\&|" + b"x" * size))


def _pid(service: RunningService) -> int:
    assert service.process is not None
    return service.process.pid


def _processor_seconds(service: RunningService) -> float:
    fields = Path(f"/proc/{_pid(service)}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak(service: RunningService) -> int:
    """The most memory it ever held, in bytes."""
    lines = Path(f"/proc/{_pid(service)}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
