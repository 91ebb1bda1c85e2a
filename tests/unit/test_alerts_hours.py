"""Working days of each nation, deadlines on both sides, and the nights when clocks change."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from alerts.hours import end_of_next_day, is_working_day, noon_of, working_deadline
from alerts.model.alert import TaskCode
from alerts.model.events import PlannedDate
from alerts.model.site import Nation
from alerts.policy import Policy, PolicyInvalid, explain, policy_from
from tests.support.desk import Desk, a01, a03, a16, a_site, at, london

SCT, ENG = Nation.SCOTLAND, Nation.ENGLAND

DEADLINES = [
    (london(2026, 11, 16, 10), SCT, london(2026, 11, 18, 17), "Monday: Wednesday"),
    (london(2026, 11, 20, 17), SCT, london(2026, 11, 24, 17), "Friday 17:00: Tuesday"),
    (london(2026, 11, 21, 3), SCT, london(2026, 11, 24, 17), "Saturday: Tuesday"),
    (london(2026, 11, 22, 23, 59), SCT, london(2026, 11, 24, 17), "Sunday night: Tuesday"),
    (london(2026, 11, 23, 0, 0), SCT, london(2026, 11, 25, 17), "a minute later: Wednesday"),
    (london(2026, 7, 31, 12), SCT, london(2026, 8, 5, 17), "bank holiday Monday 3 August"),
    (london(2026, 7, 31, 12), ENG, london(2026, 8, 4, 17), "which England does not have"),
    (london(2026, 8, 28, 12), ENG, london(2026, 9, 2, 17), "bank holiday Monday 31 August"),
    (london(2026, 8, 28, 12), SCT, london(2026, 9, 1, 17), "which Scotland does not have"),
    (london(2026, 11, 27, 12), SCT, london(2026, 12, 2, 17), "St Andrew's Day"),
    (london(2026, 11, 27, 12), ENG, london(2026, 12, 1, 17), "no holiday in England"),
    (london(2026, 12, 31, 12), SCT, london(2027, 1, 6, 17), "2 January and its substitute"),
    (london(2026, 10, 23, 12), SCT, london(2026, 10, 27, 17), "over the night of two one o'clocks"),
    (london(2026, 3, 27, 12), SCT, london(2026, 3, 31, 17), "over the night without one o'clock"),
]


@pytest.mark.parametrize(("start", "nation", "expected", "comment"), DEADLINES)
def test_two_working_days_end_at_five(start, nation, expected, comment):
    assert working_deadline(start, 2, nation) == expected, comment


def test_a_deadline_is_utc_and_summer_counts():
    assert working_deadline(london(2026, 7, 6, 9), 1, ENG) == datetime(2026, 7, 7, 16, tzinfo=UTC)


def test_the_end_of_the_next_day_is_local():
    assert end_of_next_day(london(2026, 10, 24, 12)) == datetime(2026, 10, 25, 23, 59, tzinfo=UTC)
    assert end_of_next_day(london(2026, 3, 28, 12)) == datetime(2026, 3, 29, 22, 59, tzinfo=UTC)


def test_noon_is_noon_on_both_sides_of_a_dst_night():
    assert noon_of(date(2026, 10, 24)) == datetime(2026, 10, 24, 11, tzinfo=UTC)
    assert noon_of(date(2026, 10, 25)) == datetime(2026, 10, 25, 12, tzinfo=UTC)


def test_a_weekend_is_no_working_day():
    assert [is_working_day(date(2026, 11, d), SCT) for d in (20, 21, 22, 23)] == [
        True,
        False,
        False,
        True,
    ]


# --- the rules' deadlines ----------------------------------------------------

FRIDAY = date(2026, 11, 20)

INVOLVE = [
    ([a01()], at(24), "no date: a day from admission"),
    ([a01(admitted_at=None)], at(24), "no admission time: a day from the first event"),
    (
        [a01(), a16(1, FRIDAY)],
        london(2026, 11, 19, 12),
        "noon of the planned day less a day's notice",
    ),
    (
        [a01(planned=PlannedDate(FRIDAY, london(2026, 11, 20, 16)))],
        london(2026, 11, 19, 16),
        "the hour where one was given",
    ),
    ([a01(), a16(1, date(2026, 11, 17))], at(3), "two hours are left of the day's notice"),
    ([a01(), a16(3, date(2026, 11, 17))], at(3), "known with exactly a day's notice"),
    ([a01(), a16(3.1, date(2026, 11, 17))], at(7.1), "too near: four hours from knowing"),
    ([a01(admitted_at=at(26))], None, "an admission in the future"),
    (
        [a01(admitted_at=at(26)), a16(1, FRIDAY)],
        london(2026, 11, 19, 12),
        "the plan is sound all the same",
    ),
    ([a01(), a16(1, date(2026, 11, 12))], None, "a plan before the admission"),
]


@pytest.mark.parametrize(("arrival", "due_at", "comment"), INVOLVE)
def test_the_ward_knows_by_when(arrival, due_at, comment):
    task = Desk().tell(*arrival).task(TaskCode.INVOLVE_CARER)
    assert task.due_at == due_at, comment


def test_exactly_a_days_notice_is_notice_enough():
    tomorrow_noon = PlannedDate(date(2026, 11, 17), at(25))
    task = (
        Desk()
        .tell(a01(), replace(a16(1, FRIDAY), planned=tomorrow_noon))
        .task(TaskCode.INVOLVE_CARER)
    )
    assert task.due_at == at(1)


def test_a_days_notice_over_a_dst_night_is_twenty_four_hours():
    start = london(2026, 10, 20, 9)
    event = replace(a01(), occurred_at=start, recorded_at=start, sent_at=start, admitted_at=start)
    sunday = replace(event, planned=PlannedDate(date(2026, 10, 25)))
    task = Desk(now=start).tell(sunday).task(TaskCode.INVOLVE_CARER)
    assert task.due_at == datetime(2026, 10, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(("late_by", "urgent"), [(-1, False), (0, True), (1, True)])
def test_an_open_task_becomes_urgent_when_its_time_has_come(late_by, urgent):
    desk = Desk().tell(a01())
    assert desk.wake_at == at(24)
    desk.ask(at(24) + timedelta(seconds=late_by))
    assert desk.task(TaskCode.INVOLVE_CARER).urgent is urgent
    assert desk.wake_at == (at(24) if late_by < 0 else None)


def test_a_later_date_takes_the_urgency_away():
    desk = Desk().tell(a01())
    desk.ask(at(25))
    desk.tell(a16(26, FRIDAY))
    assert desk.task(TaskCode.INVOLVE_CARER).urgent is False


def test_the_deadlines_after_a_discharge_are_local():
    desk = Desk().tell(a01(), a03(5))
    assert desk.task(TaskCode.REPAIR_MISSED).due_at == london(2026, 11, 17, 23, 59)
    assert desk.task(TaskCode.CONTACT_CARER).due_at == london(2026, 11, 18, 17)
    assert desk.wake_at == london(2026, 11, 18, 17)  # the first that becomes urgent


def test_the_nation_picks_the_bank_holidays():
    friday = london(2026, 11, 27, 12)
    left = replace(a03(5), discharged_at=friday, occurred_at=friday, sent_at=friday)
    due = {
        nation: Desk(site=a_site(nation=nation)).tell(left).task(TaskCode.CONTACT_CARER).due_at
        for nation in Nation
    }
    assert due == {SCT: london(2026, 12, 2, 17), ENG: london(2026, 12, 1, 17)}


@pytest.mark.parametrize(
    ("left_at", "comment"),
    [(at(-30), "before the admission"), (at(100), "in the future")],
)
def test_an_impossible_discharge_time_starts_no_clock(left_at, comment):
    desk = Desk().tell(a01(), a03(5, discharged_at=left_at))
    assert desk.task(TaskCode.REPAIR_MISSED).due_at is None, comment
    assert desk.task(TaskCode.CONTACT_CARER).due_at is None, comment


# --- policy ------------------------------------------------------------------


def test_a_site_may_change_a_number():
    desk = Desk(policy={"ask_within": 6}).tell(a01())
    assert desk.task(TaskCode.INVOLVE_CARER).due_at == at(6)


@pytest.mark.parametrize(
    "overrides", [{"nonsense": 1.0}, {"notice": -1.0}, {"working_day_ends": 24.0}]
)
def test_a_policy_that_cannot_be_is_refused(overrides):
    with pytest.raises(PolicyInvalid):
        policy_from(overrides)


def test_every_number_has_a_unit_and_a_source():
    numbers = explain(policy_from({"notice": 48}))
    assert all(n.unit and n.source for n in numbers)
    assert {(n.name, n.value, n.default) for n in numbers if n.value != n.default} == {
        ("notice", 48, Policy().notice)
    }
