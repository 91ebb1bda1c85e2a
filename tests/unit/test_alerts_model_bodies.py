"""What is kept as JSON comes back equal, whatever it is."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.model import bodies
from alerts.model.alert import Notice, Task
from alerts.model.doubts import Doubt, DoubtKind
from alerts.model.events import (
    CLEARED,
    AdtEvent,
    Answered,
    Cleared,
    EventKind,
    FactRecorded,
    PatientChange,
    Place,
    PlannedDate,
)
from alerts.model.register import Registration
from alerts.model.stay import Stay

AT = datetime(2026, 11, 23, 9, 0, 0, 123456, tzinfo=UTC)
CHANGEABLE = ("place", "patient_class", "admitted_at", "planned", "hiding", "sensitive", "died")

st.register_type_strategy(datetime, st.datetimes(timezones=st.just(UTC)))
st.register_type_strategy(str, st.text(st.characters(codec="utf-8"), max_size=20))


@settings(max_examples=25, deadline=None)
@given(st.from_type(AdtEvent) | st.from_type(FactRecorded) | st.from_type(Answered))
def test_every_event_comes_back_equal(event: AdtEvent | FactRecorded | Answered):
    back = bodies.event_from_text(*bodies.event_to_text(event))
    assert back == event


@settings(max_examples=25, deadline=None)
@given(st.from_type(Task) | st.from_type(Notice))
def test_every_task_and_notice_comes_back_equal(alert: Task | Notice):
    back = bodies.alert_from_text(*bodies.alert_to_text(alert))
    assert type(back) is type(alert)
    assert back == alert


@settings(max_examples=25, deadline=None)
@given(st.from_type(Stay))
def test_every_stay_comes_back_equal(stay: Stay):
    assert bodies.stay_from_text(bodies.stay_to_text(stay)) == stay


@settings(max_examples=25, deadline=None)
@given(st.from_type(Registration))
def test_every_registration_comes_back_equal(registration: Registration):
    text = bodies.registration_to_text(registration)
    assert bodies.registration_from_text(text) == registration


def test_a_cleared_field_stays_cleared_and_an_absent_one_absent():
    cleared = replace(AN_EVENT, **dict.fromkeys(CHANGEABLE, CLEARED))
    for name in CHANGEABLE:
        assert isinstance(getattr(_back(cleared), name), Cleared)
        assert getattr(_back(AN_EVENT), name) is None


def test_a_place_is_not_taken_for_cleared_nor_a_false_for_absent():
    event = replace(
        AN_EVENT,
        place=Place("L302H", "M7A"),
        planned=PlannedDate(date(2026, 11, 24)),
        died=False,
        next_of_kin=(),
        patient=PatientChange(identifiers=()),
    )
    assert _back(event) == event


def test_instants_come_back_aware_and_to_the_microsecond():
    assert _back(AN_EVENT).occurred_at == AT
    assert _back(AN_EVENT).occurred_at.utcoffset() is not None


def _back(event: AdtEvent) -> AdtEvent:
    back = bodies.event_from_text(*bodies.event_to_text(event))
    assert isinstance(back, AdtEvent)
    return back


AN_EVENT = AdtEvent(
    kind=EventKind.ADMITTED,
    occurred_at=AT,
    recorded_at=AT,
    sent_at=AT,
    control_id="C1",
    feed="pas",
    visit="V1",
)


def test_a_stay_of_the_release_before_keeps_its_doubts():
    stay = Stay(id="S1", feed="pas", visit="V1", died=True)
    old = json.loads(bodies.stay_to_text(stay))
    del old["doubts"]
    old["warnings"] = [
        "uncertain: the admission lies in the future",
        "two different NHS numbers",
        "a new place after the end of the stay was not followed",
    ]
    read = bodies.stay_from_text(json.dumps(old, separators=(",", ":")))
    kinds = (DoubtKind.UNCERTAIN_ADMISSION, DoubtKind.MOVED_AFTER_LEAVING)
    assert read == replace(stay, doubts=tuple(Doubt(kind) for kind in kinds))


def test_a_stay_of_the_release_before_without_doubts_has_none():
    stay = Stay(id="S1", feed="pas", visit="V1", doubts=(Doubt(DoubtKind.TIME_AHEAD),))
    assert bodies.stay_from_text(bodies.stay_to_text(stay)) == stay
    old = bodies.stay_to_text(Stay(id="S1", feed="pas", visit="V1"))
    assert bodies.stay_from_text(old[:-1] + ',"warnings":[]}').doubts == ()
