"""News for the centre: a planned date, its move, the discharge; and what of it still stands."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime

from alerts.hours import local_date
from alerts.model.alert import Alert, Notice, NoticeStatus, Recipient, RecipientKind
from alerts.model.doubts import DoubtKind
from alerts.model.site import NoticeEvent
from alerts.model.stay import StayStatus
from alerts.movements import uuid_of
from alerts.rules.gates import lists, silence
from alerts.rules.obligation import unsaid
from alerts.rules.results import Raise, Result
from alerts.rules.situation import Case

PLAN = (NoticeEvent.PLANNED, NoticeEvent.DATE_CHANGED)
CORRECTIONS = (NoticeEvent.CANCELLED, NoticeEvent.WITHDRAWN)


def planned(case: Case) -> tuple[Result, ...]:
    """``planned`` when a date is first known, ``date-changed`` when it is not the date told."""
    plan = case.stay.planned
    if plan is None or not case.stay.is_open:
        return ()
    told = standing_plan(case)
    # A date that has passed, or cannot be, brings nobody home.
    if case.stay.is_doubtful(DoubtKind.UNCERTAIN_PLAN):
        return () if told else unsaid(case, NoticeEvent.PLANNED, "the planned date cannot be")
    if plan.on < local_date(case.now):
        return () if told else unsaid(case, NoticeEvent.PLANNED, "the planned date has passed")
    earlier = told[-1].planned_on if told else case.stay.planned_before
    if not told and lists(case, NoticeEvent.PLANNED):
        return _unless_silent(case, _planned(case, plan.on))
    has_moved = earlier is not None and earlier != plan.on
    if not has_moved or not lists(case, NoticeEvent.DATE_CHANGED):
        return ()
    return _unless_silent(case, _date_changed(case, plan.on))


def discharged(case: Case) -> tuple[Result, ...]:
    """``discharged`` while it is news, once a discharge."""
    stay = case.stay
    if stay.status is not StayStatus.DISCHARGED:
        return ()
    if standing_discharge(case) or not lists(case, NoticeEvent.DISCHARGED):
        return ()
    if stay.is_doubtful(DoubtKind.DISCHARGE_WITHOUT_A03):
        return unsaid(case, NoticeEvent.DISCHARGED, "no discharge message has confirmed it")
    is_sure = not stay.is_doubtful(DoubtKind.UNCERTAIN_DISCHARGE)
    occasion = _unused(case, NoticeEvent.DISCHARGED, str(stay.discharges))
    left_at = stay.discharged_at if is_sure else None
    notice = _notice(case, NoticeEvent.DISCHARGED, occasion, happened_at=left_at)
    return _unless_silent(case, replace(notice, late=case.is_late))


def _unless_silent(case: Case, notice: Notice) -> tuple[Result, ...]:
    why = silence(case)
    if why is not None:
        return unsaid(case, notice.event, why)
    return (Raise(notice, case.stay.discharged_at, case.told_until),)


def standing(case: Case) -> tuple[Notice, ...]:
    """The news that the centre still believes, oldest first."""
    gone = undone(case.notices)
    found = [
        n
        for n in case.notices
        if n.event not in CORRECTIONS and n.status is NoticeStatus.COMPLETED and n.id not in gone
    ]
    return tuple(sorted(found, key=_place_in_chain))


def undone(alerts: Iterable[Alert]) -> frozenset[str]:
    """Ids of the notices that a correction takes back."""
    return frozenset(
        answered
        for n in alerts
        if isinstance(n, Notice) and n.event in CORRECTIONS and n.status is NoticeStatus.COMPLETED
        for answered in n.in_response_to
    )


def standing_plan(case: Case) -> tuple[Notice, ...]:
    """The planned date told, and its moves; the last is what the centre believes."""
    return tuple(n for n in standing(case) if n.event in PLAN)


def standing_discharge(case: Case) -> Notice | None:
    """The discharge told."""
    return next((n for n in standing(case) if n.event is NoticeEvent.DISCHARGED), None)


def notice_id(case: Case, event: NoticeEvent, occasion: str) -> str:
    """The same news always has the same id."""
    return uuid_of(case.stay.id, event.value, case.key, occasion)


def _planned(case: Case, on: date) -> Notice:
    occasion = _unused(case, NoticeEvent.PLANNED, str(case.stay.plans))
    return _notice(case, NoticeEvent.PLANNED, occasion, planned_on=on)


def _date_changed(case: Case, on: date) -> Notice:
    plan = f"{case.stay.plans}:"
    before = [n for n in case.notices if n.event is NoticeEvent.DATE_CHANGED]
    count = sum(n.occasion.startswith(plan) for n in before)
    occasion = f"{plan}{on.isoformat()}:{count}"
    return _notice(case, NoticeEvent.DATE_CHANGED, occasion, planned_on=on)


def _unused(case: Case, event: NoticeEvent, occasion: str) -> str:
    """News told again after it was taken back is a new notice."""
    used = {n.id for n in case.notices}
    attempt, count = occasion, 1
    while notice_id(case, event, attempt) in used:
        count += 1
        attempt = f"{occasion}#{count}"
    return attempt


def _notice(
    case: Case,
    event: NoticeEvent,
    occasion: str,
    planned_on: date | None = None,
    happened_at: datetime | None = None,
) -> Notice:
    return Notice(
        id=notice_id(case, event, occasion),
        event=event,
        stay=case.stay.id,
        registration=case.key,
        recipient=Recipient(RecipientKind.CENTRE, case.registration.centre),
        status=NoticeStatus.COMPLETED,
        decided_at=case.now,
        occasion=occasion,
        planned_on=planned_on,
        happened_at=happened_at,
    )


def _place_in_chain(notice: Notice) -> tuple[datetime, bool, int]:
    is_move = notice.event is NoticeEvent.DATE_CHANGED
    count = int(notice.occasion.rsplit(":", 1)[1]) if is_move else 0
    return notice.decided_at, is_move, count
