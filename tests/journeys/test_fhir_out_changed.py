"""Somebody at the hospital changed a Task while ours was on its way: nothing recorded is lost."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from alerts.channels.fhir_rest import Absent, FhirServer, Found
from alerts.delivery import Accepted, Changed, Parcel, Refused
from alerts.merging import InConflict, Merged, merge
from alerts.model.alert import NoticeStatus, TaskStatus
from tests.support.disclosed import COORDINATOR
from tests.support.fault_proxy import LOST, FaultProxy
from tests.support.fhir_server import FhirServer as Hospital
from tests.support.parcels import a_notice_parcel, a_task_parcel, an_id, now
from tests.support.services import fhir_url

CALLED = {"type": {"text": "call"}, "valueString": "Rang the carer at noon"}


@pytest.fixture(scope="module")
def hospital() -> Iterator[Hospital]:
    with Hospital(fhir_url()) as opened:
        yield opened


@pytest.fixture
def server() -> Iterator[FhirServer]:
    server = FhirServer(fhir_url(), None, now)
    yield server
    server.close()


def changed_there(hospital: Hospital, parcel: Parcel, **changes: object) -> None:
    """What another client of that server made of it."""
    held = {**json.loads(parcel.payload), **changes}
    hospital.put(json.dumps(held))


def held(hospital: Hospital, parcel: Parcel) -> dict[str, object]:
    return hospital.history(parcel.kind, parcel.alert)[0]


def test_a_task_completed_there_is_not_cancelled(server, hospital):
    first = a_task_parcel()
    taken = server.send(first)
    changed_there(hospital, first, status="completed", output=[CALLED])
    cancelled = a_task_parcel(first.alert, etag=taken.etag, status=TaskStatus.CANCELLED)
    receipt = server.send(cancelled)
    assert isinstance(receipt, Changed)
    assert merge(cancelled.payload, receipt.theirs, (first.payload,)) == InConflict(
        "it was marked as completed there, and ours says cancelled"
    )
    now_there = held(hospital, first)
    assert now_there["status"] == "completed"
    assert now_there["output"] == [CALLED]
    assert now_there["meta"]["versionId"] == "2"


@pytest.mark.parametrize("is_lost", [False, True])
def test_a_task_begun_there_gets_its_new_owner_and_stays_begun(hospital, is_lost):
    first = a_task_parcel()
    with FaultProxy(fhir_url()) as proxy:
        server = FhirServer(proxy.url, None, now)
        taken = server.send(first)
        note = [{"text": "Carer works nights"}]
        changed_there(hospital, first, status="in-progress", output=[CALLED], note=note)
        moved = a_task_parcel(first.alert, etag=taken.etag, owner=COORDINATOR, place=None)
        receipt = server.send(moved)
        assert isinstance(receipt, Changed)
        merged = merge(moved.payload, receipt.theirs, (first.payload,))
        assert isinstance(merged, Merged)
        proxy.script(*[LOST] * is_lost)
        again = replace(moved, payload=merged.payload, etag=receipt.etag)
        assert isinstance(server.send(again), Accepted)
        server.close()
    now_there = held(hospital, first)
    assert now_there["owner"]["identifier"]["value"] == COORDINATOR.recipient.code
    assert now_there["status"] == "in-progress"
    assert (now_there["output"], now_there["note"]) == ([CALLED], note)
    assert now_there["meta"]["versionId"] == "3"


def test_what_was_put_together_and_not_noted_is_there_already(server, hospital):
    first = a_task_parcel()
    taken = server.send(first)
    changed_there(hospital, first, status="in-progress")
    urgent = a_task_parcel(first.alert, etag=taken.etag, urgent=True)
    receipt = server.send(urgent)
    merged = merge(urgent.payload, receipt.theirs)
    server.send(replace(urgent, payload=merged.payload, etag=receipt.etag))
    again = merge(urgent.payload, server.send(urgent).theirs)
    assert isinstance(again, Merged)
    assert again.is_there


def test_a_correction_of_a_notice_that_was_marked_received_arrives(server, hospital):
    first = a_notice_parcel()
    taken = server.send(first)
    changed_there(hospital, first, received="2026-11-22T16:00:00Z")
    wrong = a_notice_parcel(first.alert, etag=taken.etag, status=NoticeStatus.ENTERED_IN_ERROR)
    receipt = server.send(wrong)
    merged = merge(wrong.payload, receipt.theirs)
    assert isinstance(merged, Merged)
    server.send(replace(wrong, payload=merged.payload, etag=receipt.etag))
    now_there = held(hospital, first)
    assert now_there["status"] == "entered-in-error"
    assert now_there["received"] == "2026-11-22T16:00:00Z"


def test_a_task_that_somebody_deleted_there_is_left_to_a_person(server, hospital):
    first = a_task_parcel()
    taken = server.send(first)
    hospital.delete("Task", first.alert)
    receipt = server.send(a_task_parcel(first.alert, etag=taken.etag, urgent=True))
    assert isinstance(receipt, Refused)
    assert server.read("Task", first.alert) == Absent(is_deleted=True)


def test_what_stands_there_can_be_read(server):
    parcel = a_task_parcel()
    server.send(parcel)
    found = server.read("Task", parcel.alert)
    assert isinstance(found, Found)
    assert found.etag == 'W/"1"'
    assert server.read("Task", an_id()) == Absent(is_deleted=False)


def test_what_was_changed_and_changed_back_is_nobodys_change(server, hospital):
    first = a_task_parcel()
    taken = server.send(first)
    changed_there(hospital, first, note=[{"text": "A slip"}])
    changed_there(hospital, first)
    urgent = a_task_parcel(first.alert, etag=taken.etag, urgent=True)
    receipt = server.send(urgent)
    assert isinstance(receipt, Changed)
    assert receipt.etag == 'W/"3"'
    assert merge(urgent.payload, receipt.theirs, (first.payload,)) == Merged(urgent.payload)
