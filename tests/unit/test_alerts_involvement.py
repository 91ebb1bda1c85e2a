"""Whose Task it is, where involvement stands, and what brings a Task back."""

from dataclasses import replace
from datetime import date

import pytest

from alerts.model.alert import (
    RecipientKind,
    TaskCode,
    TaskState,
    TaskStatus,
)
from alerts.model.events import FactKind, Place
from alerts.model.register import Sharing
from tests.support.desk import (
    STRANGE_WARD,
    Desk,
    a01,
    a02,
    a03,
    a13,
    a16,
    a_fact,
    a_registration,
    at,
)

FRIDAY = date(2026, 11, 20)


def test_a_transfer_moves_the_task_to_the_new_ward():
    desk = Desk().tell(a01())
    before = desk.task(TaskCode.INVOLVE_CARER)
    desk.tell(a02(1))
    after = desk.task(TaskCode.INVOLVE_CARER)
    assert (before.id, before.recipient.code) == (after.id, "L302H/M7A")
    assert after.recipient.code == "L302H/M4"
    assert after.authored_at == before.authored_at


def test_an_unknown_ward_goes_to_the_coordinator_of_its_hospital():
    desk = Desk().tell(a01(place=STRANGE_WARD))
    recipient = desk.task(TaskCode.INVOLVE_CARER).recipient
    assert (recipient.kind, recipient.code) == (RecipientKind.COORDINATOR, "L302H")


@pytest.mark.parametrize("place", [None, Place("XXXX", "M7A"), Place("", "ZZ")])
def test_a_place_that_nobody_knows_still_reaches_a_person(place):
    desk = Desk().tell(a01(place=place))
    assert desk.task(TaskCode.INVOLVE_CARER).recipient.code == "L302H"


def test_a_ward_without_its_hospital_is_found_if_only_one_has_that_code():
    desk = Desk().tell(a01(place=Place("", "M7A")))
    assert desk.task(TaskCode.INVOLVE_CARER).recipient.code == "L302H/M7A"


def test_the_probe_is_decided_like_a_live_ward_and_tells_no_centre():
    probe = Place("THINKCARER", "PROBE")
    desk = Desk().tell(a01(place=probe), a16(1, FRIDAY, place=probe), a03(5, place=probe))
    assert desk.said() == ["involve-carer failed", "repair-missed requested"]
    assert desk.task(TaskCode.INVOLVE_CARER).recipient.code == "THINKCARER/PROBE"


STATES = [
    ([], TaskState.NOT_INFORMED, TaskStatus.REQUESTED),
    ([FactKind.LIKELY], TaskState.NOT_INFORMED, TaskStatus.IN_PROGRESS),
    ([FactKind.INFORMED], TaskState.INFORMED, TaskStatus.IN_PROGRESS),
    ([FactKind.INFORMED, FactKind.INVITED], TaskState.VIEWS_INVITED, TaskStatus.IN_PROGRESS),
    ([FactKind.VIEWS], TaskState.VIEWS_RECORDED, TaskStatus.IN_PROGRESS),
    ([FactKind.ACCOUNT_TAKEN, FactKind.ABLE], TaskState.ACCOUNT_TAKEN, TaskStatus.IN_PROGRESS),
]


@pytest.mark.parametrize(("recorded", "state", "status"), STATES)
def test_the_state_is_the_furthest_proof(recorded, state, status):
    desk = Desk().tell(a01(), *(a_fact(f, 1 + n) for n, f in enumerate(recorded)))
    task = desk.task(TaskCode.INVOLVE_CARER)
    assert (task.state, task.status) == (state, status)


def test_a_proof_taken_back_is_not_recorded():
    informed = a_fact(FactKind.INFORMED, 1)
    desk = Desk().tell(a01(), informed, replace(informed, at=at(2), undone=True))
    task = desk.task(TaskCode.INVOLVE_CARER)
    assert (task.state, task.status) == (TaskState.NOT_INFORMED, TaskStatus.REQUESTED)


def test_refused_sharing_is_shown_whatever_is_recorded():
    desk = Desk(register=(a_registration(sharing=Sharing.REFUSED),))
    desk.tell(a01(), a_fact(FactKind.INVITED, 1))
    assert desk.task(TaskCode.INVOLVE_CARER).state is TaskState.SHARE_NOTHING
    desk.tell(a_fact(FactKind.VIEWS, 2), a_fact(FactKind.ACCOUNT_TAKEN, 3), a03(5))
    task = desk.task(TaskCode.INVOLVE_CARER)
    assert (task.status, task.state) == (TaskStatus.COMPLETED, TaskState.SHARE_NOTHING)


def test_refused_sharing_still_needs_the_other_proofs():
    desk = Desk(register=(a_registration(sharing=Sharing.REFUSED),))
    desk.tell(a01(), a_fact(FactKind.INVITED, 1), a03(5))
    task = desk.task(TaskCode.INVOLVE_CARER)
    assert (task.status, task.state) == (TaskStatus.FAILED, TaskState.SHARE_NOTHING)


def test_the_discharge_cancelled_brings_back_the_same_task_as_it_was():
    desk = Desk().tell(a01(), a_fact(FactKind.INFORMED, 1), a03(5))
    failed = desk.task(TaskCode.INVOLVE_CARER)
    assert (failed.status, failed.state) == (TaskStatus.FAILED, TaskState.MISSED)
    desk.tell(a13(6))
    task = desk.task(TaskCode.INVOLVE_CARER)
    assert (task.id, task.status, task.state, task.reason) == (
        failed.id,
        TaskStatus.IN_PROGRESS,
        TaskState.INFORMED,
        None,
    )
