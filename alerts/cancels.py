"""What a cancel takes back: paired by ZBE-1, else by its times, else the newest of its kind."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time

from alerts.hours import local, local_date
from alerts.model.doubts import Doubt, DoubtKind
from alerts.model.events import AdtEvent, EventKind, PlannedDate

CANCELS = {
    EventKind.ADMISSION_CANCELLED: EventKind.ADMITTED,
    EventKind.DISCHARGE_CANCELLED: EventKind.DISCHARGED,
    EventKind.PLAN_CANCELLED: EventKind.DISCHARGE_PLANNED,
}
"""What each cancelling event takes back."""
CANCELLABLE = (EventKind.ADMITTED, EventKind.DISCHARGED)
"""Kinds that may come after their cancel and are void then; a plan made anew is a new plan."""

_UNKNOWN = Doubt(DoubtKind.CANCELLED_UNKNOWN_EVENT)


@dataclass(frozen=True, slots=True)
class Settled:
    """The messages as they count, in their order; what counts for nothing is a mere update."""

    events: tuple[AdtEvent, ...]
    waits: bool
    """A cancel names what has not come: an original that comes later may be void."""


def settle(events: Sequence[AdtEvent]) -> Settled:
    """Pair the cancels of one stay's messages, given in order of event time.

    A cancel of what does not stand any more changes nothing, and what comes after its own
    cancel never stood.
    """
    named = {at: _named(at, events) for at, e in enumerate(events) if e.kind in CANCELS}
    if not named:
        return Settled(tuple(events), waits=False)
    void = {late for at in named for late in _too_late(at, named[at], events)}
    waits = any(_is_waiting(events[at], at, found) for at, found in named.items())
    standing: dict[EventKind, int | None] = {}
    settled = []
    for at, event in enumerate(events):
        if at in void:
            settled.append(_mere_update(event))
        elif event.kind in CANCELS:
            settled.append(_as_cancel(at, named[at], events, standing))
        else:
            settled.append(event)
            if event.kind in CANCELLABLE:
                standing[event.kind] = at
    return Settled(tuple(settled), waits)


def as_read_now(event: AdtEvent) -> AdtEvent:
    """The event as it is read today: releases before took EVN-6 of a cancel for its own time."""
    if event.kind not in CANCELS or event.cancels_at is not None:
        return event
    if event.occurred_at == event.recorded_at:
        return event
    return replace(event, occurred_at=event.recorded_at, cancels_at=event.occurred_at)


def _as_cancel(
    at: int,
    named: Sequence[int],
    events: Sequence[AdtEvent],
    standing: dict[EventKind, int | None],
) -> AdtEvent:
    """The cancel itself, or a mere update where what it takes back does not stand."""
    cancel = events[at]
    original = CANCELS[cancel.kind]
    if not named and not any(_is_original(cancel, e) for e in events[:at]):
        cancel = replace(cancel, doubts=(*cancel.doubts, _UNKNOWN))
    if original is EventKind.DISCHARGE_PLANNED:
        return replace(cancel, planned=events[named[-1]].planned if named else None)
    stands = standing.get(original)
    is_early = stands is None and bool(named) and named[0] > at
    if named and stands not in named and not is_early:
        return _mere_update(cancel)
    standing[original] = None
    return cancel


def _named(at: int, events: Sequence[AdtEvent]) -> list[int]:
    """Places of the originals that the cancel names: those before it, else those after it."""
    cancel = events[at]
    originals = [n for n, e in enumerate(events) if _is_original(cancel, e)]
    if cancel.movement is not None:
        same = [n for n in originals if events[n].movement == cancel.movement]
        if same:
            return _nearest(at, same)
    if cancel.cancels_at is None:
        return []
    if cancel.kind is EventKind.PLAN_CANCELLED:
        return [n for n in originals if n < at and _is_plan_of(events[n], cancel.cancels_at)]
    exact = [n for n in originals if _is_among(cancel.cancels_at, _times(events[n]))]
    if not exact and _is_bare_day(cancel.cancels_at):
        on = local_date(cancel.cancels_at)
        exact = [n for n in originals if n < at and on in map(local_date, _times(events[n]))]
    return _nearest(at, exact)


def _nearest(at: int, named: Sequence[int]) -> list[int]:
    return [n for n in named if n < at] or list(named)


def _too_late(at: int, named: Sequence[int], events: Sequence[AdtEvent]) -> list[int]:
    """Originals that came after their cancel by event time: the first of them, sent twice too."""
    if not named or named[0] < at or events[at].kind is EventKind.PLAN_CANCELLED:
        return []
    first = events[named[0]]
    return [n for n in named if events[n].occurred_at == first.occurred_at]


def _is_waiting(cancel: AdtEvent, at: int, named: Sequence[int]) -> bool:
    if cancel.kind is EventKind.PLAN_CANCELLED or (named and named[0] < at):
        return False
    return cancel.movement is not None or cancel.cancels_at is not None


def _is_original(cancel: AdtEvent, event: AdtEvent) -> bool:
    if cancel.kind is EventKind.PLAN_CANCELLED:
        return isinstance(event.planned, PlannedDate) and event.kind not in CANCELS
    return event.kind is CANCELS[cancel.kind]


def _times(event: AdtEvent) -> Iterable[datetime]:
    said = event.admitted_at if event.kind is EventKind.ADMITTED else event.discharged_at
    return (event.occurred_at, said) if isinstance(said, datetime) else (event.occurred_at,)


def _is_among(wanted: datetime, times: Iterable[datetime]) -> bool:
    """Equal, or equal to the minute where one of the two names no second."""
    return any(
        wanted == t or (0 in (wanted.second, t.second) and _minute(wanted) == _minute(t))
        for t in times
    )


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def _is_bare_day(at: datetime) -> bool:
    """Local midnight is how a date without an hour is read."""
    return local(at).time() == time.min


def _is_plan_of(event: AdtEvent, wanted: datetime) -> bool:
    """EVN-6 of a cancelled plan is the date that was planned, or when it was planned."""
    planned = event.planned.on if isinstance(event.planned, PlannedDate) else None
    return planned == local_date(wanted) or _is_among(wanted, (event.occurred_at,))


def _mere_update(event: AdtEvent) -> AdtEvent:
    """What it says of the person and the ward, without the movement."""
    return replace(
        event,
        kind=EventKind.UPDATED,
        discharged_at=None,
        planned=None,
        method=None,
        destination=None,
    )
