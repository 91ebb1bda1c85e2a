"""What a person presses, and the grounds that an engineer reads."""

from datetime import date

import pytest

from alerts.model.alert import (
    TaskCode,
    TaskStatus,
)
from alerts.model.events import Answer
from alerts.model.site import Centre, NoticeEvent
from tests.support.desk import (
    ALL_EVENTS,
    WARD_4,
    Desk,
    a01,
    a02,
    a03,
    a08,
    a13,
    a16,
    a_centre,
    a_registration,
    a_site,
    at,
)

FRIDAY = date(2026, 11, 20)

ANSWERS = [
    (TaskCode.CONTACT_CARER, [Answer.SEEN], TaskStatus.RECEIVED, None),
    (TaskCode.CONTACT_CARER, [Answer.CONTACTED], TaskStatus.COMPLETED, "the carer was contacted"),
    (TaskCode.CONTACT_CARER, [Answer.DECLINED], TaskStatus.COMPLETED, "the carer said no thanks"),
    (TaskCode.CONTACT_CARER, [Answer.NO_REPLY], TaskStatus.IN_PROGRESS, None),
    (
        TaskCode.CONTACT_CARER,
        [Answer.NO_REPLY, Answer.NO_REPLY],
        TaskStatus.COMPLETED,
        "no reply after two tries",
    ),
    (
        TaskCode.CONTACT_CARER,
        [Answer.NO_REPLY, Answer.CONTACTED],
        TaskStatus.COMPLETED,
        "the carer was contacted",
    ),
    (TaskCode.REPAIR_MISSED, [Answer.SEEN], TaskStatus.RECEIVED, None),
    (TaskCode.REPAIR_MISSED, [Answer.NO_REPLY], TaskStatus.IN_PROGRESS, None),
    (TaskCode.REPAIR_MISSED, [Answer.CALLED], TaskStatus.COMPLETED, "the carer was called"),
]


@pytest.mark.parametrize(("code", "pressed", "status", "reason"), ANSWERS)
def test_what_a_person_presses_moves_the_task(code, pressed, status, reason):
    desk = Desk().tell(a01(), a03(5))
    for n, answer in enumerate(pressed):
        desk.answer(desk.task(code), answer, 6 + n)
    assert (desk.task(code).status, desk.task(code).reason) == (status, reason)


def test_a_finished_call_stays_finished_when_the_discharge_is_cancelled():
    desk = Desk().tell(a01(), a03(5))
    desk.answer(desk.task(TaskCode.CONTACT_CARER), Answer.CONTACTED, 6).tell(a13(7), a03(8))
    statuses = [t.status for t in desk.tasks(TaskCode.CONTACT_CARER)]
    assert statuses == [TaskStatus.COMPLETED, TaskStatus.REQUESTED]


def test_the_ward_that_saw_its_task_has_received_it():
    desk = Desk().tell(a01())
    desk.answer(desk.task(TaskCode.INVOLVE_CARER), Answer.SEEN, 1)
    assert desk.task(TaskCode.INVOLVE_CARER).status is TaskStatus.RECEIVED


def test_a_coordinator_closes_the_bereavement_task():
    desk = Desk().tell(a01(), a08(1, died=True))
    desk.answer(desk.task(TaskCode.BEREAVEMENT_SUPPORT), Answer.CALLED, 2)
    assert desk.task(TaskCode.BEREAVEMENT_SUPPORT).status is TaskStatus.COMPLETED


def test_a_notice_keeps_when_it_was_first_seen():
    desk = Desk().tell(a01(), a16(1, FRIDAY))
    (notice,) = desk.notices(NoticeEvent.PLANNED)
    desk.answer(notice, Answer.SEEN, 2).answer(notice, Answer.SEEN, 3)
    assert desk.notices(NoticeEvent.PLANNED)[0].seen_at == at(2)


def test_the_call_of_the_centre_follows_from_the_notice():
    desk = Desk().tell(a01(), a03(5))
    (left,) = desk.notices(NoticeEvent.DISCHARGED)
    assert desk.task(TaskCode.CONTACT_CARER).focus == left.id


def test_the_repair_goes_to_the_ward_that_the_patient_left_from():
    desk = Desk().tell(a01(), a02(1, WARD_4), a03(5, place=WARD_4))
    assert desk.task(TaskCode.REPAIR_MISSED).recipient.code == "L302H/M4"


@pytest.mark.parametrize(("hours", "urgent"), [(23.9, False), (24, True)])
def test_the_repair_is_urgent_after_a_long_stay_alone(hours, urgent):
    desk = Desk().tell(a01(), a03(hours))
    assert desk.task(TaskCode.REPAIR_MISSED).urgent is urgent


def test_two_centres_are_told_apart():
    centres = (*a_centre(*ALL_EVENTS), Centre("OTHER", "Other", events=ALL_EVENTS))
    both = (a_registration(), a_registration(centre="OTHER"))
    desk = Desk(site=a_site(centres=centres), register=both).tell(a01(), a03(5))
    codes = {n.recipient.code for n in desk.notices(NoticeEvent.DISCHARGED)}
    assert codes == {"LANCARERS", "OTHER"}


def test_the_grounds_say_why_and_name_no_patient():
    desk = Desk().tell(a01())
    grounds = desk.ask().grounds
    assert [g.question for g in grounds] == [
        "Same person as on the register?",
        "Carer agrees to hospital and events?",
        "Patient agrees to share?",
        "Does the centre want it?",
        "Any gate closed?",
        "Is the ward live?",
        "Told as soon as it is due?",
    ]
    words = " ".join(f"{g.question} {g.answer} {g.why}" for g in grounds)
    assert not any(said in words for said in ("Doig", "Hugh", "9990000018", "1941", "Ann"))
