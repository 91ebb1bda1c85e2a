"""A coordinator's answers about doubtful matches: given, and taken back."""

from alerts.matching import subject_of
from alerts.model.alert import Match, MatchDecision, Task, TaskCode
from alerts.rules.situation import whereabouts
from alerts.store import alerts as alert_store
from alerts.store import register
from alerts.store import stays as stay_store
from service.database import Rank
from service.pipeline import EvidenceChanged, Line, LineError, NotThere, again
from service.reconsider import Desk, matches_of


class NotTheirs(LineError):
    """The answer is about a patient of another hospital, or was taken back already."""


def decide_match(line: Line, actor: str, task_id: str, is_same: bool) -> None:
    """Keep whether the patient is the person on the register, for this patient and nobody else."""
    with line.database.write(Rank.PAGE) as tx:
        register.have_alone(tx)
        task = alert_store.get(tx, task_id)
        if not isinstance(task, Task) or task.code is not TaskCode.CONFIRM_MATCH:
            raise NotThere(NotThere.__doc__)
        with line.desk(tx) as desk:
            found = desk.shelf.load(task.stay)
            matches = matches_of(desk, found.stay)[0] if found else ()
            seen = _asked(task, matches)
            if found is None or seen is None:
                raise EvidenceChanged(EvidenceChanged.__doc__)
            answer = MatchDecision(
                registration=seen.registration.key,
                fingerprint=seen.fingerprint,
                is_same=is_same,
                by=actor,
                at=line.now(),
                subject=subject_of(found.stay),
                stay=task.stay,
            )
            register.decide_match(tx, answer)
            concerned = stay_store.concerned(tx, (seen.registration,))
            for stay_key in dict.fromkeys((task.stay, *concerned)):
                again(tx, desk, stay_key)


def take_back(line: Line, actor: str, decision_id: int, hospital: str) -> None:
    """Undo an answer about a patient of this hospital; what was told because of it is corrected."""
    with line.database.write(Rank.PAGE) as tx:
        register.have_alone(tx)
        answer = register.decision(tx, decision_id)
        with line.desk(tx) as desk:
            is_theirs = answer is not None and _is_of(desk, answer, hospital)
            if answer is None or not is_theirs or answer.taken_back_at is not None:
                raise NotTheirs(NotTheirs.__doc__)
            register.take_back(tx, decision_id, actor, line.now())
            registration = register.get(tx, answer.registration)
            concerned = stay_store.concerned(tx, (registration,) if registration else ())
            # Whoever holds something of it, the stays that have ended too.
            told = alert_store.stays_of(tx, answer.registration)
            for stay_key in dict.fromkeys((answer.stay, *concerned, *told)):
                again(tx, desk, stay_key)


def _asked(task: Task, matches: tuple[Match, ...]) -> Match | None:
    """The match that the Task asks about, if its evidence is still what was shown."""
    for seen in matches:
        is_it = seen.registration.key == task.registration
        if is_it and task.occasion and seen.fingerprint.startswith(task.occasion):
            return seen
    return None


def _is_of(desk: Desk, answer: MatchDecision, hospital: str) -> bool:
    found = desk.shelf.load(answer.stay) if answer.stay else None
    if found is None:
        return False
    return whereabouts(desk.site, found.stay.place).coordinator.code == hospital
