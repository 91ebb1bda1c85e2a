"""Whatever the order of arrival, the end is the same as in order of event time."""

import time
from dataclasses import replace
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.decide import decide
from alerts.model.alert import TaskCode
from alerts.model.events import PROOFS, AdtEvent, Hiding, StayEvent
from alerts.model.register import Sharing
from tests.support.desk import (
    SILENT_WARD,
    STRANGE_WARD,
    WARD_4,
    WARD_7A,
    Desk,
    a01,
    a02,
    a03,
    a08,
    a11,
    a13,
    a16,
    a25,
    a_fact,
    a_registration,
)

DAYS = (date(2026, 11, 20), date(2026, 11, 21))
PLACES = (WARD_7A, WARD_4, SILENT_WARD, STRANGE_WARD)
MAKE = {
    "transfer": lambda hours, day: a02(hours),
    "plan": a16,
    "unplan": lambda hours, day: a25(hours),
    "leave": lambda hours, day: a03(hours),
    "return": lambda hours, day: a13(hours),
    "update": lambda hours, day: a08(hours),
    "hide": lambda hours, day: a08(hours, hiding=Hiding.LOCAL),
    "show": lambda hours, day: a08(hours, hiding=Hiding.NONE),
    "fact": lambda hours, day: a_fact(PROOFS[int(hours * 2) % 4], hours),
    "die": lambda hours, day: a08(hours, died=True),
}
ANY_TIME = ("update", "hide", "show", "fact", "die")
WHILE_HERE = (*ANY_TIME, "transfer", "plan", "plan", "unplan", "leave", "leave")
AFTER_LEAVING = (*ANY_TIME, "return", "return")
REGISTRATIONS = (
    a_registration(),
    a_registration(sharing=Sharing.REFUSED),
    a_registration(agrees_events=False),
)


@st.composite
def legal_stays(draw) -> list[StayEvent]:
    """An admission and up to seven things that may follow one another, half an hour apart."""
    events: list[StayEvent] = [a01(0)]
    is_open, place = True, WARD_7A
    for number in range(1, draw(st.integers(1, 7)) + 1):
        step = draw(st.sampled_from(WHILE_HERE if is_open else AFTER_LEAVING))
        place = draw(st.sampled_from(PLACES)) if step == "transfer" else place
        is_open = {"leave": False, "return": True}.get(step, is_open)
        made = MAKE[step](number / 2, draw(st.sampled_from(DAYS)))
        events.append(made if step == "fact" else replace(made, place=place))
    if draw(st.integers(0, 5)) == 0:
        events.append(a11(5, place=place))
    return events


def ends_with(desk: Desk) -> dict[str, object]:
    """What desks are asked and what the centre believes.

    Not of the dead, who are news to nobody; nor once the patient was on a ward that tells nobody:
    what was told before stands, and what is learned after is not told.
    """
    messages = [e for e in desk.events if isinstance(e, AdtEvent)]
    is_told = all(e.place in (WARD_7A, WARD_4) for e in messages) and not desk.stay.died
    return {"open": desk.open_tasks()} | (desk.belief() if is_told else {})


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(REGISTRATIONS),
    legal_stays().flatmap(lambda e: st.tuples(st.just(e), st.permutations(e))),
)
def test_any_order_of_arrival_ends_like_the_order_of_event_time(registration, orders):
    in_order, shuffled = orders
    messages_first = sorted(shuffled, key=lambda e: hasattr(e, "fact"))
    one = Desk(register=(registration,)).tell(*in_order)
    other = Desk(register=(registration,), now=one.now).tell(*messages_first)
    assert ends_with(other) == ends_with(one)
    for task in one.tasks(TaskCode.INVOLVE_CARER):
        for same in other.tasks(TaskCode.INVOLVE_CARER):
            assert (same.id, same.status, same.state) == (task.id, task.status, same.state)


@settings(max_examples=20, deadline=None)
@given(legal_stays())
def test_a_message_sent_again_changes_nothing(events):
    once = Desk().tell(*events)
    again = Desk().tell(*events)
    said = again.said()
    messages = [e for e in events if hasattr(e, "control_id")]
    again.tell(*(replace(e, control_id=f"AGAIN{n}") for n, e in enumerate(messages)))
    assert again.said() == said == once.said()


def test_a_decision_takes_less_than_a_millisecond():
    desk = Desk().tell(a01(), a16(1, DAYS[0]), a16(2, DAYS[1]), a03(5))
    situation = desk.situation()
    started = time.perf_counter()
    for _ in range(200):
        decide(situation)
    assert (time.perf_counter() - started) / 200 < 0.002
