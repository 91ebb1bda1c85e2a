"""Every gate, open and closed: what keeps news in the hospital and what a centre listens to."""

from datetime import date

import pytest

from alerts.model.alert import (
    RecipientKind,
)
from alerts.model.events import Hiding
from alerts.model.register import Sharing
from alerts.model.site import Feed, NoticeEvent
from tests.support.desk import (
    ALL_EVENTS,
    Desk,
    a01,
    a03,
    a16,
    a25,
    a_centre,
    a_registration,
    a_site,
)

FRIDAY = date(2026, 11, 20)
SATURDAY = date(2026, 11, 21)

GATES = [
    ({"agrees_events": False}, {}, True, "the carer does not want to hear of events"),
    ({"agrees_hospital": False}, {}, False, "the carer does not agree to the hospital"),
    ({"sharing": Sharing.REFUSED}, {}, True, "the patient refuses"),
    ({"sharing": Sharing.UNKNOWN}, {}, True, "nobody asked the patient"),
    ({"sharing": Sharing.TOPICS, "topics": ("medication",)}, {}, True, "other topics only"),
    ({"ended_on": date(2026, 11, 16)}, {}, False, "the registration ended today"),
    ({}, {"hiding": Hiding.LOCAL}, True, "hidden locally"),
    ({}, {"hiding": Hiding.NATIONAL}, True, "hidden nationally"),
    ({}, {"sensitive": True}, True, "discretion was asked for"),
    ({"centre": "NOWHERE"}, {}, True, "a centre that the site file does not name"),
]


@pytest.mark.parametrize(("agreed", "said", "ward_is_asked", "comment"), GATES)
def test_a_closed_gate_keeps_everything_in_the_hospital(agreed, said, ward_is_asked, comment):
    desk = Desk(register=(a_registration(**agreed),))
    desk.tell(a01(**said), a16(1, FRIDAY), a03(5))
    outside = [a for a in desk.raised.values() if a.recipient.kind is RecipientKind.CENTRE]
    assert outside == [], comment
    assert bool(desk.raised) is ward_is_asked, comment


def test_the_topic_discharge_opens_the_gate():
    shared = a_registration(sharing=Sharing.TOPICS, topics=("medication", "discharge"))
    desk = Desk(register=(shared,)).tell(a01(), a16(1, FRIDAY))
    assert len(desk.notices(NoticeEvent.PLANNED)) == 1


def test_a_registration_that_ends_tomorrow_still_counts():
    desk = Desk(register=(a_registration(ended_on=date(2026, 11, 17)),)).tell(a01())
    assert desk.said() == ["involve-carer requested"]


@pytest.mark.parametrize(("hiding", "leaves"), [(None, 0), (Hiding.NONE, 1)])
def test_a_feed_may_hide_what_is_not_known(hiding, leaves):
    desk = Desk(site=a_site(feeds=(Feed("pas", hidden_when_unknown=True),)))
    desk.tell(a01(hiding=hiding), a16(1, FRIDAY))
    assert len(desk.notices(NoticeEvent.PLANNED)) == leaves


LISTS = [
    ((NoticeEvent.PLANNED,), ["planned", "cancelled"], "the move is not told, the end is"),
    ((NoticeEvent.DATE_CHANGED,), ["date-changed", "cancelled"], "the move alone"),
    ((NoticeEvent.DISCHARGED,), [], "not the plan"),
    (ALL_EVENTS, ["planned", "date-changed", "cancelled"], "all"),
]


@pytest.mark.parametrize(("events", "expected", "comment"), LISTS)
def test_a_centre_hears_only_what_it_lists_and_every_correction(events, expected, comment):
    desk = Desk(site=a_site(centres=a_centre(*events)))
    desk.tell(a01(), a16(1, FRIDAY), a16(2, SATURDAY), a25(3))
    told = [a.event.value for a in desk.raised.values() if a.registration and hasattr(a, "event")]
    assert told == expected, comment


def test_contact_carer_needs_the_discharge_on_the_list():
    desk = Desk(site=a_site(centres=a_centre(NoticeEvent.PLANNED))).tell(a01(), a03(5))
    assert desk.said() == ["involve-carer failed", "repair-missed requested"]
