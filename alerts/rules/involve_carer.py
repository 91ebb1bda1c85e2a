"""The ward is asked to involve a registered carer before the patient leaves."""

from dataclasses import replace
from datetime import datetime, timedelta

from alerts.hours import at_hour, local_date
from alerts.model.alert import Task, TaskCode, TaskState, TaskStatus
from alerts.model.doubts import DoubtKind
from alerts.model.events import PROOFS, FactKind
from alerts.model.register import Sharing
from alerts.model.stay import Stay, StayStatus
from alerts.policy import Policy
from alerts.rules.gates import Bar, unfit
from alerts.rules.obligation import (
    answers_to,
    begins,
    blank,
    cancelled,
    seen_or,
    task_id,
    timed,
    unsaid,
)
from alerts.rules.results import Result
from alerts.rules.situation import Case

_STATES = dict(
    zip(
        PROOFS,
        (
            TaskState.INFORMED,
            TaskState.VIEWS_INVITED,
            TaskState.VIEWS_RECORDED,
            TaskState.ACCOUNT_TAKEN,
        ),
        strict=True,
    )
)


def involve_carer(case: Case) -> tuple[Result, ...]:
    """One Task a carer and stay, through transfers, discharge and its cancellation."""
    known = case.task(task_id(case.stay, TaskCode.INVOLVE_CARER, case.key))
    barred = _barred(case, known)
    if barred is not None:
        if known is None:
            return unsaid(case, TaskCode.INVOLVE_CARER, barred.why)
        return cancelled(known, barred.why, barred.is_void)
    if begins(known) and not _was_registered(case):
        return unsaid(case, TaskCode.INVOLVE_CARER, "registered after the patient had left")
    task = blank(case, TaskCode.INVOLVE_CARER, case.where.desk)
    # A new Task has its deadline also where it begins closed: a discharge that came first.
    due = due_at(case.stay, case.situation.policy)
    task = task if known else replace(task, due_at=due)
    task = _open(case, task) if case.stay.is_open else _ended(case, task)
    return timed(case, task, due, happened_at=case.stay.discharged_at, until=case.missed_until)


def due_at(stay: Stay, policy: Policy) -> datetime | None:
    """By when the carer should be told; None where the dates cannot be."""
    if stay.planned is None:
        start = stay.admitted_at or stay.opened_at
        if start is None or stay.is_doubtful(DoubtKind.UNCERTAIN_ADMISSION):
            return None
        return start + timedelta(hours=policy.ask_within)
    if stay.is_doubtful(DoubtKind.UNCERTAIN_PLAN):
        return None
    leaves_at = stay.planned.at or at_hour(stay.planned.on, policy.planned_hour)
    aim = leaves_at - timedelta(hours=policy.notice)
    known_at = stay.planned_known_at
    if known_at is not None and aim < known_at:
        return known_at + timedelta(hours=policy.retell_within)
    return aim


def is_complete(case: Case) -> bool:
    """Every proof that the patient's decision allows was recorded before the patient left."""
    needed = set(PROOFS)
    if case.registration.sharing is Sharing.REFUSED:
        needed.discard(FactKind.INFORMED)
    left_at = case.stay.discharged_at
    return needed <= {
        f.fact
        for f in case.stay.facts
        if f.registration == case.key and (left_at is None or f.at <= left_at)
    }


def _barred(case: Case, known: Task | None) -> Bar | None:
    barred = unfit(case)
    if barred is not None or not case.stay.died:
        return barred
    if case.stay.died_after_leaving and known is not None:
        return None  # the patient left alive: the involvement stays what it was
    return Bar("the patient died", is_void=True)


def _was_registered(case: Case) -> bool:
    """No ward missed a carer who was registered after the patient had left."""
    left_at = case.stay.discharged_at
    if case.stay.status is not StayStatus.DISCHARGED or left_at is None:
        return True
    return case.registration.registered_on <= local_date(left_at)


def _open(case: Case, task: Task) -> Task:
    recorded = [f.fact for f in case.stay.facts if f.registration == case.key]
    state = TaskState.NOT_INFORMED
    for proof in PROOFS:
        state = _STATES[proof] if proof in recorded else state
    status = seen_or(answers_to(case.stay, task.id))
    status = TaskStatus.IN_PROGRESS if recorded else status
    return replace(task, status=status, state=_shown(case, state), reason=None)


def _ended(case: Case, task: Task) -> Task:
    if is_complete(case):
        state, status, reason = TaskState.COMPLETE, TaskStatus.COMPLETED, None
    else:
        state, status = TaskState.MISSED, TaskStatus.FAILED
        reason = "the patient left before the record was complete"
        if case.stay.is_doubtful(DoubtKind.DISCHARGE_WITHOUT_A03):
            reason = "the patient seems to have left: no discharge message has come"
    return replace(task, status=status, state=_shown(case, state), reason=reason)


def _shown(case: Case, state: TaskState) -> TaskState:
    """While the patient refuses sharing, that is what the ward sees, whatever is recorded."""
    refused = case.registration.sharing is Sharing.REFUSED
    return TaskState.SHARE_NOTHING if refused else state
