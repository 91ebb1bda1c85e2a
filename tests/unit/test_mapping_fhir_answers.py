"""The façade's pages, refusals and its account of itself."""

import json
from datetime import UTC, datetime

import pytest

from mapping.fhir.answers import (
    Facade,
    Offer,
    Page,
    Version,
    capability,
    outcome,
    searchset,
    stamped,
)
from mapping.fhir.communication import render as render_notice
from mapping.fhir.systems import Claims
from mapping.fhir.task import render as render_task
from tests.support.disclosed import a_centre_task, a_notice, a_ward_task

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
BASE = "https://desk.example/fhir"


def test_a_page_keeps_the_order_it_is_given_and_names_the_next() -> None:
    tasks = (render_task(a_ward_task(), Claims()), render_task(a_centre_task(), Claims()))
    page = json.loads(searchset(Page(BASE, f"{BASE}/Task", f"{BASE}/Task?after=2", 7, tasks)))
    assert page["type"] == "searchset"
    assert page["total"] == 7
    assert page["link"] == [
        {"relation": "self", "url": f"{BASE}/Task"},
        {"relation": "next", "url": f"{BASE}/Task?after=2"},
    ]
    assert [entry["resource"] for entry in page["entry"]] == [json.loads(task) for task in tasks]
    assert page["entry"][0]["fullUrl"] == f"{BASE}/Task/{a_ward_task().id}"
    assert page["entry"][0]["search"] == {"mode": "match"}


def test_the_last_page_has_no_next_and_an_empty_one_no_entries() -> None:
    page = json.loads(searchset(Page(BASE, f"{BASE}/Task", None, 0, ())))
    assert page == {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": 0,
        "link": [{"relation": "self", "url": f"{BASE}/Task"}],
    }


def test_a_version_is_stamped_without_touching_the_rest() -> None:
    sent = render_notice(a_notice(), Claims(draft=True))
    shown = json.loads(stamped(Version(sent, 3, NOW)))
    assert shown.pop("meta") == {
        "profile": ["https://fhir.hl7.org.uk/StructureDefinition/UKCore-Communication"],
        "versionId": "3",
        "lastUpdated": "2026-11-23T09:30:00Z",
    }
    assert shown == {name: part for name, part in json.loads(sent).items() if name != "meta"}


def test_a_version_without_profiles_is_stamped_too() -> None:
    shown = json.loads(stamped(Version(render_notice(a_notice(), Claims()), 1, NOW)))
    assert shown["meta"] == {"versionId": "1", "lastUpdated": "2026-11-23T09:30:00Z"}


def test_a_refusal_says_why() -> None:
    body = json.loads(outcome("not-found", "There is no such Task, or it is not yours."))
    assert body["resourceType"] == "OperationOutcome"
    assert body["issue"] == [
        {
            "severity": "error",
            "code": "not-found",
            "diagnostics": "There is no such Task, or it is not yours.",
        }
    ]


def the_resources(*offers: Offer, draft: bool = False) -> list[dict]:
    body = json.loads(capability(Facade(BASE, "0.1.0", NOW, offers), Claims(draft=draft)))
    return body["rest"][0]["resource"]


def test_the_account_names_only_what_is_offered() -> None:
    offers = (
        Offer("Task", ("_id", "owner:identifier", "authored-on", "_count"), writes=True),
        Offer("Patient", ()),
    )
    task, patient = the_resources(*offers)
    assert task["type"] == "Task"
    assert [i["code"] for i in task["interaction"]] == ["read", "search-type", "update"]
    assert task["versioning"] == "versioned-update"
    assert [(p["name"], p["type"]) for p in task["searchParam"]] == [
        ("_id", "token"),
        ("owner", "reference"),
        ("authored-on", "date"),
    ]
    assert task["searchParam"][1]["documentation"] == "Only as owner:identifier=system|value."
    assert [i["code"] for i in patient["interaction"]] == ["read", "search-type"]
    assert "searchParam" not in patient


@pytest.mark.parametrize(("draft", "claimed"), [(True, True), (False, False)])
def test_the_account_claims_the_profiles_that_are_claimed(draft: bool, claimed: bool) -> None:
    task, patient = the_resources(Offer("Task", ()), Offer("Patient", ()), draft=draft)
    assert ("supportedProfile" in task) is claimed
    assert patient["supportedProfile"] == [
        "https://fhir.hl7.org.uk/StructureDefinition/UKCore-Patient"
    ]


def test_the_account_says_what_it_is() -> None:
    body = json.loads(capability(Facade(BASE, "0.1.0", NOW, (Offer("Task", ()),)), Claims()))
    assert body["fhirVersion"] == "4.0.1"
    assert body["kind"] == "instance"
    assert body["date"] == "2026-11-23T09:30:00Z"
    assert body["software"] == {"name": "ThinkCarer", "version": "0.1.0"}
    assert body["implementation"]["url"] == BASE
