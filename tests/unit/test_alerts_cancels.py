"""A cancel takes back what it names, whenever either of the two comes."""

from dataclasses import replace
from datetime import date
from itertools import permutations
from random import Random

import pytest

from alerts.model.alert import TaskCode, TaskStatus
from alerts.model.doubts import Doubt, DoubtKind
from alerts.model.events import CLEARED, EventKind, PlannedDate
from alerts.model.stay import StayStatus
from alerts.movements import fold, folds_alone, refold
from tests.support.desk import Desk, a01, a02, a03, a08, a11, a13, a16, a25, a_message, at, london

OPEN, LEFT, NEVER = StayStatus.OPEN, StayStatus.DISCHARGED, StayStatus.CANCELLED
TOMORROW = date(2026, 11, 17)
A_DAY_LATER = date(2026, 11, 18)
NOON = at(3)

LIVES = [
    (
        [a01(), a03(5, discharged_at=at(4.5)), a13(6, cancels_at=at(4.5))],
        OPEN,
        "EVN-6 is the time of the discharge that is cancelled, PV1-45",
    ),
    ([a01(), a03(5), a13(6, cancels_at=at(5))], OPEN, "or when the discharge happened"),
    ([a01(), a03(5), a13(6, cancels_at=at(4))], OPEN, "of no such time: the newest"),
    ([a01(), a03(5), a13(6)], OPEN, "without EVN-6: the newest"),
    (
        [a01(), a03(4), a03(5), a13(6, cancels_at=at(4))],
        LEFT,
        "a discharge that another overtook does not stand",
    ),
    ([a01(), a03(4), a03(5), a13(6, cancels_at=at(5))], OPEN, "the one that stands does"),
    (
        [a01(), a03(4), a13(5, cancels_at=at(4)), a03(6), a13(7, cancels_at=at(4))],
        LEFT,
        "the cancel of the first again leaves the second",
    ),
    (
        [a01(), a13(4, cancels_at=at(3)), a03(5, discharged_at=at(3))],
        OPEN,
        "the cancel is older than what it cancels, by the hospital's clock",
    ),
    (
        [a01(), a13(4, cancels_at=at(3)), a03(5, discharged_at=at(3), control_id="A"), a03(6)],
        LEFT,
        "another discharge stands",
    ),
    (
        [a01(), a03(4, movement="M1"), a03(5, movement="M2"), a13(6, movement="M1")],
        LEFT,
        "ZBE-1 names the one that no longer stands",
    ),
    (
        [a01(), a13(4, movement="M1"), a03(5, movement="M1")],
        OPEN,
        "ZBE-1 names one that comes later",
    ),
    (
        [a01(), a03(5), a13(6, cancels_at=london(2026, 11, 16))],
        OPEN,
        "a date alone is any discharge of that day",
    ),
    ([a01(), a11(1, cancels_at=at(0))], NEVER, "an admission"),
    ([a11(1, cancels_at=at(0))], NEVER, "of which nobody told"),
    ([a11(1, cancels_at=at(0)), a01(2, admitted_at=at(0))], NEVER, "and that was told late"),
    (
        [a01(), a11(1, cancels_at=at(0)), a01(2), a11(3, cancels_at=at(0), admitted_at=at(2))],
        NEVER,
        "PV1-44 is still the time of the first: it is that stay",
    ),
    (
        [a01(), a11(1, cancels_at=at(0)), a01(2, admitted_at=at(2)), a11(3, cancels_at=at(0))],
        OPEN,
        "the cancel of the first admission again leaves the second",
    ),
]


@pytest.mark.parametrize(("events", "status", "comment"), LIVES)
def test_a_cancel_takes_back_what_stands(events, status, comment):
    for arrived in permutations(events):
        assert refold(arrived).status is status, comment


def test_an_event_cancelled_before_it_came_leaves_no_trace_of_leaving():
    stay = refold([a01(), a13(4, cancels_at=at(3)), a03(5, discharged_at=at(3), method="1")])
    assert (stay.discharged_at, stay.discharges, stay.method) == (None, 0, None)


PLANS = [
    (
        [a01(), a16(1, TOMORROW), a25(2, cancels_at=london(2026, 11, 17)), a16(3, A_DAY_LATER)],
        A_DAY_LATER,
        "EVN-6 is the planned date; the new plan comes after it",
    ),
    ([a01(), a16(1, TOMORROW), a25(2, cancels_at=london(2026, 11, 17, 14))], None, "at an hour"),
    (
        [a01(), a16(1, TOMORROW), a16(2, A_DAY_LATER), a25(3, cancels_at=london(2026, 11, 17))],
        A_DAY_LATER,
        "the plan that was moved no longer stands",
    ),
    ([a01(), a16(1, TOMORROW), a25(2, cancels_at=at(1))], None, "when it was planned"),
    ([a01(), a16(1, TOMORROW), a25(2, cancels_at=at(90))], None, "of nothing: what stands"),
    ([a01(), a16(1, TOMORROW), a25(2), a08(3, planned=PlannedDate(TOMORROW))], None, "old date"),
    ([a01(), a16(1, TOMORROW), a25(2), a16(3, TOMORROW)], TOMORROW, "A16 always counts"),
]


@pytest.mark.parametrize(("events", "planned", "comment"), PLANS)
def test_a_cancelled_plan_is_the_one_that_it_names(events, planned, comment):
    for arrived in permutations(events):
        stay = refold(arrived)
        assert (stay.planned.on if stay.planned else None) == planned, comment


SENDERS = [
    ([a08(2, planned=PlannedDate(TOMORROW))], A_DAY_LATER, "the old date again"),
    ([a08(2, planned=PlannedDate(date(2026, 11, 19)))], date(2026, 11, 19), "another date"),
    ([a08(2, planned=CLEARED)], None, "cleared"),
    ([a08(2, planned=CLEARED), a08(3, planned=PlannedDate(TOMORROW))], TOMORROW, "and given anew"),
    ([a16(2, TOMORROW)], TOMORROW, "an A16 always counts"),
]


@pytest.mark.parametrize(("events", "planned", "comment"), SENDERS)
def test_a_date_counts_where_its_sender_changed_it(events, planned, comment):
    ward = a16(1, A_DAY_LATER, feed="whiteboard", control_id="W1")
    stay = refold([a01(planned=PlannedDate(TOMORROW)), ward, *events])
    assert (stay.planned.on if stay.planned else None) == planned, comment


def test_midnight_is_a_date_without_an_hour():
    midnight = PlannedDate(TOMORROW, london(2026, 11, 17))
    assert refold([a01(planned=midnight)]).planned == PlannedDate(TOMORROW)


def test_a_cancel_of_what_nobody_told_is_doubtful():
    doubt = Doubt(DoubtKind.CANCELLED_UNKNOWN_EVENT)
    assert doubt in refold([a01(), a13(4, cancels_at=at(3))]).doubts
    assert doubt not in refold([a01(), a03(3), a13(4, cancels_at=at(3))]).doubts


def test_a_cancel_of_the_release_before_is_read_as_today():
    """It took EVN-6 for the event's own time."""
    old = replace(a13(6), occurred_at=at(4.5), cancels_at=None)
    assert refold([a01(), a03(5, discharged_at=at(4.5)), old]).is_open


LEAVINGS = [
    ([], OPEN, False, "not yet"),
    ([a08(5, discharged_at=at(4))], LEFT, True, "the discharge message never came"),
    ([a08(5, discharged_at=at(6))], OPEN, False, "it lies ahead"),
    ([a08(5, discharged_at=london(2026, 11, 16))], OPEN, False, "some time today"),
    ([a08(30, discharged_at=london(2026, 11, 16))], LEFT, True, "some time yesterday"),
    ([a08(5, discharged_at=at(-9))], OPEN, False, "of a stay before this one"),
    ([a08(5, discharged_at=at(4)), a03(6, discharged_at=at(4))], LEFT, False, "confirmed"),
    ([a08(5, discharged_at=at(4)), a08(6)], LEFT, True, "nothing new"),
    ([a08(5, discharged_at=at(4)), a08(6, discharged_at=CLEARED)], OPEN, False, "cleared"),
    ([a08(5, discharged_at=at(4)), a02(6)], OPEN, False, "moved, so still here"),
    ([a08(5, discharged_at=at(4)), a13(6)], OPEN, False, "taken back"),
    (
        [a03(4), a13(5, cancels_at=at(4)), a08(6, discharged_at=at(4))],
        OPEN,
        False,
        "the time that was taken back, again",
    ),
    ([a16(5, TOMORROW, discharged_at=at(4))], LEFT, True, "in a plan"),
]


@pytest.mark.parametrize(("events", "status", "doubtful", "comment"), LEAVINGS)
def test_a_time_of_leaving_outside_a_discharge_ends_with_a_doubt(events, status, doubtful, comment):
    stay = refold([a01(), *events])
    assert stay.status is status, comment
    assert stay.is_doubtful(DoubtKind.DISCHARGE_WITHOUT_A03) is doubtful, comment


def test_nobody_is_asked_to_repair_what_a_discharge_message_has_not_confirmed():
    desk = Desk().tell(a01(), a08(5, discharged_at=at(4)))
    [task] = desk.tasks(TaskCode.INVOLVE_CARER)
    assert (task.status, task.reason) == (
        TaskStatus.FAILED,
        "the patient seems to have left: no discharge message has come",
    )
    assert desk.tasks(TaskCode.REPAIR_MISSED) == []
    desk.tell(a03(6, discharged_at=at(4)))
    assert [task.status for task in desk.tasks(TaskCode.REPAIR_MISSED)] == [TaskStatus.REQUESTED]


def test_a_discharge_confirmed_is_the_same_discharge():
    stay = refold([a01(), a08(5, discharged_at=at(4)), a03(6, discharged_at=at(4))])
    assert (stay.discharges, stay.discharged_at) == (1, at(4))


def test_lives_with_discharges_typed_late_and_cancelled_end_right():
    """Twenty lives as a public hospital simulator tells them: EVN-6 is when it truly happened."""
    for seed in range(20):
        events, ends = a_life(Random(seed))  # noqa: S311 - a life to be told again
        Random(seed + 100).shuffle(events)  # noqa: S311
        stay = refold(events)
        assert stay.status is ends, seed
        assert stay == folded(sorted(events, key=lambda e: e.occurred_at)), seed


def a_life(chance: Random):
    """Discharges that are typed up to an hour late, most of them cancelled for another."""
    hour, events = 1.0, [a01()]
    ends = OPEN
    for number in range(chance.randint(1, 5)):
        left, typed = at(hour), hour + chance.random()
        events.append(a03(typed, discharged_at=left, control_id=f"L{number}"))
        events.append(a08(typed + 0.1, control_id=f"U{number}", discharged_at=left))
        ends, hour = LEFT, typed + 0.5
        if chance.random() < 0.7:
            events.append(a13(hour, cancels_at=left, control_id=f"C{number}"))
            ends, hour = OPEN, hour + 1
    return events, ends


def folded(events):
    """As they come, all anew only where one does not fold alone."""
    stay = None
    for number, event in enumerate(events, start=1):
        alone = folds_alone(stay, event)
        stay = fold(stay, event) if alone else refold(events[:number])
    return stay


def test_a_message_about_the_person_moves_nothing():
    about = a_message(
        EventKind.PERSON_UPDATED,
        6,
        visit=None,
        died=True,
        place=None,
        planned=PlannedDate(TOMORROW),
        discharged_at=at(2),
    )
    before = refold([a01(), a16(1, A_DAY_LATER)])
    after = refold([a01(), a16(1, A_DAY_LATER), about])
    assert (after.place, after.planned, after.status) == (before.place, before.planned, OPEN)
    assert after.died is True
    assert refold([a01(), a03(5), about]).died_after_leaving is True


def test_a_message_about_the_person_opens_no_stay():
    about = a_message(EventKind.PERSON_UPDATED, 6, visit=None, died=True)
    with pytest.raises(ValueError, match="visit"):
        refold([about])
    with pytest.raises(ValueError, match="opens no stay"):
        fold(None, about)
    assert refold([replace(about, occurred_at=at(-5)), a01()]).died is True


def test_consent_and_sensitivity_are_two_facts():
    refused = [a01(sensitive=True), a08(1, consent_refused=True)]
    assert refold([*refused, a08(2, sensitive=CLEARED)]).consent_refused is True
    agreed = refold([*refused, a08(2, consent_refused=False)])
    assert (agreed.consent_refused, agreed.sensitive) == (False, True)
