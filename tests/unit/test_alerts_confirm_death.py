"""A death that no table knows shuts the gates until a person answers."""

from dataclasses import replace
from datetime import date

import pytest

from alerts.model.alert import NoticeStatus, TaskCode, TaskStatus
from alerts.model.events import Answer
from alerts.model.register import Sharing
from alerts.model.site import NoticeEvent
from tests.support.desk import Desk, a01, a03, a08, a16, a_registration, at

FRIDAY = date(2026, 11, 20)
UNCLEAR = {"death_unclear": True}


def test_a_person_is_asked_the_gates_shut_and_the_wards_task_stays():
    desk = Desk().tell(a01(), a16(1, FRIDAY), a08(2, **UNCLEAR))
    asked = desk.task(TaskCode.CONFIRM_DEATH)
    assert (asked.status, asked.recipient.kind.value) == (TaskStatus.REQUESTED, "coordinator")
    assert desk.task(TaskCode.INVOLVE_CARER).status is TaskStatus.REQUESTED
    (planned,) = desk.notices(NoticeEvent.PLANNED)
    assert planned.status is NoticeStatus.ENTERED_IN_ERROR
    assert len(desk.notices(NoticeEvent.WITHDRAWN)) == 1


def test_alive_opens_the_gates_and_what_may_be_told_is_told_again():
    desk = Desk().tell(a01(), a16(1, FRIDAY), a08(2, **UNCLEAR))
    desk.answer(desk.task(TaskCode.CONFIRM_DEATH), Answer.ALIVE, 3)
    assert desk.task(TaskCode.CONFIRM_DEATH).status is TaskStatus.COMPLETED
    assert desk.belief()["planned_on"] == FRIDAY


def test_died_is_a_death_like_any_other():
    desk = Desk().tell(a01(), a08(2, **UNCLEAR))
    desk.answer(desk.task(TaskCode.CONFIRM_DEATH), Answer.DIED, 3)
    assert desk.task(TaskCode.CONFIRM_DEATH).status is TaskStatus.COMPLETED
    assert desk.task(TaskCode.INVOLVE_CARER).status is TaskStatus.CANCELLED
    assert desk.task(TaskCode.BEREAVEMENT_SUPPORT).status is TaskStatus.REQUESTED


def test_while_it_is_not_answered_a_discharge_tells_the_centre_nothing():
    desk = Desk().tell(a01(), a08(2, **UNCLEAR), a03(5))
    assert desk.notices(NoticeEvent.DISCHARGED) == []
    assert desk.tasks(TaskCode.CONTACT_CARER) == []


def test_nobody_with_a_registered_carer_means_no_question():
    assert Desk(register=()).tell(a01(), a08(1, **UNCLEAR)).said() == []


PASSPORT = a_registration(sharing=Sharing.TOPICS, topics=("discharge",))


@pytest.mark.parametrize(
    ("expires_on", "told"), [(date(2026, 11, 15), 0), (date(2026, 11, 16), 1), (None, 1)]
)
def test_a_passport_counts_to_its_last_day(expires_on, told):
    held = replace(PASSPORT, passport_expires_on=expires_on)
    desk = Desk(register=(held,)).tell(a01(), a16(1, FRIDAY))
    assert len(desk.notices(NoticeEvent.PLANNED)) == told


def test_the_day_after_a_passport_ends_wakes_the_stay_and_what_was_told_is_taken_back():
    held = replace(PASSPORT, passport_expires_on=date(2026, 11, 16))
    desk = Desk(register=(held,)).tell(a01(), a16(1, FRIDAY))
    assert desk.wake_at == at(15)
    desk.ask(at(15))
    assert len(desk.notices(NoticeEvent.WITHDRAWN)) == 1


def test_the_day_on_which_a_registration_ends_wakes_the_stay():
    desk = Desk(register=(a_registration(ended_on=date(2026, 11, 17)),)).tell(a01(), a16(1, FRIDAY))
    assert desk.wake_at == at(15)
    desk.ask(at(15))
    assert len(desk.notices(NoticeEvent.WITHDRAWN)) == 1
