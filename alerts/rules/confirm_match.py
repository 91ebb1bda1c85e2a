"""A coordinator is asked whether the patient is the person on the register."""

from dataclasses import replace
from datetime import timedelta

from alerts.model.alert import OPEN_STATUSES, MatchGrade, Task, TaskCode, TaskStatus
from alerts.model.events import Answer
from alerts.model.stay import StayStatus
from alerts.rules.gates import ended, misplaced
from alerts.rules.obligation import answers_to, blank, cancelled, seen_or, unsaid
from alerts.rules.results import Raise, Result, Wake, raised
from alerts.rules.situation import Case

_DIGITS = 16
"""Of the fingerprint: another comparison is another question."""


def confirm_match(case: Case) -> tuple[Result, ...]:
    """Alone until a person decides: nothing else follows from a doubtful match."""
    why = _why_not(case)
    asked = case.match.fingerprint[:_DIGITS] if case.match is not None and why is None else ""
    earlier: list[Result] = []
    for task in case.tasks(TaskCode.CONFIRM_MATCH):
        if task.occasion != asked:
            earlier += _closed(case, task, why or "the question has changed")
    if asked:
        return (*earlier, *_asked(case, asked))
    is_doubtful = case.match is not None and case.match.grade is MatchGrade.DOUBTFUL
    if is_doubtful and why is not None:
        earlier += unsaid(case, TaskCode.CONFIRM_MATCH, why)
    return tuple(earlier)


def _asked(case: Case, occasion: str) -> tuple[Result, ...]:
    task = blank(case, TaskCode.CONFIRM_MATCH, case.where.coordinator, occasion)
    answers = answers_to(case.stay, task.id)
    unsure = Answer.NOT_SURE in answers
    status = TaskStatus.IN_PROGRESS if unsure else seen_or(answers)
    # A doubt about somebody who left is dropped once nothing of it would be told any more.
    until = case.told_until
    dropped = () if until is None else (Wake(until + timedelta(seconds=1)),)
    return (Raise(replace(task, status=status, reason=None)), *dropped)


def _why_not(case: Case) -> str | None:
    stay = case.stay
    if stay.status is StayStatus.CANCELLED:
        return "the admission was cancelled"
    if stay.died:
        return "the patient died"
    if case.match is None or case.match.grade is not MatchGrade.DOUBTFUL:
        return "there is no doubt any more"
    if not case.registration.agrees_hospital:
        return "the carer does not agree that the hospital is told"
    return misplaced(case) or ended(case) or _too_late(case)


def _too_late(case: Case) -> str | None:
    until = case.told_until
    return "the patient left some time ago" if until is not None and case.now > until else None


def _closed(case: Case, task: Task, why: str) -> tuple[Result, ...]:
    if task.status not in OPEN_STATUSES:
        return ()
    said = [
        d
        for d in case.situation.decisions
        if d.registration == case.key and d.fingerprint[:_DIGITS] == task.occasion
    ]
    if not said:
        return cancelled(task, why)
    is_same = max(said, key=lambda d: d.at).is_same
    reason = "same person" if is_same else "not the same person"
    return raised(replace(task, status=TaskStatus.COMPLETED, reason=reason))
