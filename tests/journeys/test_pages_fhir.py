"""The façade as a client system reads it: what was sent, within its scope, strictly searched."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from urllib.parse import quote

import pytest
from sqlalchemy import text

from alerts.model.identity import Identifier, IdentifierKind
from service.database import Database
from tests.support.adt import Adt
from tests.support.pages import Website, a_website
from tests.support.people import JEAN, a_registration

NHS = "https://fhir.nhs.uk/Id/nhs-number"
ID = "https://thinkcarer.example/Id"
ADMITTED = Adt(planned=date(2026, 11, 24))
KINDS = ("Task", "Communication", "Patient", "Encounter", "RelatedPerson")
ROLES = {
    "ward": ("L302H/M7A",),
    "other": ("L302H/M4",),
    "coordinator": ("L302H",),
    "centre": ("LANCARERS",),
    "young": ("YOUNGNL",),
    "auditor": (),
    "engineer": (),
    "feed": (),
}
OTHERS = ("9990000026", "9990000034", "9990000042", "9990000050", "9990000069")
_KIND = {"other": "ward", "young": "centre"}


@pytest.fixture
def website(database: Database) -> Iterator[Website]:
    with a_website(database) as made:
        made.line.registered(JEAN)
        made.line.take(ADMITTED)
        for role, scope in ROLES.items():
            made.token(_KIND.get(role, role), *scope)
        yield made


def token(role: str) -> str:
    return f"{_KIND.get(role, role)} {' '.join(ROLES[role])}".strip()


def found(website: Website, role: str, path: str) -> list[dict[str, object]]:
    answer = website.read(f"/fhir/{path}", token(role))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/fhir+json"
    bundle = answer.json()
    entries = [entry["resource"] for entry in bundle.get("entry", [])]
    assert bundle["total"] >= len(entries)
    return entries


def the_one(website: Website, role: str, kind: str) -> str:
    (resource,) = found(website, role, kind)
    return f"{kind}/{resource['id']}"


# fmt: off
SEES = {
    # role         Task  Communication  Patient  Encounter  RelatedPerson
    "ward":        (1,   0,             1,       1,         1),
    "other":       (0,   0,             0,       0,         0),
    "coordinator": (1,   0,             1,       1,         1),
    "centre":      (0,   1,             0,       0,         1),
    "young":       (0,   0,             0,       0,         0),
    "auditor":     (1,   1,             1,       1,         1),
    "engineer":    (0,   0,             0,       0,         0),
    "feed":        (0,   0,             0,       0,         0),
}
# fmt: on


@pytest.mark.parametrize("role", SEES)
def test_each_role_finds_its_own_and_nothing_else(website: Website, role: str):
    assert tuple(len(found(website, role, kind)) for kind in KINDS) == SEES[role]


@pytest.mark.parametrize("role", SEES)
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_the_readers_answers_exactly_as_what_does_not_exist(
    website: Website, role: str, kind: str
):
    path = the_one(website, "auditor", kind)
    answer = website.read(f"/fhir/{path}", token(role))
    if SEES[role][KINDS.index(kind)]:
        assert answer.status_code == 200
        assert answer.headers["etag"].startswith('W/"')
        return
    missing = website.read(f"/fhir/{kind}/00000000-0000-0000-0000-000000000000", token(role))
    assert (answer.status_code, answer.content) == (404, missing.content)
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_without_a_good_token_there_is_nothing_but_what_the_facade_can_do(website: Website):
    client = website.visitor().client
    assert client.get("/fhir/metadata").json()["fhirVersion"] == "4.0.1"
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eDp5"}):
        answer = client.get("/fhir/Task", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.json()["issue"][0]["code"] == "login"


def test_an_expired_token_is_no_token(website: Website):
    website.line.clock.at += timedelta(days=1, seconds=1)
    assert website.read("/fhir/Task", token("ward")).status_code == 401


def test_the_statement_offers_what_is_there(website: Website):
    statement = website.visitor().client.get("/fhir/metadata").json()
    offered = {r["type"]: r for r in statement["rest"][0]["resource"]}
    assert tuple(offered) == KINDS
    assert {i["code"] for i in offered["Task"]["interaction"]} == {"read", "search-type"}


def test_a_task_is_what_was_sent_with_its_version(website: Website):
    path = the_one(website, "ward", "Task")
    read = website.read(f"/fhir/{path}", token("ward")).json()
    with website.line.database.read() as tx:
        sent = json.loads(
            tx.execute(
                text(
                    "select v.rendered from alert_version v join alert a "
                    "on v.alert = a.id and v.version = a.version where a.kind = 'Task'"
                )
            ).scalar_one()
        )
    for body in (read, sent):
        body.pop("meta", None)
        body.pop("text", None)
    assert read == sent


SEARCHES = [
    # search, how many the ward finds
    ("status=requested", 1),
    ("status=failed,requested", 1),
    ("status=failed", 0),
    ("code=involve-carer", 1),
    ("code=https://thinkcarer.example/CodeSystem/carer-task|involve-carer", 1),
    ("code=http://snomed.info/sct|involve-carer", 0),
    (f"owner:identifier={ID}/ward|L302H/M7A", 1),
    (f"owner:identifier={ID}/centre|L302H/M7A", 0),
    (f"patient:identifier={NHS}|9990000018", 1),
    (f"patient:identifier={NHS}|9990000026", 0),
    (f"patient:identifier={ID}/registration|R-1", 0),
    (f"encounter:identifier={ID}/visit|V1001", 1),
    (f"encounter:identifier={ID}/visit|V%", 0),
    ("focus=Communication/x", 0),
    ("authored-on=2026-11-23", 1),
    ("authored-on=ge2026-11-23&authored-on=lt2026-11-24", 1),
    ("authored-on=gt2026-11-23", 0),
    ("authored-on=2026-11-23T09:01:00Z", 1),
    ("_lastUpdated=le2026-11-22", 0),
    ("status=requested&code=contact-carer", 0),
]


@pytest.mark.parametrize(("search", "count"), SEARCHES)
def test_a_search_finds_what_the_resource_itself_says(website: Website, search: str, count: int):
    assert len(found(website, "ward", f"Task?{quote(search, safe='=&,:')}")) == count


def test_a_centre_finds_by_its_registration_and_never_by_a_number(website: Website):
    by_id = f"Communication?subject:identifier={quote(f'{ID}/registration|R-1')}"
    by_number = f"Communication?subject:identifier={quote(f'{NHS}|9990000018')}"
    assert len(found(website, "centre", by_id)) == 1
    assert found(website, "centre", by_number) == []
    assert "9990000018" not in json.dumps(found(website, "centre", "Communication"))


def test_a_ward_sent_without_its_hospital_is_the_ward_here_as_on_the_page(website: Website):
    visit = ADMITTED.but(hospital="", number=OTHERS[0], visit="V2")
    website.line.take(visit)
    for role, count in (("ward", 2), ("coordinator", 2), ("other", 0)):
        assert len(found(website, role, "Patient")) == count, role
        assert len(found(website, role, "Encounter")) == count, role


def test_people_are_found_by_identifier(website: Website):
    number, visit = quote(f"{NHS}|9990000018"), quote(f"{ID}/visit|V1001")
    assert len(found(website, "ward", f"Patient?identifier={number}")) == 1
    assert len(found(website, "ward", f"Encounter?identifier={visit}")) == 1
    wanted = quote(f"{ID}/registration|R-1")
    assert len(found(website, "centre", f"RelatedPerson?identifier={wanted}")) == 1
    assert found(website, "ward", f"Patient?identifier={quote(f'{NHS}|9990000026')}") == []


@pytest.mark.parametrize(
    "search",
    [
        "colour=red",
        "patient=Patient/1",
        "patient:identifier=9990000018",
        "_count=0",
        "_count=many",
        "authored-on=yesterday",
        "authored-on=ap2026-11-23",
        "status=",
        "_format=xml",
        "_after=nowhere",
    ],
)
def test_a_search_that_is_not_offered_is_refused_in_words(website: Website, search: str):
    answer = website.read(f"/fhir/Task?{search}", token("ward"))
    assert answer.status_code == 400
    outcome = answer.json()
    assert outcome["resourceType"] == "OperationOutcome"
    assert outcome["issue"][0]["diagnostics"].endswith(".")


@pytest.mark.parametrize("kind", ["Task", "Patient", "RelatedPerson"])
def test_pages_follow_one_another_without_gap_or_repeat(website: Website, kind: str):
    for n, number in enumerate(OTHERS):
        person = replace(JEAN.patient, identifier=Identifier(IdentifierKind.NHS, number))
        website.line.registered(a_registration(registration_id=f"R-{n + 2}", patient=person))
        website.line.take(Adt(visit=f"W{n}", number=number, at=ADMITTED.at + timedelta(hours=n)))
    path: str | None = f"/fhir/{kind}?_count=2"
    ids: list[str] = []
    while path:
        bundle = website.read(path, token("ward")).json()
        assert bundle["total"] == 6
        ids += [entry["resource"]["id"] for entry in bundle["entry"]]
        links = {link["relation"]: link["url"] for link in bundle["link"]}
        path = links["next"].removeprefix("http://testserver") if "next" in links else None
    assert len(ids) == len(set(ids)) == 6


def test_nobody_writes_here(website: Website):
    client, path = website.visitor().client, the_one(website, "ward", "Task")
    headers = {"Authorization": f"Bearer {token('ward')}"}
    answer = client.put(f"/fhir/{path}", headers=headers, json={})
    assert answer.status_code == 405
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_whatever_an_auditor_reads_is_kept_without_a_number(website: Website):
    website.read(f"/fhir/Task?patient:identifier={quote(f'{NHS}|9990000018')}", token("auditor"))
    path = the_one(website, "auditor", "Task")
    website.read(f"/fhir/{path}", token("auditor"))
    assert website.audited()[0] == ("read", path)
    assert ("read", "Task?") in website.audited()


def test_a_restricted_patients_carer_is_named_to_no_ward(website: Website):
    path = the_one(website, "ward", "RelatedPerson")
    website.line.take(ADMITTED.later("A08", 1, hiding="1"))
    assert found(website, "ward", "RelatedPerson") == []
    assert website.read(f"/fhir/{path}", token("ward")).status_code == 404
