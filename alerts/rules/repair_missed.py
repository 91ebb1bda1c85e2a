"""The ward is asked to ring a carer who was not involved before the patient left."""

from dataclasses import replace
from datetime import datetime, timedelta

from alerts.hours import end_of_next_day
from alerts.model.alert import OPEN_STATUSES, TaskCode, TaskStatus
from alerts.model.doubts import DoubtKind
from alerts.model.events import Answer
from alerts.rules.gates import bar
from alerts.rules.obligation import answers_to, blank, cancelled, seen_or, task_id
from alerts.rules.results import Raise, Result
from alerts.rules.situation import Case, is_restricted

_CALLED = (Answer.CALLED, Answer.CONTACTED)


def repair_missed(case: Case) -> tuple[Result, ...]:
    """By the end of the next day, at the ward the patient left from; urgent after a long stay."""
    standing = case.open_task(TaskCode.REPAIR_MISSED)
    why = _why_not(case)
    if why is not None:
        return cancelled(standing, why)
    # News that came late may count discharges anew; the Task that is open is still the one.
    occasion = standing.occasion if standing else str(case.stay.discharges)
    known = case.task(task_id(case.stay, TaskCode.REPAIR_MISSED, case.key, occasion))
    task = blank(case, TaskCode.REPAIR_MISSED, case.where.desk, occasion)
    status, reason = _status(answers_to(case.stay, task.id))
    task = replace(task, status=status, reason=reason, urgent=_is_urgent(case))
    if status in OPEN_STATUSES or known is None:
        task = replace(task, due_at=_due_at(case))
    left_at = case.stay.discharged_at
    return (Raise(task, happened_at=left_at, useful_until=case.missed_until),)


def _is_urgent(case: Case) -> bool:
    """Not after a short stay: too many urgent calls in a week are none (contract §7.1 A03)."""
    came_at, left_at = case.stay.admitted_at or case.stay.opened_at, case.stay.discharged_at
    lasted = left_at - came_at if came_at and left_at else None
    return lasted is None or lasted >= timedelta(hours=case.situation.policy.long_stay)


def _why_not(case: Case) -> str | None:
    barred = bar(case)
    if barred is not None:
        return barred.why
    if case.stay.is_open:
        return "the discharge was cancelled"
    if case.stay.is_doubtful(DoubtKind.DISCHARGE_WITHOUT_A03):
        return "no discharge message has come"
    if is_restricted(case.stay):
        return "speak to the patient alone"
    missed = case.task(task_id(case.stay, TaskCode.INVOLVE_CARER, case.key))
    if missed is None or missed.status is not TaskStatus.FAILED:
        return "the record was complete"
    return None


def _due_at(case: Case) -> datetime | None:
    left_at = case.stay.discharged_at
    if left_at is None or case.stay.is_doubtful(DoubtKind.UNCERTAIN_DISCHARGE):
        return None
    return end_of_next_day(left_at)


def _status(answers: tuple[Answer, ...]) -> tuple[TaskStatus, str | None]:
    if any(a in _CALLED for a in answers):
        return TaskStatus.COMPLETED, "the carer was called"
    if Answer.NO_REPLY in answers:
        return TaskStatus.IN_PROGRESS, None
    return seen_or(answers), None
