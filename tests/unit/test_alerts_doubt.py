"""When it is not certain who the patient is: one question, and nothing else."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from alerts.model.alert import (
    MatchDecision,
    RecipientKind,
    TaskCode,
    TaskStatus,
)
from alerts.model.events import Answer
from tests.support.desk import (
    NUMBER,
    PATIENT,
    SILENT_WARD,
    Desk,
    a01,
    a02,
    a03,
    a08,
    a11,
    a16,
    at,
)

FRIDAY = date(2026, 11, 20)

UNSURE = replace(PATIENT, birth_date=date(1941, 6, 5))


def decided(desk: Desk, is_same: bool) -> MatchDecision:
    (match,) = desk.situation().matches
    return MatchDecision(
        "LANCARERS/R1", match.fingerprint, is_same, "coordinator", desk.now, desk.stay.id
    )


def test_a_doubtful_match_asks_the_coordinator_and_nobody_else():
    desk = Desk().tell(a01(patient=UNSURE), a16(1, FRIDAY, patient=UNSURE))
    task = desk.task(TaskCode.CONFIRM_MATCH)
    assert desk.said() == ["confirm-match requested"]
    assert (task.recipient.kind, task.recipient.code) == (RecipientKind.COORDINATOR, "L302H")


def test_the_same_person_goes_on_as_certain():
    desk = Desk().tell(a01(patient=UNSURE))
    desk.decisions = (decided(desk, True),)
    desk.ask(at(1))
    assert desk.task(TaskCode.CONFIRM_MATCH).status is TaskStatus.COMPLETED
    assert desk.task(TaskCode.CONFIRM_MATCH).reason == "same person"
    assert desk.task(TaskCode.INVOLVE_CARER).status is TaskStatus.REQUESTED


def test_another_person_ends_it():
    desk = Desk().tell(a01(patient=UNSURE))
    desk.decisions = (decided(desk, False),)
    desk.ask(at(1))
    assert desk.said() == ["confirm-match completed"]
    assert desk.task(TaskCode.CONFIRM_MATCH).reason == "not the same person"


def test_a_doubt_that_goes_away_by_itself_is_called_off():
    desk = Desk().tell(a01(patient=UNSURE), a08(1))
    assert desk.said() == ["confirm-match cancelled", "involve-carer requested"]


def test_not_sure_keeps_the_question_open():
    desk = Desk().tell(a01(patient=UNSURE))
    desk.answer(desk.task(TaskCode.CONFIRM_MATCH), Answer.NOT_SURE, 1)
    assert desk.task(TaskCode.CONFIRM_MATCH).status is TaskStatus.IN_PROGRESS


DOUBT_ENDS = [
    (a11(2, patient=UNSURE), "the admission was cancelled"),
    (a08(2, patient=UNSURE, died=True), "the patient died"),
    (a02(2, SILENT_WARD, patient=UNSURE), "the ward is not live"),
]


@pytest.mark.parametrize(("event", "reason"), DOUBT_ENDS)
def test_a_doubt_without_use_is_called_off(event, reason):
    desk = Desk().tell(a01(patient=UNSURE), event)
    task = desk.task(TaskCode.CONFIRM_MATCH)
    assert (task.status, task.reason) == (TaskStatus.CANCELLED, reason)


def test_a_doubt_lasts_as_long_as_a_discharge_is_told_and_is_woken_for_its_end():
    desk = Desk().tell(a01(patient=UNSURE), a03(5, patient=UNSURE))
    desk.ask(at(5 + 72))
    assert desk.task(TaskCode.CONFIRM_MATCH).status is TaskStatus.REQUESTED
    assert desk.wake_at == at(5 + 72) + timedelta(seconds=1)
    desk.ask(desk.wake_at)
    assert desk.task(TaskCode.CONFIRM_MATCH).status is TaskStatus.CANCELLED


def test_a_certain_match_that_becomes_doubtful_takes_everything_back_until_a_person_decides():
    desk = Desk().tell(a01(), a16(1, FRIDAY), a08(2, patient=UNSURE))
    assert desk.said() == [
        "confirm-match requested",
        "involve-carer cancelled",
        "notice planned entered-in-error",
        "notice withdrawn completed",
    ]
    desk.decisions = (decided(desk, True),)
    desk.ask(at(3))
    assert desk.belief()["planned_on"] == FRIDAY
    assert desk.task(TaskCode.INVOLVE_CARER).status is TaskStatus.REQUESTED


def test_a_number_marked_as_unverified_is_a_doubt():
    unverified = replace(PATIENT, identifiers=(replace(NUMBER, verified=False),))
    assert Desk().tell(a01(patient=unverified)).said() == ["confirm-match requested"]
