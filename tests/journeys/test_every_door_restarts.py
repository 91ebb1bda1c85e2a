"""From the topic in to the FHIR server and the topic out, while each server is killed once."""

import json
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import text

from service.database import DatabaseError, connect
from service.probe import LONDON
from tests.support.adt import Adt, nhs_numbers
from tests.support.forked import ROOT
from tests.support.kafka_server import create_topic, produce, read_all
from tests.support.register_file import SOUND, a_file
from tests.support.restarting import OwnServers
from tests.support.running_service import RunningService

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("restarts"),
]

STAYS = 8
STORY = ("A01", "A08", "A02", "A08", "A03", "A13")


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[OwnServers]:
    made = OwnServers(tmp_path)
    try:
        made.start("kafka", "fhir", "postgres")
        yield made
    finally:
        made.stop()


@dataclass(frozen=True)
class Held:
    """One version of one resource, as the FHIR server or the topic holds it."""

    kind: str
    id: str
    status: str


def test_nothing_is_lost_or_doubled_and_each_stay_keeps_its_order(
    servers: OwnServers, tmp_path: Path
):
    service = _deployed(servers, tmp_path)
    brokers, topic = servers.addresses["KAFKA_BROKERS"], "adt.hl7v2"
    for name in (topic, "carer.notices"):
        create_topic(brokers, name, partitions=4)
    service.start()
    waves = _waves()
    try:
        before: dict[str, str] = {}
        for number, wave in enumerate(waves):
            produce(brokers, topic, [(m.visit, m.raw()) for m in wave])
            if number == 1:
                servers.kill("kafka")
                servers.start_again("kafka")
            if number == 2:
                _settle(service, STAYS * (number + 1))
                before = _held(servers, service)
                servers.kill("fhir")
                servers.start_again("fhir")  # it comes back empty
            if number == 3:
                servers.kill("postgres")
                servers.start_again("postgres")
        _settle(service, sum(map(len, waves)))
        _check_journal(service, sum(map(len, waves)))
        _check_tasks(servers, service, before)
        _check_notices(brokers, service)
    finally:
        service.end()


def _deployed(servers: OwnServers, folder: Path) -> RunningService:
    site = (ROOT / "service/demo_site.toml").read_text()
    site = site.replace('email = "desk@lancarers.example"', 'channel = "kafka"')
    (folder / "site.toml").write_text(site)
    service = RunningService(
        folder,
        servers.addresses["DATABASE_URL"],
        {
            "THINKCARER_SITE": str(folder / "site.toml"),
            "THINKCARER_KAFKA_BROKERS": servers.addresses["KAFKA_BROKERS"],
            "THINKCARER_FHIR_URL": servers.addresses["FHIR_URL"],
        },
    )
    register = folder / "register.csv"
    register.write_bytes(a_file(*(_row(number, nhs) for number, nhs in enumerate(_nhs()))))
    for command in (("migrate",), ("register", "import", str(register))):
        done = service.command(*command)
        assert done.returncode == 0, done.stderr
    return service


def _nhs() -> list[str]:
    return nhs_numbers(STAYS)


def _row(number: int, nhs: str) -> dict[str, str]:
    return SOUND | {
        "registration_id": f"LC-{number}",
        "patient_identifier": f"nhs:{nhs}",
        "carer_agrees_events": "yes",
    }


def _waves() -> list[list[Adt]]:
    """The story of every stay, a message of each a wave."""
    now = datetime.now(UTC).replace(microsecond=0)
    tomorrow = (now.astimezone(LONDON) + timedelta(days=1)).date()
    changes: list[dict[str, object]] = [
        {},
        {"planned": tomorrow},
        {"planned": tomorrow, "ward": "M4"},
        {"planned": tomorrow + timedelta(days=1), "ward": "M4"},
        {"planned": tomorrow + timedelta(days=1), "ward": "M4"},
        {"planned": tomorrow + timedelta(days=1), "ward": "M4"},
    ]
    return [
        [
            Adt(
                trigger=trigger,
                at=now - timedelta(minutes=30 - 5 * step),
                visit=f"V{number}",
                number=nhs,
                family="Smith",
                given="Mary",
                born="19410505",
                **change,  # type: ignore[arg-type]
            )
            for number, nhs in enumerate(_nhs())
        ]
        for step, (trigger, change) in enumerate(zip(STORY, changes, strict=True))
    ]


def _settle(service: RunningService, messages: int) -> None:
    """Until all of them came in, and nothing waits any more."""
    question = "select count(*) as n from journal"
    service.wait_for(lambda: int(str(_rows(service, question)[0]["n"])) >= messages, 120)
    service.settle(120)


def _check_journal(service: RunningService, messages: int) -> None:
    rows = service.rows("journal")
    assert len(rows) == messages
    assert {row["state"] for row in rows} == {"settled"}
    with connect(service.database_url, writing=False) as database, database.read() as tx:
        per_entry = tx.execute(
            text("select count(*) from stay_event group by entry having count(*) > 1")
        ).all()
    assert per_entry == []


def _check_tasks(servers: OwnServers, service: RunningService, before: dict[str, str]) -> None:
    """Every Task as it stands is on the server; what did not change since was there before."""
    held = {**before, **_held(servers, service)}
    wanted = {
        str(row["id"]): str(row["status"])
        for row in _rows(service, "select id, status, recipient_kind from alert")
        if row["recipient_kind"] != "centre"
    }
    assert wanted
    assert {i: held.get(i) for i in wanted} == wanted
    sent = _rows(
        service,
        "select alert, count(*) as versions from outbox where destination = 'fhir' "
        "and state = 'sent' group by alert",
    )
    for row in sent:
        history = httpx2.get(f"{servers.addresses['FHIR_URL']}/Task/{row['alert']}/_history")
        if history.status_code == 200:
            assert history.json()["total"] <= int(str(row["versions"]))
    unsent = "select channel, state, last_answer from outbox where state in ('waiting', 'stuck')"
    assert not _rows(service, unsent)


def _check_notices(brokers: str, service: RunningService) -> None:
    """The topic holds what was decided and not undone before it went, once each and in order."""
    decided: dict[str, list[Held]] = defaultdict(list)
    for row in _rows(
        service,
        "select o.stay, v.rendered as payload from outbox o join alert_version v "
        "on v.alert = o.alert and v.version = o.version "
        "where o.channel = 'kafka' and o.state = 'sent' order by o.id",
    ):
        body = json.loads(str(row["payload"]))
        decided[str(row["stay"])].append(Held(body["resourceType"], body["id"], body["status"]))
    told: dict[str, list[Held]] = defaultdict(list)
    for key, value in read_all(brokers, "carer.notices"):
        body = json.loads(value)
        told[key.decode()].append(Held(body["resourceType"], body["id"], body["status"]))
    assert len(decided) == STAYS
    assert told == decided


def _held(servers: OwnServers, service: RunningService) -> dict[str, str]:
    """The status of every Task that the FHIR server holds now."""
    found: dict[str, str] = {}
    for row in _rows(service, "select distinct alert from outbox where destination = 'fhir'"):
        answer = httpx2.get(f"{servers.addresses['FHIR_URL']}/Task/{row['alert']}")
        if answer.status_code == 200:
            found[str(row["alert"])] = answer.json()["status"]
    return found


def _rows(service: RunningService, question: str) -> list[dict[str, object]]:
    until = time.monotonic() + 30
    while True:
        try:
            with connect(service.database_url, writing=False) as database, database.read() as tx:
                return [dict(row) for row in tx.execute(text(question)).mappings()]
        except DatabaseError:  # it is just coming back
            if time.monotonic() > until:
                raise
            time.sleep(0.5)
