"""Back from an older backup: nothing leaves until a person says so, and then all is as it was."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from service.commands.fixture_day import register_file
from tests.support.adt import Adt
from tests.support.databases import sqlite_copy
from tests.support.fault_proxy import FaultProxy
from tests.support.running_service import RunningService, send_one
from tests.support.services import fhir_url

pytestmark = pytest.mark.timeout(300)

FIRST = Adt(at=datetime.now(UTC) - timedelta(hours=3), visit=f"R{datetime.now(UTC):%H%M%S%f}")
BEFORE = [FIRST.raw()]
GAP = [FIRST.later("A02", ward="M7B").raw(), FIRST.later("A03", 2).raw()]
_OF_A_MOMENT = ("meta", "text", "authoredOn", "lastModified", "sent")


@pytest.fixture
def proxy() -> Iterator[FaultProxy]:
    with FaultProxy(fhir_url()) as opened:
        yield opened


@pytest.fixture
def service(migrated_sqlite: Path, tmp_path: Path, proxy: FaultProxy) -> Iterator[RunningService]:
    made = RunningService(
        tmp_path, sqlite_copy(migrated_sqlite, tmp_path), {"THINKCARER_FHIR_URL": proxy.url}
    )
    _done(made, "register", "import", str(register_file()))
    made.start()
    try:
        yield made
    finally:
        made.end()


def test_after_a_restore_nothing_leaves_until_a_person_says_so_and_then_all_is_as_before(
    service: RunningService, proxy: FaultProxy, tmp_path: Path
):
    _taken(service, BEFORE)
    _done(service, "backup", str(tmp_path / "night.db"))
    gap = _gap(service)
    _taken(service, GAP)
    told, there = _told(service), _there(service)
    assert service.stop() == 0
    printed = _done(service, "restore", str(tmp_path / "night.db"))
    assert gap in printed
    sent = len(proxy.requests("PUT"))
    service.start()
    send_one(service.mllp_port, BEFORE + GAP)
    service.wait_for(lambda: not service.gauge("thinkcarer_journal_waiting"))
    service.wait_for(lambda: _told(service) == told)
    assert service.gauge("thinkcarer_sends_held") == 1
    assert service.gauge("thinkcarer_outbox_waiting") > 0
    assert len(proxy.requests("PUT")) == sent
    assert service.stop() == 0
    checked = service.command("check").stderr
    assert "Nothing is sent since" in checked
    assert gap in checked
    released = _done(service, "outbox", "release", "--by", "A. Engineer")
    assert gap in released
    assert "The register of LANCARERS was not imported since" in released
    named = ("--with-register-of", "LANCARERS=2026-11-20", "--with-register-of")
    _done(service, "outbox", "release", "--by", "A. Engineer", *named, "YOUNGNL=2026-11-20")
    service.start()
    service.settle()
    assert len(proxy.requests("PUT")) > sent
    assert [r["last_answer"] for r in service.rows("outbox", "--stuck")] == []
    assert _there(service) == there
    assert service.gauge("thinkcarer_sends_held") == 0


def _taken(service: RunningService, messages: list[bytes]) -> None:
    send_one(service.mllp_port, messages)
    service.settle()


def _gap(service: RunningService) -> str:
    """What a backup made now lacks, in the words of the commands: by feed and time."""
    newest = datetime.fromisoformat(max(str(row["received_at"]) for row in service.rows("journal")))
    at = newest.astimezone(UTC)
    return f"Everything from pas after {at:%Y-%m-%d %H:%M:%S} UTC may be missing"


def _done(service: RunningService, *args: str) -> str:
    done = service.command(*args)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _told(service: RunningService) -> set[tuple[object, object]]:
    return {(row["kind"], row["resource_id"]) for row in service.rows("outbox")}


def _there(service: RunningService) -> dict[object, dict[str, object]]:
    """What the hospital's server holds, without what names a moment."""
    found = {}
    for row in service.rows("outbox"):
        if row["channel"] == "fhir":
            answer = httpx2.get(f"{fhir_url()}/{row['kind']}/{row['resource_id']}")
            answer.raise_for_status()
            held = json.loads(answer.text)
            found[row["resource_id"]] = {k: v for k, v in held.items() if k not in _OF_A_MOMENT}
    assert found
    return found
