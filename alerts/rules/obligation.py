"""Tasks as obligations: their ids, how they close, what people answered."""

from dataclasses import replace
from datetime import datetime

from alerts.model.alert import OPEN_STATUSES, Recipient, Task, TaskCode, TaskStatus
from alerts.model.events import Answer
from alerts.model.site import NoticeEvent
from alerts.model.stay import Stay
from alerts.movements import uuid_of
from alerts.rules.results import Raise, Result, Suppress, Wake, raised
from alerts.rules.situation import Case


def task_id(stay: Stay, code: TaskCode, registration: str = "", occasion: str = "") -> str:
    """The same obligation always has the same id."""
    return uuid_of(stay.id, code.value, registration, occasion)


def blank(case: Case, code: TaskCode, recipient: Recipient, occasion: str = "") -> Task:
    """The Task as raised before, at the desk that has it now; or a new one."""
    known = case.task(task_id(case.stay, code, case.key, occasion))
    if known is not None:
        return replace(known, recipient=recipient)
    return Task(
        id=task_id(case.stay, code, case.key, occasion),
        code=code,
        stay=case.stay.id,
        registration=case.key,
        recipient=recipient,
        status=TaskStatus.REQUESTED,
        state=None,
        authored_at=case.now,
        due_at=None,
        occasion=occasion,
    )


def cancelled(task: Task | None, why: str, is_void: bool = False) -> tuple[Raise, ...]:
    """The Task called off if it is open, or whatever it is if it should never have been."""
    if task is None or task.status is TaskStatus.CANCELLED:
        return ()
    if not is_void and task.status not in OPEN_STATUSES:
        return ()
    return raised(replace(task, status=TaskStatus.CANCELLED, reason=why))


def begins(known: Task | None) -> bool:
    """Nobody is asked yet, or not any more: whoever is asked now is asked anew."""
    return known is None or known.status is TaskStatus.CANCELLED


def unsaid(case: Case, code: TaskCode | NoticeEvent, why: str) -> tuple[Suppress, ...]:
    """Why it is not said of this carer; of who is not on the register there is nothing to say."""
    return () if case.match is None else (Suppress(code, why),)


def timed(
    case: Case,
    task: Task,
    due_at: datetime | None,
    happened_at: datetime | None,
    until: datetime | None,
) -> tuple[Result, ...]:
    """An open Task with its deadline, urgent once that has passed; a closed one keeps its own."""
    if task.status not in OPEN_STATUSES:
        return (Raise(task, happened_at, until),)
    is_urgent = due_at is not None and case.now >= due_at
    task = replace(task, due_at=due_at, urgent=is_urgent)
    return (Raise(task, happened_at, until), *(() if due_at is None else (Wake(due_at),)))


def answers_to(stay: Stay, alert: str) -> tuple[Answer, ...]:
    """What people pressed on it, oldest first."""
    return tuple(a.answer for a in stay.answers if a.alert == alert)


def seen_or(answers: tuple[Answer, ...]) -> TaskStatus:
    """Received once somebody has seen it."""
    return TaskStatus.RECEIVED if Answer.SEEN in answers else TaskStatus.REQUESTED
