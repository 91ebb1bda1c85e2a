"""Taking back what a centre was told: one correction for each carer, centre and cause."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from alerts.hours import at_hour, local_date
from alerts.model.alert import Alert, Notice, NoticeStatus
from alerts.model.events import Answer
from alerts.model.site import NoticeEvent
from alerts.model.stay import StayStatus
from alerts.rules.gates import lists, shares_discharge, silence
from alerts.rules.news import PLAN, notice_id, standing
from alerts.rules.results import Raise, Result, Wake, raised
from alerts.rules.situation import Case, is_hidden


def corrections(case: Case) -> tuple[Result, ...]:
    """``withdrawn`` where it may not be known, ``cancelled`` where the world changed (§7.1)."""
    told = standing(case)
    if not told:
        return ()
    return tuple(Raise(alert, at_once=True) for alert in _corrected(case, told))


def _corrected(case: Case, told: tuple[Notice, ...]) -> tuple[Alert, ...]:
    if _may_not_be_known(case):
        return _withdrawn(case, told)
    if case.stay.status is StayStatus.CANCELLED or not case.stay.is_inpatient:
        return _cancelled(case, told)
    changed = _overtaken(case, told) if case.stay.is_open else ()
    done = {alert.id for alert in changed}
    return (*changed, *_kept_back(case, tuple(n for n in told if n.id not in done)))


def seen(case: Case) -> tuple[Result, ...]:
    """When somebody at the centre first said that they had seen a notice."""
    at = {a.alert: a.at for a in reversed(case.stay.answers) if a.answer is Answer.SEEN}
    return raised(
        *(replace(n, seen_at=at[n.id]) for n in case.notices if n.seen_at is None and n.id in at)
    )


def last_days(case: Case) -> tuple[Result, ...]:
    """Ask again on each day on which an agreement is another than the day before."""
    if case.match is None:
        return ()
    registration, days = case.registration, []
    if registration.ended_on is not None:
        days.append(registration.ended_on)
    if registration.passport_expires_on is not None:
        days.append(registration.passport_expires_on + timedelta(days=1))
    return tuple(Wake(at_hour(day, 0)) for day in days)


def _may_not_be_known(case: Case) -> bool:
    """A wrong person, a restriction, a death, or an agreement that does not hold any more."""
    if not case.is_certain or is_hidden(case.situation):
        return True
    return not _is_long_over(case) and (case.stay.died or not _is_agreed(case))


def _is_agreed(case: Case) -> bool:
    registration = case.registration
    agrees = registration.agrees_hospital and registration.agrees_events
    is_over = case.match is not None and case.match.ended
    return agrees and not is_over and shares_discharge(registration, local_date(case.now))


def _is_long_over(case: Case) -> bool:
    left_at = case.stay.discharged_at
    for_days = timedelta(days=case.situation.policy.correct_for)
    return left_at is not None and case.now - left_at > for_days


def _overtaken(case: Case, told: tuple[Notice, ...]) -> tuple[Alert, ...]:
    discharges = tuple(n for n in told if n.event is NoticeEvent.DISCHARGED)
    plan = tuple(n for n in told if n.event in PLAN) if case.stay.planned is None else ()
    return (*_cancelled(case, discharges), *_cancelled(case, plan))


def _kept_back(case: Case, told: tuple[Notice, ...]) -> tuple[Alert, ...]:
    """What did not leave for sure and may not leave as things are now; who has it, keeps it."""
    situation = case.situation
    here = situation.unsent | situation.in_doubt
    is_held = any(n.id not in here for n in told)
    kept = tuple(n for n in told if n.id in here and not _may_leave(case, n, is_held))
    return _withdrawn(case, kept) if kept else ()


def _may_leave(case: Case, notice: Notice, is_held: bool) -> bool:
    """Whoever holds a date hears that it moved, wherever the patient lies by now."""
    if not lists(case, notice.event):
        return False
    is_move = notice.event is NoticeEvent.DATE_CHANGED and is_held
    return is_move or silence(case) is None


def _cancelled(case: Case, told: tuple[Notice, ...]) -> tuple[Alert, ...]:
    """One for all of them; what may have arrived is not left standing as it was."""
    out = _out(case, told)
    return (
        *_unsent(case, told),
        *_in_error(n for n in out if n.id in case.situation.in_doubt),
        *_correction(case, NoticeEvent.CANCELLED, out),
    )


def _withdrawn(case: Case, told: tuple[Notice, ...]) -> tuple[Alert, ...]:
    """One for all of them, which then say nothing any more."""
    out = _out(case, told)
    return (
        *_unsent(case, told),
        *_in_error(out),
        *_correction(case, NoticeEvent.WITHDRAWN, out),
    )


def _out(case: Case, told: tuple[Notice, ...]) -> tuple[Notice, ...]:
    return tuple(n for n in told if n.id not in case.situation.unsent)


def _unsent(case: Case, told: tuple[Notice, ...]) -> tuple[Alert, ...]:
    """What waits in the outbox never leaves and needs no correction."""
    return tuple(
        replace(n, status=NoticeStatus.NOT_DONE) for n in told if n.id in case.situation.unsent
    )


def _in_error(told: Iterable[Notice]) -> tuple[Notice, ...]:
    return tuple(replace(n, status=NoticeStatus.ENTERED_IN_ERROR) for n in told)


def _correction(case: Case, event: NoticeEvent, answered: tuple[Notice, ...]) -> tuple[Notice, ...]:
    if not answered:
        return ()
    ids = tuple(n.id for n in answered)
    return (
        Notice(
            id=notice_id(case, event, ",".join(ids)),
            event=event,
            stay=case.stay.id,
            registration=case.key,
            recipient=answered[-1].recipient,
            status=NoticeStatus.COMPLETED,
            decided_at=case.now,
            in_response_to=ids,
        ),
    )
