"""An older copy of PostgreSQL takes over while the service runs: it stops, and a person looks."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import create_engine, make_url, text

from tests.support.adt import Adt
from tests.support.running_service import RunningService, send_one
from tests.support.senders import Senders

pytestmark = [pytest.mark.timeout(180), pytest.mark.postgresql]


@pytest.fixture
def service(tmp_path: Path, postgresql_url: str) -> Iterator[RunningService]:
    made = RunningService(tmp_path, postgresql_url)
    made.start()
    yield made
    made.end()


@pytest.fixture
def older(postgresql_url: str) -> Iterator[str]:
    """The name of a copy that may be made."""
    name = f"{make_url(postgresql_url).database}_older"
    yield name
    _with_nobody_in(postgresql_url, f'drop database if exists "{name}"')


def test_after_a_fall_back_nothing_is_acknowledged_until_a_new_start(
    service: RunningService, postgresql_url: str, older: str
):
    name = make_url(postgresql_url).database
    with Senders(service.mllp_port) as senders:
        senders.wait_for(20)
        _with_nobody_in(postgresql_url, f'create database "{older}" template "{name}"')
        senders.wait_for(20)
    assert httpx2.get(service.url("/health/ready")).status_code == 200

    with Senders(service.mllp_port) as late:
        late.wait_for(1)
        _with_nobody_in(
            postgresql_url,
            f'drop database "{name}"',
            f'alter database "{older}" rename to "{name}"',
        )
        before = len(late.acknowledged)
        service.wait_for(lambda: httpx2.get(service.url("/health/ready")).status_code == 503)
        told = late.unanswered
        service.wait_for(lambda: late.unanswered > told + 20)
        assert len(late.acknowledged) <= before + 4, "answers that were on their way"
    assert "ThinkCarerFellBack" in httpx2.get(service.url("/health/ready")).text
    assert service.gauge("thinkcarer_database_fell_back") == 1
    assert service.log.read_text().count('"database_fell_back"') >= 1

    assert service.stop() == 0
    service.start()
    [answer] = send_one(service.mllp_port, [Adt(control_id="ANEW").raw()])
    assert b"MSA|AA|ANEW" in answer


def _with_nobody_in(url: str, *statements: str) -> None:
    """Cut off who is connected, and let nobody in before these are done."""
    name = make_url(url).database
    engine = create_engine(make_url(url).set(database="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as tx:
        tx.execute(text(f'alter database "{name}" with allow_connections false'))
        tx.execute(
            text("select pg_terminate_backend(pid) from pg_stat_activity where datname = :name"),
            {"name": name},
        )
        for statement in statements:
            tx.execute(text(statement))
        tx.execute(text(f'alter database "{name}" with allow_connections true'))
    engine.dispose()
