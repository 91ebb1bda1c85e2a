"""A strict R4 server with UK Core takes every Task and Communication of the fixture day."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from service.database import connect
from service.site import load_site
from tests.support.databases import sqlite_copy
from tests.support.fhir_server import FhirServer, essence
from tests.support.fixture_day import a_line_with_the_register, play
from tests.support.services import fhir_url

pytestmark = [pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def sent(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Every parcel of the day in the order of the outbox, draft profiles claimed."""
    with connect(sqlite_copy(migrated_sqlite, tmp_path_factory.mktemp("day"))) as database:
        site = replace(load_site(None), claim_draft_profiles=True)
        line = a_line_with_the_register(database, site)
        for _ in play(line):
            pass
        with database.read() as tx:
            rows = tx.execute(
                text("select rendered from alert_version order by at, alert, version")
            ).scalars()
            return [str(row) for row in rows]


def test_the_strict_server_takes_and_keeps_the_whole_day(sent: list[str]):
    with FhirServer(fhir_url()) as server:
        for payload in sent:
            assert server.put(payload) == essence(payload)


def test_the_day_holds_every_kind_of_task_and_notice_and_claims_the_draft_profiles(
    sent: list[str],
):
    bodies = [json.loads(payload) for payload in sent]
    tasks = {b["code"]["coding"][0]["code"] for b in bodies if b["resourceType"] == "Task"}
    notices = {b["category"][0]["coding"][0]["code"] for b in bodies if b["resourceType"] != "Task"}
    assert tasks == {
        "involve-carer",
        "confirm-match",
        "contact-carer",
        "repair-missed",
        "bereavement-support",
    }
    assert notices == {"planned", "date-changed", "discharged", "cancelled", "withdrawn"}
    assert all(b["meta"]["profile"] for b in bodies)


def test_no_resource_for_a_centre_names_the_patient_or_the_ward(sent: list[str]):
    numbers = ("9990", "urn:oid", "Id/visit", "Id/ward", "nhs-number")
    for payload in sent:
        body = json.loads(payload)
        desks = json.dumps([body.get("owner"), body.get("recipient")])
        if "Id/centre" in desks:
            assert not [n for n in numbers if n in payload], payload
