"""PostgreSQL is stopped at once and comes back, or is made unsafe, while messages come in."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import create_engine, text

from service.database import DatabaseUnsafe, connect
from tests.support.restarting import OwnServers
from tests.support.running_service import RunningService
from tests.support.senders import Senders

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("server-stops")]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnServers]:
    made = OwnServers(tmp_path_factory.mktemp("servers"))
    try:
        made.start("postgres")
        yield made
    finally:
        made.stop()


@pytest.fixture
def service(servers: OwnServers, tmp_path: Path) -> Iterator[RunningService]:
    made = RunningService(tmp_path, servers.addresses["DATABASE_URL"])
    yield made
    made.end()


def test_a_server_that_is_stopped_at_once_three_times_loses_and_doubles_nothing(
    servers: OwnServers, service: RunningService
):
    service.start()
    with Senders(service.mllp_port) as senders:
        for _ in range(3):
            senders.wait_for(20)
            servers.stop_at_once("postgres")
            before = len(senders.acknowledged)
            senders_told = senders.unanswered
            while senders.unanswered < senders_told + 8:
                time.sleep(0.05)
            assert len(senders.acknowledged) <= before + 4  # those whose answer was on its way
            assert _missing(service) == ["database"]
            servers.start_again("postgres")
            assert senders.wait_for(1) < 5
    service.settle()
    senders.check(service.database_url)
    assert service.stop() == 0


def test_a_server_that_could_lose_what_it_confirms_is_refused_and_told(
    servers: OwnServers, service: RunningService
):
    service.start()
    for setting in ("fsync", "full_page_writes", "synchronous_commit"):
        _administer(servers, f"alter system set {setting} = off", "select pg_reload_conf()")
        try:
            service.wait_for(lambda told=f"has {setting} off": told in str(_missing(service)))
            with pytest.raises(DatabaseUnsafe, match=setting):
                connect(service.database_url)
        finally:
            _administer(servers, f"alter system reset {setting}", "select pg_reload_conf()")
    service.wait_for(lambda: _missing(service) == [])


def test_a_user_for_whom_commits_do_not_wait_is_refused(
    servers: OwnServers, service: RunningService
):
    url = servers.addresses["DATABASE_URL"]
    _administer(servers, "alter role thinkcarer set synchronous_commit = off")
    try:
        with pytest.raises(DatabaseUnsafe, match="synchronous_commit"):
            connect(url)
        refused = service.command("listen")
        assert (refused.returncode, "synchronous_commit off" in refused.stderr) == (1, True)
    finally:
        _administer(servers, "alter role thinkcarer reset synchronous_commit")
    connect(url).close()


def _missing(service: RunningService) -> object:
    return httpx2.get(service.url("/health/ready")).json()["missing"]


def _administer(servers: OwnServers, *statements: str) -> None:
    engine = create_engine(servers.addresses["DATABASE_URL"], isolation_level="AUTOCOMMIT")
    with engine.connect() as tx:
        for statement in statements:
            tx.execute(text(statement))
    engine.dispose()
