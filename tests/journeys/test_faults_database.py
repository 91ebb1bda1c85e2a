"""The database cuts, refuses or holds up single transactions while messages come in."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import create_engine, text

from service.database import connect
from tests.support.commit_cutter import CommitCutter
from tests.support.databases import sqlite_copy
from tests.support.running_service import RunningService
from tests.support.senders import Senders

pytestmark = [pytest.mark.timeout(180), pytest.mark.xdist_group("database-faults")]

HEARD_IN = 15.0
"""Seconds, longer than a read waits for a lock."""
REFUSED = "40P01", "40001", "57014", "55P03", "53100", "53200"
"""Deadlock, serialisation, statement timeout, lock timeout, disk full, out of memory."""
REFUSE = """
create sequence refused_in_journal;
create sequence refused_in_stay;
create function refuse() returns trigger language plpgsql as $$
declare turn bigint := nextval(tg_argv[0]);
begin
  if mod(turn, 3) = 0 and turn <= tg_argv[1]::int then
    raise exception using errcode = (array[{codes}])[1 + mod(turn / 3, {many})];
  end if;
  return new;
end $$;
create trigger refuse before insert on journal
  for each row execute function refuse('refused_in_journal', '120');
create trigger refuse before insert or update on stay
  for each row execute function refuse('refused_in_stay', '18');
"""
"""Every third row is refused, up to so many rows."""


@pytest.fixture
def service(tmp_path: Path) -> Iterator[RunningService]:
    made = RunningService(tmp_path, "")
    yield made
    made.end()


@pytest.mark.postgresql
def test_connections_cut_at_the_commit_lose_and_double_nothing(
    service: RunningService, postgresql_url: str
):
    with CommitCutter(postgresql_url) as cutter:
        service.database_url = cutter.url
        service.start()
        with Senders(service.mllp_port) as senders:
            senders.wait_for(1)
            service.wait_for(lambda: cutter.unsent >= 40 and cutter.unheard >= 40)
            cutter.is_cutting = False
        service.settle()
        assert service.stop() == 0
    assert senders.unanswered > 0
    senders.check(postgresql_url)
    assert _states(postgresql_url) == {"settled"}


@pytest.mark.postgresql
def test_transactions_that_are_refused_are_done_again(service: RunningService, postgresql_url: str):
    codes = ",".join(f"'{code}'" for code in REFUSED)
    _administer(postgresql_url, REFUSE.format(codes=codes, many=len(REFUSED)))
    service.database_url = postgresql_url
    service.start()
    with Senders(service.mllp_port, at_most=40) as senders:
        senders.finish()
    service.settle()
    senders.check(postgresql_url)
    assert senders.unanswered > 0
    assert len(senders.acknowledged) == 160
    assert _states(postgresql_url) == {"settled"}


@pytest.mark.postgresql
def test_a_table_that_somebody_holds_delays_and_loses_nothing(
    service: RunningService, postgresql_url: str
):
    service.database_url = postgresql_url
    service.start()
    engine = create_engine(postgresql_url)
    with Senders(service.mllp_port, lines=2) as senders:
        for table in ("journal", "lane", "stay"):
            senders.wait_for(10)
            with engine.begin() as tx:
                tx.execute(text(f"lock table {table} in access exclusive mode"))
                tx.execute(text("select pg_sleep(1.5)"))
        senders.wait_for(10)
    engine.dispose()
    service.settle()
    senders.check(postgresql_url)
    assert _states(postgresql_url) == {"settled"}


@pytest.mark.postgresql
def test_who_asks_how_it_is_is_told_that_a_table_is_held(
    service: RunningService, postgresql_url: str
):
    service.database_url = postgresql_url
    service.start()
    with Senders(service.mllp_port, lines=1) as senders:
        senders.wait_for(1)
    engine = create_engine(postgresql_url)
    with engine.begin() as tx:
        tx.execute(text("lock table journal in access exclusive mode"))
        ready = httpx2.get(service.url("/health/ready"), timeout=HEARD_IN)
        metrics = httpx2.get(service.url("/metrics"), timeout=HEARD_IN)
    engine.dispose()
    assert (ready.status_code, "database" in ready.text) == (503, True)
    assert "thinkcarer_journal_waiting" not in metrics.text
    service.wait_for(lambda: httpx2.get(service.url("/health/ready")).status_code == 200)
    assert "thinkcarer_journal_waiting" in httpx2.get(service.url("/metrics")).text


def test_a_file_that_another_program_holds_is_not_acknowledged_into(
    service: RunningService, migrated_sqlite: Path, tmp_path: Path
):
    service.database_url = sqlite_copy(migrated_sqlite, tmp_path)
    service.start()
    engine = create_engine(service.database_url)
    with Senders(service.mllp_port) as senders:
        senders.wait_for(20)
        with engine.connect() as tx:
            tx.exec_driver_sql("begin immediate")
            before = len(senders.acknowledged)
            told = senders.unanswered
            service.wait_for(lambda: senders.unanswered > told)
            assert len(senders.acknowledged) <= before + 4
            tx.rollback()
        assert senders.wait_for(20) < 5
    engine.dispose()
    service.settle()
    senders.check(service.database_url)
    assert _states(service.database_url) == {"settled"}


def _states(url: str) -> set[str]:
    with connect(url, writing=False) as database, database.read() as tx:
        return set(tx.execute(text("select distinct state from journal")).scalars())


def _administer(url: str, statement: str) -> None:
    engine = create_engine(url)
    with engine.begin() as tx:
        tx.exec_driver_sql(statement)
    engine.dispose()
