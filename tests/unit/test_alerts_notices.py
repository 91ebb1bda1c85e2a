"""What a centre is told, told anew and what is taken back, and when news is too old."""

from dataclasses import replace
from datetime import date

import pytest

from alerts.model.alert import (
    NoticeStatus,
    RecipientKind,
    TaskCode,
    TaskStatus,
)
from alerts.model.events import Hiding, PlannedDate
from alerts.model.identity import Identifier, IdentifierKind
from alerts.model.register import Sharing
from alerts.model.site import NoticeEvent
from tests.support.desk import (
    PATIENT,
    Desk,
    a01,
    a03,
    a08,
    a11,
    a13,
    a16,
    a25,
    a_registration,
    at,
)

FRIDAY = date(2026, 11, 20)
SATURDAY = date(2026, 11, 21)


def test_the_discharge_cancelled_corrects_the_discharge_alone_and_the_plan_stands():
    desk = Desk().tell(a01(), a16(1, FRIDAY), a03(5), a13(6))
    (left,) = desk.notices(NoticeEvent.DISCHARGED)
    (correction,) = desk.notices(NoticeEvent.CANCELLED)
    assert correction.in_response_to == (left.id,)
    assert desk.belief() == {"has_left": False, "planned_on": FRIDAY}


def test_the_admission_cancelled_answers_all_that_stands_in_one():
    desk = Desk().tell(a01(), a16(1, FRIDAY), a16(2, SATURDAY), a03(5), a11(6))
    (correction,) = desk.notices(NoticeEvent.CANCELLED)
    assert len(correction.in_response_to) == 3


def test_a_plan_made_anew_after_its_end_is_told_anew():
    desk = Desk().tell(a01(), a16(1, FRIDAY), a25(2), a16(3, FRIDAY), a25(4))
    assert len(desk.notices(NoticeEvent.PLANNED)) == 2
    assert len(desk.notices(NoticeEvent.CANCELLED)) == 2


def test_a_date_that_moves_there_and_back_is_told_each_time():
    desk = Desk().tell(a01(), a16(1, FRIDAY), a16(2, SATURDAY), a16(3, FRIDAY), a16(4, SATURDAY))
    assert len(desk.notices(NoticeEvent.DATE_CHANGED)) == 3
    assert desk.belief()["planned_on"] == SATURDAY


def test_the_planned_date_of_a_discharge_message_is_no_move():
    desk = Desk().tell(a01(), a16(1, FRIDAY), a03(5, planned=PlannedDate(SATURDAY)))
    assert desk.notices(NoticeEvent.DATE_CHANGED) == []


def test_a_cancelled_plan_stays_cancelled_even_if_its_message_repeats_the_date():
    desk = Desk().tell(a01(), a16(1, FRIDAY), a25(2, planned=PlannedDate(FRIDAY)))
    assert len(desk.notices(NoticeEvent.CANCELLED)) == 1


@pytest.mark.parametrize(("on", "told"), [(date(2026, 11, 16), 1), (date(2026, 11, 15), 0)])
def test_a_planned_date_that_has_passed_tells_nobody(on, told):
    desk = Desk().tell(a01(admitted_at=at(-72)), a16(1, on))
    assert len(desk.notices(NoticeEvent.PLANNED)) == told


def test_a_restriction_withdraws_all_notices_in_one_and_leaves_none_of_them_standing():
    desk = Desk().tell(a01(), a16(1, FRIDAY), a16(2, SATURDAY), a08(3, hiding=Hiding.LOCAL))
    withdrawn = desk.notices(NoticeEvent.WITHDRAWN)
    assert [len(n.in_response_to) for n in withdrawn] == [2]
    told = (*desk.notices(NoticeEvent.PLANNED), *desk.notices(NoticeEvent.DATE_CHANGED))
    assert {n.status for n in told} == {NoticeStatus.ENTERED_IN_ERROR}
    assert desk.belief()["planned_on"] is None
    assert desk.task(TaskCode.INVOLVE_CARER).status is TaskStatus.REQUESTED


def test_a_restriction_after_leaving_calls_off_the_centre_and_the_call():
    desk = Desk().tell(a01(), a03(5), a08(6, sensitive=True))
    assert desk.task(TaskCode.CONTACT_CARER).status is TaskStatus.CANCELLED
    assert desk.task(TaskCode.REPAIR_MISSED).status is TaskStatus.CANCELLED
    assert desk.belief()["has_left"] is False


def test_a_restriction_lifted_lets_the_news_go_out_anew():
    desk = Desk().tell(
        a01(), a16(1, FRIDAY), a08(2, hiding=Hiding.LOCAL), a08(3, hiding=Hiding.NONE)
    )
    assert len(desk.notices(NoticeEvent.PLANNED)) == 2
    assert desk.belief()["planned_on"] == FRIDAY


def test_a_wrong_person_makes_the_notice_an_error_and_calls_off_every_task():
    other = replace(PATIENT, identifiers=(Identifier(IdentifierKind.NHS, "9990000026"),))
    stranger = replace(other, family="Brown", given="Tom", birth_date=date(1950, 1, 1))
    desk = Desk().tell(a01(), a16(1, FRIDAY), a03(5), a08(6, patient=stranger))
    assert [n.status for n in desk.notices(NoticeEvent.PLANNED)] == [NoticeStatus.ENTERED_IN_ERROR]
    (withdrawal,) = desk.notices(NoticeEvent.WITHDRAWN)
    assert len(withdrawal.in_response_to) == 2
    assert desk.open_tasks() == set()
    assert desk.task(TaskCode.INVOLVE_CARER).status is TaskStatus.CANCELLED


def test_a_wrong_person_is_withdrawn_also_where_that_person_died():
    other = replace(PATIENT, identifiers=(Identifier(IdentifierKind.NHS, "9990000026"),))
    stranger = replace(other, family="Brown", given="Tom", birth_date=date(1950, 1, 1))
    desk = Desk().tell(a01(), a16(1, FRIDAY), a08(2, patient=stranger, died=True))
    assert [n.status for n in desk.notices(NoticeEvent.PLANNED)] == [NoticeStatus.ENTERED_IN_ERROR]
    assert len(desk.notices(NoticeEvent.WITHDRAWN)) == 1


def test_a_death_keeps_here_what_was_not_sent():
    desk = Desk().tell(a01(), a16(1, FRIDAY))
    desk.unsent = frozenset(n.id for n in desk.notices(NoticeEvent.PLANNED))
    desk.tell(a08(2, died=True))
    assert [n.status for n in desk.notices(NoticeEvent.PLANNED)] == [NoticeStatus.NOT_DONE]


def test_what_was_not_sent_needs_no_correction():
    desk = Desk().tell(a01(), a16(1, FRIDAY))
    desk.unsent = frozenset(n.id for n in desk.notices(NoticeEvent.PLANNED))
    desk.tell(a25(2))
    assert desk.notices(NoticeEvent.CANCELLED) == []
    assert [n.status for n in desk.notices(NoticeEvent.PLANNED)] == [NoticeStatus.NOT_DONE]
    desk.unsent = frozenset()
    desk.tell(a16(3, FRIDAY))
    assert desk.belief()["planned_on"] == FRIDAY


def test_at_most_one_bereavement_task_whatever_the_number_of_carers():
    two = (a_registration(), a_registration(registration_id="R2"))
    desk = Desk(register=two).tell(a01(), a08(1, died=True))
    assert len(desk.tasks(TaskCode.INVOLVE_CARER)) == 2
    task = desk.task(TaskCode.BEREAVEMENT_SUPPORT)
    assert (task.registration, task.recipient.kind) == (None, RecipientKind.COORDINATOR)


def test_nobody_on_the_register_means_no_bereavement_task():
    assert Desk(register=()).tell(a01(), a08(1, died=True)).said() == []


ENDED_AGREEMENTS = (
    ("the registration ended", {"ended_on": date(2026, 11, 16)}),
    ("no news of events", {"agrees_events": False}),
    ("the hospital is not to know", {"agrees_hospital": False}),
    ("the patient refuses", {"sharing": Sharing.REFUSED}),
    ("the patient was not asked", {"sharing": Sharing.UNKNOWN}),
    ("only other topics", {"sharing": Sharing.TOPICS, "topics": ("medication",)}),
)


@pytest.mark.parametrize(
    "changes", [each[1] for each in ENDED_AGREEMENTS], ids=[each[0] for each in ENDED_AGREEMENTS]
)
def test_an_agreement_that_ends_withdraws_what_the_centre_holds_also_after_the_discharge(changes):
    desk = Desk().tell(a01(), a16(1, FRIDAY), a03(5))
    desk.register = (a_registration(**changes),)
    desk.ask(at(6))
    assert desk.task(TaskCode.CONTACT_CARER).status is TaskStatus.CANCELLED
    (withdrawal,) = desk.notices(NoticeEvent.WITHDRAWN)
    assert len(withdrawal.in_response_to) == 2
    assert desk.belief() == {"has_left": False, "planned_on": None}
    desk.ask(at(7))
    assert len(desk.notices(NoticeEvent.WITHDRAWN)) == 1


@pytest.mark.parametrize(("days", "withdrawn"), [(29.9, 1), (30.1, 0)])
def test_an_agreement_that_ends_long_after_the_stay_corrects_nothing(days, withdrawn):
    desk = Desk().tell(a01(), a03(5))
    desk.register = (a_registration(agrees_events=False),)
    desk.ask(at(5 + 24 * days))
    assert len(desk.notices(NoticeEvent.WITHDRAWN)) == withdrawn


def test_what_may_have_arrived_of_a_cancelled_stay_is_in_error_and_cancelled():
    desk = Desk().tell(a01(), a16(1, FRIDAY))
    desk.in_doubt = frozenset(n.id for n in desk.notices(NoticeEvent.PLANNED))
    desk.tell(a11(2))
    assert [n.status for n in desk.notices(NoticeEvent.PLANNED)] == [NoticeStatus.ENTERED_IN_ERROR]
    assert len(desk.notices(NoticeEvent.CANCELLED)) == 1


def test_a_death_withdraws_what_the_centre_holds():
    desk = Desk().tell(a01(), a16(1, FRIDAY), a08(2, died=True))
    assert [n.status for n in desk.notices(NoticeEvent.PLANNED)] == [NoticeStatus.ENTERED_IN_ERROR]
    assert len(desk.notices(NoticeEvent.WITHDRAWN)) == 1


def test_a_carer_registered_after_the_discharge_was_not_missed():
    late = a_registration(registered_on=date(2026, 11, 17))
    desk = Desk(register=(late,)).tell(a03(5))
    assert desk.said() == ["contact-carer requested", "notice discharged completed"]


def test_old_news_updates_what_is_there_and_tells_nothing_new_until_it_has_settled():
    desk = Desk().tell(a01(), a16(1, FRIDAY))
    desk.settles_at = at(7)
    desk.tell(a16(2, SATURDAY), a03(5))
    assert desk.said() == ["involve-carer failed", "notice planned completed"]
    assert desk.unsaid == {
        "discharged": "waits until old news has settled",
        "repair-missed": "waits until old news has settled",
    }
    assert desk.wake_at == at(7)
    desk.tell(a13(6))
    assert desk.said() == ["involve-carer requested", "notice planned completed"]
    assert desk.unsaid == {"date-changed": "waits until old news has settled"}
    desk.settles_at = None
    desk.ask(at(7))
    assert desk.said() == [
        "involve-carer requested",
        "notice date-changed completed",
        "notice planned completed",
    ]


def test_what_takes_back_or_protects_never_waits():
    desk = Desk().tell(a01(), a16(1, FRIDAY))
    desk.settles_at = at(60)
    desk.tell(a25(2))
    assert len(desk.notices(NoticeEvent.CANCELLED)) == 1
    desk.tell(a08(3, died=True))
    assert desk.task(TaskCode.BEREAVEMENT_SUPPORT).status is TaskStatus.REQUESTED
    assert desk.task(TaskCode.INVOLVE_CARER).status is TaskStatus.CANCELLED


def test_an_admission_that_is_heard_of_late_is_told_while_the_patient_is_there():
    desk = Desk(now=at(30), settles_at=at(30.25)).tell(a01())
    assert desk.said() == []
    assert desk.wake_at == at(30.25)
    desk.settles_at = None
    desk.ask(at(30.25))
    assert desk.task(TaskCode.INVOLVE_CARER).urgent  # a day has gone by


def test_a_carer_is_not_asked_for_where_the_patient_has_left_long_since():
    desk = Desk(now=at(5 + 24.1)).tell(a03(5))
    assert desk.unsaid == {"involve-carer": "too old to tell: 24 h"}
    assert desk.tasks(TaskCode.REPAIR_MISSED) == []


def test_what_a_ward_missed_is_no_more_repaired_once_it_is_old_news():
    desk = Desk(now=at(5 + 24.1)).tell(a01(), a03(5))
    assert desk.unsaid == {"repair-missed": "too old to tell: 24 h"}
    assert desk.task(TaskCode.INVOLVE_CARER).status is TaskStatus.FAILED


@pytest.mark.parametrize(
    ("hours", "told", "late"),
    [(24, 1, False), (24.1, 1, True), (72, 1, True), (72.1, 0, None)],
)
def test_a_discharge_is_told_for_three_days_and_late_after_one(hours, told, late):
    desk = Desk(now=at(5 + hours)).tell(a01(), a03(5))
    notices = desk.notices(NoticeEvent.DISCHARGED)
    calls = desk.tasks(TaskCode.CONTACT_CARER)
    assert (len(notices), len(calls)) == (told, told)
    assert {a.late for a in (*notices, *calls)} == ({late} if told else set())


def test_what_is_too_old_says_how_old():
    desk = Desk(now=at(5 + 80)).tell(a01(), a03(5))
    assert desk.unsaid["discharged"] == "too old to tell: 80 h"


def test_a_plan_is_told_only_while_its_date_lies_ahead():
    desk = Desk(now=at(24 * 7)).tell(a01(), a16(1, FRIDAY))
    assert desk.notices(NoticeEvent.PLANNED) == []
    assert desk.unsaid["planned"] == "the planned date has passed"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"agrees_events": False}, "the carer does not agree to be told of events"),
        ({"agrees_hospital": False}, "the carer does not agree that the hospital is told"),
        ({"sharing": Sharing.REFUSED}, "the patient does not share the discharge"),
        ({"ended_on": date(2026, 11, 1)}, "the registration has ended"),
    ],
)
def test_it_is_kept_why_nobody_is_told(changes, why):
    desk = Desk(register=(a_registration(**changes),)).tell(a01(), a03(5))
    assert desk.unsaid["discharged"] == why
    assert desk.notices(NoticeEvent.DISCHARGED) == []


def test_once_told_it_is_not_kept_as_unsaid():
    desk = Desk(register=(a_registration(agrees_events=False),)).tell(a01(), a03(5))
    desk.register = (a_registration(),)
    desk.ask(at(6))
    assert "discharged" not in desk.unsaid
    assert len(desk.notices(NoticeEvent.DISCHARGED)) == 1


def test_a_time_of_leaving_outside_a_discharge_is_told_once_confirmed():
    desk = Desk().tell(a01(), a08(5, discharged_at=at(4)))
    assert desk.notices(NoticeEvent.DISCHARGED) == []
    assert desk.tasks(TaskCode.CONTACT_CARER) == []
    desk.tell(a03(6, discharged_at=at(4)))
    assert len(desk.notices(NoticeEvent.DISCHARGED)) == 1
    assert desk.task(TaskCode.CONTACT_CARER).status is TaskStatus.REQUESTED
