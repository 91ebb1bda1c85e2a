"""When it happened: the times of one message, and which of them is the event's own."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.model.doubts import DoubtKind
from alerts.model.events import Change, Cleared, EventKind, PlannedDate
from mapping.hl7.message import Message, Values
from mapping.hl7.reading import Reading
from mapping.hl7.times import ClockChange, Instant, day, instant, local_date

CANCELLING = frozenset(
    {
        EventKind.ADMISSION_CANCELLED,
        EventKind.DISCHARGE_CANCELLED,
        EventKind.PLAN_CANCELLED,
    }
)
"""Their EVN-6 is the time of what they cancel (HL7 v2.4 ch. 3)."""
_NOT_MOVING = frozenset({EventKind.UPDATED, EventKind.PERSON_UPDATED})
"""They happen when they are recorded: EVN-6 of an update says when something else happened."""
AHEAD = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)


def moment(segment: Values, path: str, reading: Reading) -> Change[datetime]:
    """A moment in UTC; None with a doubt where the stamp names none."""
    value = segment.get(path)
    if value is None or isinstance(value, Cleared):
        return value
    found = _instant(value, path, reading)
    return None if found is None else found.at


def _instant(value: str, path: str, reading: Reading) -> Instant | None:
    found = instant(value.strip(), reading.arrived_at, reading.dialect.zone)
    if found is not None and found.has_day and found.change is ClockChange.NONE:
        return found
    name = path.removesuffix(".1")
    if found is None or not found.has_day:
        reading.doubt(DoubtKind.TIME_UNREADABLE, name)
        return None
    twice = found.change is ClockChange.TWICE
    reading.doubt(DoubtKind.HOUR_TWICE if twice else DoubtKind.HOUR_SKIPPED, name)
    return found


def planned_from(message: Message, reading: Reading) -> Change[PlannedDate]:
    """The planned date of discharge, from the first of the feed's fields that holds one."""
    for field in reading.dialect.planned_date_fields:
        path = f"{field}.1"
        value = message.first(field[:3]).get(path)
        if value is None:
            continue
        if isinstance(value, Cleared):
            return value
        before = len(reading.doubts)
        found = _instant(value, path, reading)
        if found is None:
            del reading.doubts[before:]
            reading.doubt(DoubtKind.DATE_UNREADABLE, field)
            continue
        if found.has_hour:
            return PlannedDate(local_date(found.at, reading.dialect.zone), found.at)
        on = day(value.strip())
        if on is not None:
            return PlannedDate(on)
    return None


@dataclass(frozen=True, slots=True)
class Times:
    """The clocks of a message."""

    occurred_at: datetime
    recorded_at: datetime
    sent_at: datetime
    cancels_at: datetime | None = None


def times_of(message: Message, kind: EventKind, reading: Reading) -> Times:
    """EVN-6, else EVN-2, else MSH-7; of what cancels or updates EVN-2, else MSH-7."""
    evn = message.first("EVN")
    sent = _clock(message.first("MSH"), "MSH-7.1", reading)
    recorded = _clock(evn, "EVN-2.1", reading)
    sent_at = _at_the_latest(sent, reading)
    recorded_at = recorded.at if recorded is not None and recorded.has_hour else sent_at
    own, cancels_at = recorded, None
    if kind in CANCELLING:
        stamp = moment(evn, "EVN-6.1", reading)
        cancels_at = stamp if isinstance(stamp, datetime) else None
    elif kind not in _NOT_MOVING:
        own = _clock(evn, "EVN-6.1", reading) or recorded
    if own is None and sent is None:
        reading.doubt(DoubtKind.TIME_MISSING)
    occurred_at = recorded_at
    if own is not None:
        occurred_at = (
            own.at if own.has_hour else _of_day(own, message, kind, reading) or recorded_at
        )
    return Times(occurred_at, recorded_at, sent_at, cancels_at)


def _clock(segment: Values, path: str, reading: Reading) -> Instant | None:
    value = segment.get(path)
    if not isinstance(value, str):
        return None
    found = _instant(value, path, reading)
    if found is not None and found.at > reading.arrived_at + AHEAD:
        reading.doubt(DoubtKind.TIME_AHEAD, path.removesuffix(".1"))
        return None
    return found


def _at_the_latest(sent: Instant | None, reading: Reading) -> datetime:
    """When it was sent; of a bare day the last moment that it can have been."""
    if sent is None:
        return reading.arrived_at
    if sent.has_hour:
        return sent.at
    return min(sent.at + timedelta(days=1) - _INSTANT, reading.arrived_at)


def _of_day(bare: Instant, message: Message, kind: EventKind, reading: Reading) -> datetime | None:
    """The exact time on that day that the visit gives: of admission or of discharge."""
    path = {EventKind.ADMITTED: "PV1-44.1", EventKind.DISCHARGED: "PV1-45.1"}.get(kind)
    value = message.first("PV1").get(path) if path else None
    if not isinstance(value, str):
        return None
    zone = reading.dialect.zone
    exact = instant(value.strip(), reading.arrived_at, zone)
    if exact is None or not exact.has_hour:
        return None
    return exact.at if local_date(exact.at, zone) == local_date(bare.at, zone) else None
