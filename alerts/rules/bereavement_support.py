"""A coordinator is asked to think of a carer whose person has died: staff only, once a stay."""

from dataclasses import replace

from alerts.model.alert import OPEN_STATUSES, Task, TaskCode, TaskStatus
from alerts.model.events import Answer
from alerts.rules.gates import unfit
from alerts.rules.obligation import answers_to, cancelled, seen_or, task_id
from alerts.rules.results import Raise, Result
from alerts.rules.situation import Case, Situation, Whereabouts


def bereavement_support(
    situation: Situation, where: Whereabouts, cases: tuple[Case, ...]
) -> tuple[Result, ...]:
    """At most one, whatever the number of carers; nothing of it leaves the hospital."""
    stay = situation.stay
    wanted_id = task_id(stay, TaskCode.BEREAVEMENT_SUPPORT)
    known = next((a for a in situation.raised if isinstance(a, Task) and a.id == wanted_id), None)
    if not stay.died:
        return cancelled(known, "the patient did not die")
    if all(unfit(case) is not None for case in cases):
        return cancelled(known, "no registered carer is concerned")
    task = known or _new(situation, where, wanted_id)
    answers = answers_to(stay, wanted_id)
    if Answer.CALLED in answers or Answer.SEEN in answers:
        done = replace(task, status=TaskStatus.COMPLETED, reason="seen to by a person")
        return (Raise(done, at_once=True),)
    status = task.status if task.status in OPEN_STATUSES else seen_or(answers)
    asked = replace(task, recipient=where.coordinator, status=status, reason=None)
    return (Raise(asked, at_once=True),)


def _new(situation: Situation, where: Whereabouts, wanted_id: str) -> Task:
    return Task(
        id=wanted_id,
        code=TaskCode.BEREAVEMENT_SUPPORT,
        stay=situation.stay.id,
        registration=None,
        recipient=where.coordinator,
        status=TaskStatus.REQUESTED,
        state=None,
        authored_at=situation.now,
        due_at=None,
    )
