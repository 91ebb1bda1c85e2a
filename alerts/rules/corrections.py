"""Taking back what a centre was told: exactly one correction for each notice undone."""

from dataclasses import replace

from alerts.model.alert import Alert, Notice, NoticeStatus
from alerts.model.events import Answer
from alerts.model.site import NoticeEvent
from alerts.model.stay import StayStatus
from alerts.rules.gates import silence
from alerts.rules.news import PLAN, notice_id, standing
from alerts.rules.situation import Case, is_hidden


def corrections(case: Case) -> tuple[Alert, ...]:
    """``withdrawn`` for a wrong person or a restriction, ``cancelled`` where the world changed."""
    told = standing(case)
    if not told:
        return ()
    if not case.is_certain:
        return _withdrawn(case, told, is_wrong_person=True)  # also if that person died
    if case.stay.died:
        return _unsent(case, told)  # nothing more to anybody, least of all news of a homecoming
    if is_hidden(case.situation):
        return _withdrawn(case, told, is_wrong_person=False)
    if case.stay.status is StayStatus.CANCELLED:
        return _cancelled(case, told)
    changed = _overtaken(case, told) if case.stay.is_open else ()
    return (*changed, *_stopped(case, told, changed))


def seen(case: Case) -> tuple[Alert, ...]:
    """When somebody at the centre first said that they had seen a notice."""
    at = {a.alert: a.at for a in reversed(case.stay.answers) if a.answer is Answer.SEEN}
    return tuple(
        replace(n, seen_at=at[n.id]) for n in case.notices if n.seen_at is None and n.id in at
    )


def _overtaken(case: Case, told: tuple[Notice, ...]) -> tuple[Alert, ...]:
    discharges = tuple(n for n in told if n.event is NoticeEvent.DISCHARGED)
    plan = tuple(n for n in told if n.event in PLAN) if case.stay.planned is None else ()
    return (*_cancelled(case, discharges), *_cancelled(case, plan))


def _stopped(case: Case, told: tuple[Notice, ...], changed: tuple[Alert, ...]) -> tuple[Alert, ...]:
    """Where an agreement ends before a notice went out, it does not go out any more."""
    if silence(case) is None:
        return ()
    done = {alert.id for alert in changed}
    return tuple(n for n in _unsent(case, told) if n.id not in done)


def _cancelled(case: Case, told: tuple[Notice, ...]) -> tuple[Alert, ...]:
    """One for all of them, to whoever holds them."""
    sent = _sent(case, told)
    answer = (_correction(case, NoticeEvent.CANCELLED, sent),) if sent else ()
    return (*_unsent(case, told), *answer)


def _withdrawn(case: Case, told: tuple[Notice, ...], is_wrong_person: bool) -> tuple[Alert, ...]:
    """One each; what was wrong about the person becomes entered in error."""
    sent = _sent(case, told)
    wrong = sent if is_wrong_person else ()
    return (
        *_unsent(case, told),
        *(_correction(case, NoticeEvent.WITHDRAWN, (n,)) for n in sent),
        *(replace(n, status=NoticeStatus.ENTERED_IN_ERROR) for n in wrong),
    )


def _sent(case: Case, told: tuple[Notice, ...]) -> tuple[Notice, ...]:
    return tuple(n for n in told if n.id not in case.situation.unsent)


def _unsent(case: Case, told: tuple[Notice, ...]) -> tuple[Alert, ...]:
    """What waits in the outbox never leaves and needs no correction."""
    return tuple(
        replace(n, status=NoticeStatus.NOT_DONE) for n in told if n.id in case.situation.unsent
    )


def _correction(case: Case, event: NoticeEvent, answered: tuple[Notice, ...]) -> Notice:
    ids = tuple(n.id for n in answered)
    return Notice(
        id=notice_id(case, event, ",".join(ids)),
        event=event,
        stay=case.stay.id,
        registration=case.key,
        recipient=answered[-1].recipient,
        status=NoticeStatus.COMPLETED,
        decided_at=case.now,
        in_response_to=ids,
    )
