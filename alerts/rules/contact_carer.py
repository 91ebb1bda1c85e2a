"""The centre is asked to contact the carer after the discharge that it was told of."""

from dataclasses import replace
from datetime import datetime

from alerts.hours import working_deadline
from alerts.model.alert import OPEN_STATUSES, Notice, TaskCode, TaskStatus
from alerts.model.doubts import DoubtKind
from alerts.model.events import Answer
from alerts.rules.gates import silence
from alerts.rules.news import standing_discharge
from alerts.rules.obligation import answers_to, blank, cancelled, seen_or, task_id, timed
from alerts.rules.results import Result
from alerts.rules.situation import Case

_SPOKEN = (Answer.CONTACTED, Answer.CALLED)
_TRIES = 2


def contact_carer(case: Case) -> tuple[Result, ...]:
    """It follows from the ``discharged`` notice and stands while that stands."""
    standing = case.open_task(TaskCode.CONTACT_CARER)
    told = standing_discharge(case)
    why = _why_not(case)
    if why is not None or told is None:
        return cancelled(standing, why or "the notice of the discharge no longer stands")
    occasion = standing.occasion if standing else told.occasion
    return _asked(case, told, occasion)


def _asked(case: Case, told: Notice, occasion: str) -> tuple[Result, ...]:
    known = case.task(task_id(case.stay, TaskCode.CONTACT_CARER, case.key, occasion))
    is_new = known is None
    task = blank(case, TaskCode.CONTACT_CARER, told.recipient, occasion)
    status, reason = _status(answers_to(case.stay, task.id))
    due = _due_at(case)
    if is_new:
        task = replace(task, due_at=due, late=told.late)
    if status in OPEN_STATUSES or is_new:
        task = replace(task, focus=told.id)
    task = replace(task, status=status, reason=reason)
    return timed(case, task, due, happened_at=case.stay.discharged_at, until=case.told_until)


def _why_not(case: Case) -> str | None:
    if case.stay.is_open:
        return "the discharge was cancelled"
    return silence(case)


def _due_at(case: Case) -> datetime | None:
    left_at = case.stay.discharged_at
    if left_at is None or case.stay.is_doubtful(DoubtKind.UNCERTAIN_DISCHARGE):
        return None
    policy = case.situation.policy
    return working_deadline(
        left_at,
        round(policy.contact_within_days),
        case.situation.site.nation,
        policy.working_day_ends,
    )


def _status(answers: tuple[Answer, ...]) -> tuple[TaskStatus, str | None]:
    if any(a in _SPOKEN for a in answers):
        return TaskStatus.COMPLETED, "the carer was contacted"
    if Answer.DECLINED in answers:
        return TaskStatus.COMPLETED, "the carer said no thanks"
    tries = answers.count(Answer.NO_REPLY)
    if tries >= _TRIES:
        return TaskStatus.COMPLETED, "no reply after two tries"
    return (TaskStatus.IN_PROGRESS if tries else seen_or(answers)), None
