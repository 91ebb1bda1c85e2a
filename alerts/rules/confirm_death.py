"""A coordinator is asked whether the patient has died, where a message says what no table knows."""

from dataclasses import replace

from alerts.model.alert import OPEN_STATUSES, Task, TaskCode, TaskStatus
from alerts.model.events import Answer
from alerts.rules.gates import unfit
from alerts.rules.obligation import answers_to, cancelled, seen_or, task_id
from alerts.rules.results import Raise, Result, raised
from alerts.rules.situation import Case, Situation, Whereabouts

_SAID = {Answer.ALIVE: "the patient lives", Answer.DIED: "the patient died"}


def confirm_death(
    situation: Situation, where: Whereabouts, cases: tuple[Case, ...]
) -> tuple[Result, ...]:
    """Staff only, one at a time; gates are closed until a person answers (contract §7.1 death)."""
    asked = [
        a for a in situation.raised if isinstance(a, Task) and a.code is TaskCode.CONFIRM_DEATH
    ]
    standing = next((t for t in asked if t.status in OPEN_STATUSES), None)
    if standing is not None:
        said = [_SAID[a] for a in answers_to(situation.stay, standing.id) if a in _SAID]
        if said:
            return raised(replace(standing, status=TaskStatus.COMPLETED, reason=said[-1]))
    if not situation.stay.death_unclear or all(unfit(case) is not None for case in cases):
        return cancelled(standing, "nothing is unclear any more")
    task = standing or _new(situation, where, str(len(asked)))
    status = seen_or(answers_to(situation.stay, task.id))
    task = replace(task, recipient=where.coordinator, status=status)
    return (Raise(task, at_once=True),)


def _new(situation: Situation, where: Whereabouts, occasion: str) -> Task:
    return Task(
        id=task_id(situation.stay, TaskCode.CONFIRM_DEATH, "", occasion),
        code=TaskCode.CONFIRM_DEATH,
        stay=situation.stay.id,
        registration=None,
        recipient=where.coordinator,
        status=TaskStatus.REQUESTED,
        state=None,
        authored_at=situation.now,
        due_at=None,
        occasion=occasion,
    )
