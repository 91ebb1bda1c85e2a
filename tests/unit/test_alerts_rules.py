"""Each row of what an event does, alone and with its messages in another order of arrival."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from alerts.model.alert import (
    MatchDecision,
    NoticeStatus,
    RecipientKind,
    TaskCode,
    TaskState,
    TaskStatus,
)
from alerts.model.events import Answer, FactKind, Hiding, PatientClass, Place, PlannedDate
from alerts.model.identity import Identifier, IdentifierKind
from alerts.model.register import Sharing
from alerts.model.site import Centre, Feed, NoticeEvent
from tests.support.desk import (
    ALL_EVENTS,
    NUMBER,
    PATIENT,
    SILENT_WARD,
    STRANGE_WARD,
    WARD_4,
    Desk,
    a01,
    a02,
    a03,
    a08,
    a11,
    a13,
    a16,
    a25,
    a_centre,
    a_fact,
    a_registration,
    a_site,
    all_proofs,
    at,
)

FRIDAY = date(2026, 11, 20)
SATURDAY = date(2026, 11, 21)
LEFT = ["contact-carer requested", "involve-carer failed", "notice discharged completed"]
MISSED = [*LEFT, "repair-missed requested"]
UNDONE = [
    "contact-carer cancelled",
    "involve-carer requested",
    "notice cancelled completed",
    "notice discharged completed",
    "repair-missed cancelled",
]
DIED = ["bereavement-support requested", "involve-carer cancelled"]

ROWS = [
    ([a01()], ["involve-carer requested"], "an admission asks the ward"),
    ([a08(1)], ["involve-carer requested"], "an update for an unknown stay opens it"),
    ([a01(patient_class=PatientClass.EMERGENCY)], [], "not an inpatient yet"),
    (
        [a01(patient_class=PatientClass.EMERGENCY), a08(1)],
        ["involve-carer requested"],
        "the first event that shows an inpatient stay",
    ),
    ([a01(patient_class=PatientClass.UNKNOWN)], ["involve-carer requested"], "unknown counts"),
    ([a01(patient_class=None)], ["involve-carer requested"], "empty counts"),
    (
        [a01(), a16(1, FRIDAY)],
        ["involve-carer requested", "notice planned completed"],
        "a date first known",
    ),
    (
        [a01(planned=PlannedDate(FRIDAY))],
        ["involve-carer requested", "notice planned completed"],
        "from any event",
    ),
    (
        [a01(), a16(1, FRIDAY), a16(2, SATURDAY)],
        [
            "involve-carer requested",
            "notice date-changed completed",
            "notice planned completed",
        ],
        "a date that moved",
    ),
    (
        [a01(), a16(2, SATURDAY), a16(1, FRIDAY)],
        ["involve-carer requested", "notice planned completed"],
        "an older date that comes late tells nobody",
    ),
    (
        [a01(), a16(1, FRIDAY), a16(2, FRIDAY)],
        ["involve-carer requested", "notice planned completed"],
        "the same date again",
    ),
    ([a01(), a02(1)], ["involve-carer requested"], "the same Task after a transfer"),
    (
        [a01(), a16(1, FRIDAY), a25(2)],
        ["involve-carer requested", "notice cancelled completed", "notice planned completed"],
        "the plan is cancelled",
    ),
    (
        [a01(), a16(1, FRIDAY), a16(2, SATURDAY), a25(3)],
        [
            "involve-carer requested",
            "notice cancelled completed",
            "notice date-changed completed",
            "notice planned completed",
        ],
        "one correction for the whole chain",
    ),
    ([a01(), a25(2), a16(1, FRIDAY)], ["involve-carer requested"], "a cancel before its plan"),
    ([a01(), a25(2)], ["involve-carer requested"], "nothing went out, nothing to cancel"),
    ([a01(), a11(1)], ["involve-carer cancelled"], "the admission is cancelled"),
    ([a11(1), a01()], [], "a cancel before its admission"),
    (
        [a01(), a16(1, FRIDAY), a11(2)],
        ["involve-carer cancelled", "notice cancelled completed", "notice planned completed"],
        "and the centre is told, for it was told before",
    ),
    ([a01(), a03(5)], sorted(MISSED), "left with the record incomplete"),
    ([a03(5), a01()], sorted(MISSED), "the discharge came first"),
    ([a03(5)], sorted(MISSED), "the admission never came"),
    (
        [a01(), *all_proofs(2), a03(5)],
        sorted(["involve-carer completed", *LEFT[:1], LEFT[2]]),
        "left with the record complete",
    ),
    (
        [a01(), a03(5), *all_proofs(4)],
        sorted([LEFT[0], LEFT[2], "involve-carer completed", "repair-missed cancelled"]),
        "it happened before, it was written down after",
    ),
    ([a01(), a03(5), *all_proofs(6)], sorted(MISSED), "proofs after leaving do not count"),
    ([a01(), a03(5), a13(6)], UNDONE, "the discharge is cancelled"),
    ([a01(), a13(6), a03(5)], ["involve-carer requested"], "a cancel before its discharge"),
    (
        [a01(), a03(5), a13(6), a03(7)],
        sorted(
            [
                *MISSED,
                "contact-carer cancelled",
                "notice cancelled completed",
                "notice discharged completed",
                "repair-missed cancelled",
            ]
        ),
        "left a second time",
    ),
    ([a01(), a03(5), a03(6)], sorted(MISSED), "the same discharge again"),
    ([a01(), a03(5), a08(6)], sorted(MISSED), "an update never reopens"),
    ([a01(), a03(5), a02(6)], sorted(MISSED), "a transfer after leaving never reopens"),
    (
        [a01(), a03(5), a11(6)],
        sorted(
            [
                "contact-carer cancelled",
                "involve-carer cancelled",
                "repair-missed cancelled",
                "notice cancelled completed",
                "notice discharged completed",
            ]
        ),
        "there never was an admission",
    ),
    ([a01(), a08(1, died=True)], DIED, "the patient died"),
    ([a01(), a03(5, died=True)], DIED, "left by death"),
    ([a03(5, died=True), a01()], DIED[:1], "the death came first"),
    (
        [a01(), a16(1, FRIDAY), a08(2, died=True), a03(3)],
        [*DIED, "notice planned completed"],
        "nothing more to the centre, not even a correction",
    ),
    (
        [a01(), a03(5), a08(6, died=True)],
        sorted(
            [
                DIED[0],
                "contact-carer cancelled",
                "involve-carer failed",
                "notice discharged completed",
                "repair-missed cancelled",
            ]
        ),
        "a death after leaving",
    ),
    (
        [a01(), a08(1, died=True), a08(2, died=False)],
        ["bereavement-support cancelled", "involve-carer requested"],
        "said in error",
    ),
    ([a01(place=SILENT_WARD), a16(1, FRIDAY, place=SILENT_WARD)], [], "a ward not live"),
    ([a01(), a02(1, SILENT_WARD)], ["involve-carer cancelled"], "moved to a ward not live"),
    ([a01(place=SILENT_WARD), a02(1)], ["involve-carer requested"], "moved to a live one"),
    (
        [a01(place=STRANGE_WARD), a16(1, FRIDAY, place=STRANGE_WARD)],
        ["involve-carer requested"],
        "an unknown ward: nothing leaves",
    ),
    (
        [a01(place=STRANGE_WARD), a03(5, place=STRANGE_WARD)],
        ["involve-carer failed", "repair-missed requested"],
        "an unknown ward: nothing leaves at discharge",
    ),
    ([a01(), a03(1), a11(2), a01(3)], None, "an admission after a cancelled one opens it again"),
]


@pytest.mark.parametrize(("arrival", "expected", "comment"), ROWS, ids=[r[2] for r in ROWS])
def test_each_row_of_the_table_does_what_it_says(arrival, expected, comment):
    desk = Desk().tell(*arrival)
    if expected is None:
        assert desk.task(TaskCode.INVOLVE_CARER).status is TaskStatus.REQUESTED
    else:
        assert desk.said() == sorted(expected), comment


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


def test_a_transfer_moves_the_task_to_the_new_ward():
    desk = Desk().tell(a01())
    before = desk.task(TaskCode.INVOLVE_CARER)
    desk.tell(a02(1))
    after = desk.task(TaskCode.INVOLVE_CARER)
    assert (before.id, before.recipient.code) == (after.id, "L302H/M7A")
    assert after.recipient.code == "L302H/M4"
    assert after.authored_at == before.authored_at


def test_an_unknown_ward_goes_to_the_coordinator_of_its_hospital():
    desk = Desk().tell(a01(place=STRANGE_WARD))
    recipient = desk.task(TaskCode.INVOLVE_CARER).recipient
    assert (recipient.kind, recipient.code) == (RecipientKind.COORDINATOR, "L302H")


@pytest.mark.parametrize("place", [None, Place("XXXX", "M7A"), Place("", "ZZ")])
def test_a_place_that_nobody_knows_still_reaches_a_person(place):
    desk = Desk().tell(a01(place=place))
    assert desk.task(TaskCode.INVOLVE_CARER).recipient.code == "L302H"


def test_a_ward_without_its_hospital_is_found_if_only_one_has_that_code():
    desk = Desk().tell(a01(place=Place("", "M7A")))
    assert desk.task(TaskCode.INVOLVE_CARER).recipient.code == "L302H/M7A"


def test_the_probe_is_decided_like_a_live_ward_and_tells_no_centre():
    probe = Place("THINKCARER", "PROBE")
    desk = Desk().tell(a01(place=probe), a16(1, FRIDAY, place=probe), a03(5, place=probe))
    assert desk.said() == ["involve-carer failed", "repair-missed requested"]
    assert desk.task(TaskCode.INVOLVE_CARER).recipient.code == "THINKCARER/PROBE"


STATES = [
    ([], TaskState.NOT_INFORMED, TaskStatus.REQUESTED),
    ([FactKind.LIKELY], TaskState.NOT_INFORMED, TaskStatus.IN_PROGRESS),
    ([FactKind.INFORMED], TaskState.INFORMED, TaskStatus.IN_PROGRESS),
    ([FactKind.INFORMED, FactKind.INVITED], TaskState.VIEWS_INVITED, TaskStatus.IN_PROGRESS),
    ([FactKind.VIEWS], TaskState.VIEWS_RECORDED, TaskStatus.IN_PROGRESS),
    ([FactKind.ACCOUNT_TAKEN, FactKind.ABLE], TaskState.ACCOUNT_TAKEN, TaskStatus.IN_PROGRESS),
]


@pytest.mark.parametrize(("recorded", "state", "status"), STATES)
def test_the_state_is_the_furthest_proof(recorded, state, status):
    desk = Desk().tell(a01(), *(a_fact(f, 1 + n) for n, f in enumerate(recorded)))
    task = desk.task(TaskCode.INVOLVE_CARER)
    assert (task.state, task.status) == (state, status)


def test_a_proof_taken_back_is_not_recorded():
    informed = a_fact(FactKind.INFORMED, 1)
    desk = Desk().tell(a01(), informed, replace(informed, at=at(2), undone=True))
    task = desk.task(TaskCode.INVOLVE_CARER)
    assert (task.state, task.status) == (TaskState.NOT_INFORMED, TaskStatus.REQUESTED)


def test_refused_sharing_is_shown_whatever_is_recorded():
    desk = Desk(register=(a_registration(sharing=Sharing.REFUSED),))
    desk.tell(a01(), a_fact(FactKind.INVITED, 1))
    assert desk.task(TaskCode.INVOLVE_CARER).state is TaskState.SHARE_NOTHING
    desk.tell(a_fact(FactKind.VIEWS, 2), a_fact(FactKind.ACCOUNT_TAKEN, 3), a03(5))
    task = desk.task(TaskCode.INVOLVE_CARER)
    assert (task.status, task.state) == (TaskStatus.COMPLETED, TaskState.SHARE_NOTHING)


def test_refused_sharing_still_needs_the_other_proofs():
    desk = Desk(register=(a_registration(sharing=Sharing.REFUSED),))
    desk.tell(a01(), a_fact(FactKind.INVITED, 1), a03(5))
    task = desk.task(TaskCode.INVOLVE_CARER)
    assert (task.status, task.state) == (TaskStatus.FAILED, TaskState.SHARE_NOTHING)


def test_the_discharge_cancelled_brings_back_the_same_task_as_it_was():
    desk = Desk().tell(a01(), a_fact(FactKind.INFORMED, 1), a03(5))
    failed = desk.task(TaskCode.INVOLVE_CARER)
    assert (failed.status, failed.state) == (TaskStatus.FAILED, TaskState.MISSED)
    desk.tell(a13(6))
    task = desk.task(TaskCode.INVOLVE_CARER)
    assert (task.id, task.status, task.state, task.reason) == (
        failed.id,
        TaskStatus.IN_PROGRESS,
        TaskState.INFORMED,
        None,
    )


def test_the_discharge_cancelled_corrects_the_discharge_alone_and_the_plan_stands():
    desk = Desk().tell(a01(), a16(1, FRIDAY), a03(5), a13(6))
    (left,) = desk.notices(NoticeEvent.DISCHARGED)
    (correction,) = desk.notices(NoticeEvent.CANCELLED)
    assert correction.in_response_to == (left.id,)
    assert desk.belief() == {"has_left": False, "planned_on": FRIDAY}


def test_the_admission_cancelled_answers_all_that_stands_in_one():
    desk = Desk().tell(a01(), a16(1, FRIDAY), a16(2, SATURDAY), a03(5), a11(6))
    (correction,) = desk.notices(NoticeEvent.CANCELLED)
    assert len(correction.in_response_to) == 3


def test_a_plan_made_anew_after_its_end_is_told_anew():
    desk = Desk().tell(a01(), a16(1, FRIDAY), a25(2), a16(3, FRIDAY), a25(4))
    assert len(desk.notices(NoticeEvent.PLANNED)) == 2
    assert len(desk.notices(NoticeEvent.CANCELLED)) == 2


def test_a_date_that_moves_there_and_back_is_told_each_time():
    desk = Desk().tell(a01(), a16(1, FRIDAY), a16(2, SATURDAY), a16(3, FRIDAY), a16(4, SATURDAY))
    assert len(desk.notices(NoticeEvent.DATE_CHANGED)) == 3
    assert desk.belief()["planned_on"] == SATURDAY


def test_the_planned_date_of_a_discharge_message_is_no_move():
    desk = Desk().tell(a01(), a16(1, FRIDAY), a03(5, planned=PlannedDate(SATURDAY)))
    assert desk.notices(NoticeEvent.DATE_CHANGED) == []


def test_a_cancelled_plan_stays_cancelled_even_if_its_message_repeats_the_date():
    desk = Desk().tell(a01(), a16(1, FRIDAY), a25(2, planned=PlannedDate(FRIDAY)))
    assert len(desk.notices(NoticeEvent.CANCELLED)) == 1


@pytest.mark.parametrize(("on", "told"), [(date(2026, 11, 16), 1), (date(2026, 11, 15), 0)])
def test_a_planned_date_that_has_passed_tells_nobody(on, told):
    desk = Desk().tell(a01(admitted_at=at(-72)), a16(1, on))
    assert len(desk.notices(NoticeEvent.PLANNED)) == told


def test_a_restriction_withdraws_each_notice_and_leaves_it_as_it_was():
    desk = Desk().tell(a01(), a16(1, FRIDAY), a16(2, SATURDAY), a08(3, hiding=Hiding.LOCAL))
    withdrawn = desk.notices(NoticeEvent.WITHDRAWN)
    assert [len(n.in_response_to) for n in withdrawn] == [1, 1]
    assert {n.status for n in desk.notices(NoticeEvent.PLANNED)} == {NoticeStatus.COMPLETED}
    assert desk.belief()["planned_on"] is None
    assert desk.task(TaskCode.INVOLVE_CARER).status is TaskStatus.REQUESTED


def test_a_restriction_after_leaving_calls_off_the_centre():
    desk = Desk().tell(a01(), a03(5), a08(6, sensitive=True))
    assert desk.task(TaskCode.CONTACT_CARER).status is TaskStatus.CANCELLED
    assert desk.task(TaskCode.REPAIR_MISSED).status is TaskStatus.REQUESTED
    assert desk.belief()["has_left"] is False


def test_a_restriction_lifted_lets_the_news_go_out_anew():
    desk = Desk().tell(
        a01(), a16(1, FRIDAY), a08(2, hiding=Hiding.LOCAL), a08(3, hiding=Hiding.NONE)
    )
    assert len(desk.notices(NoticeEvent.PLANNED)) == 2
    assert desk.belief()["planned_on"] == FRIDAY


def test_a_wrong_person_makes_the_notice_an_error_and_calls_off_every_task():
    other = replace(PATIENT, identifiers=(Identifier(IdentifierKind.NHS, "9990000026"),))
    stranger = replace(other, family="Brown", given="Tom", birth_date=date(1950, 1, 1))
    desk = Desk().tell(a01(), a16(1, FRIDAY), a03(5), a08(6, patient=stranger))
    assert [n.status for n in desk.notices(NoticeEvent.PLANNED)] == [NoticeStatus.ENTERED_IN_ERROR]
    assert len(desk.notices(NoticeEvent.WITHDRAWN)) == 2
    assert desk.open_tasks() == set()
    assert desk.task(TaskCode.INVOLVE_CARER).status is TaskStatus.CANCELLED


def test_a_death_withdraws_nothing_that_was_sent_and_everything_that_was_not():
    desk = Desk().tell(a01(), a16(1, FRIDAY))
    desk.unsent = frozenset(n.id for n in desk.notices(NoticeEvent.PLANNED))
    desk.tell(a08(2, died=True))
    assert [n.status for n in desk.notices(NoticeEvent.PLANNED)] == [NoticeStatus.NOT_DONE]


def test_what_was_not_sent_needs_no_correction():
    desk = Desk().tell(a01(), a16(1, FRIDAY))
    desk.unsent = frozenset(n.id for n in desk.notices(NoticeEvent.PLANNED))
    desk.tell(a25(2))
    assert desk.notices(NoticeEvent.CANCELLED) == []
    assert [n.status for n in desk.notices(NoticeEvent.PLANNED)] == [NoticeStatus.NOT_DONE]
    desk.unsent = frozenset()
    desk.tell(a16(3, FRIDAY))
    assert desk.belief()["planned_on"] == FRIDAY


def test_at_most_one_bereavement_task_whatever_the_number_of_carers():
    two = (a_registration(), a_registration(registration_id="R2"))
    desk = Desk(register=two).tell(a01(), a08(1, died=True))
    assert len(desk.tasks(TaskCode.INVOLVE_CARER)) == 2
    task = desk.task(TaskCode.BEREAVEMENT_SUPPORT)
    assert (task.registration, task.recipient.kind) == (None, RecipientKind.COORDINATOR)


def test_nobody_on_the_register_means_no_bereavement_task():
    assert Desk(register=()).tell(a01(), a08(1, died=True)).said() == []


def test_an_ended_registration_calls_off_what_is_open_and_corrects_what_stands():
    desk = Desk().tell(a01(), a16(1, FRIDAY), a03(5))
    desk.register = (a_registration(ended_on=date(2026, 11, 16)),)
    desk.ask(at(6))
    assert desk.open_tasks() == set()
    assert desk.belief()["has_left"] is True
    desk.tell(a13(7))
    assert desk.belief()["has_left"] is False


def test_a_change_of_mind_lets_what_stands_stand():
    desk = Desk().tell(a01(), a16(1, FRIDAY), a03(5))
    desk.register = (a_registration(sharing=Sharing.REFUSED),)
    desk.ask(at(6))
    assert desk.task(TaskCode.CONTACT_CARER).status is TaskStatus.REQUESTED
    assert desk.notices(NoticeEvent.WITHDRAWN) == []


def test_a_carer_registered_after_the_discharge_was_not_missed():
    late = a_registration(registered_on=date(2026, 11, 17))
    desk = Desk(register=(late,)).tell(a03(5))
    assert desk.said() == ["contact-carer requested", "notice discharged completed"]


def test_old_news_updates_what_is_there_and_raises_nothing():
    desk = Desk().tell(a01(), a16(1, FRIDAY))
    desk.is_stale = True
    desk.tell(a16(2, SATURDAY), a03(5))
    assert desk.said() == ["involve-carer failed", "notice planned completed"]
    desk.tell(a13(6))
    assert desk.said() == ["involve-carer requested", "notice planned completed"]
    desk.tell(a25(7))
    assert "notice cancelled completed" in desk.said()


@pytest.mark.parametrize(("hours", "told"), [(24, 1), (24.1, 0)])
def test_a_discharge_is_news_for_a_day(hours, told):
    desk = Desk(now=at(5 + hours)).tell(a01(), a03(5))
    assert len(desk.notices(NoticeEvent.DISCHARGED)) == told


# --- doubt -------------------------------------------------------------------

UNSURE = replace(PATIENT, birth_date=date(1941, 6, 5))


def decided(desk: Desk, is_same: bool) -> MatchDecision:
    (match,) = desk.situation().matches
    return MatchDecision("LANCARERS/R1", match.fingerprint, is_same, "coordinator", desk.now)


def test_a_doubtful_match_asks_the_coordinator_and_nobody_else():
    desk = Desk().tell(a01(patient=UNSURE), a16(1, FRIDAY, patient=UNSURE))
    task = desk.task(TaskCode.CONFIRM_MATCH)
    assert desk.said() == ["confirm-match requested"]
    assert (task.recipient.kind, task.recipient.code) == (RecipientKind.COORDINATOR, "L302H")


def test_the_same_person_goes_on_as_certain():
    desk = Desk().tell(a01(patient=UNSURE))
    desk.decisions = (decided(desk, True),)
    desk.ask(at(1))
    assert desk.task(TaskCode.CONFIRM_MATCH).status is TaskStatus.COMPLETED
    assert desk.task(TaskCode.CONFIRM_MATCH).reason == "same person"
    assert desk.task(TaskCode.INVOLVE_CARER).status is TaskStatus.REQUESTED


def test_another_person_ends_it():
    desk = Desk().tell(a01(patient=UNSURE))
    desk.decisions = (decided(desk, False),)
    desk.ask(at(1))
    assert desk.said() == ["confirm-match completed"]
    assert desk.task(TaskCode.CONFIRM_MATCH).reason == "not the same person"


def test_a_doubt_that_goes_away_by_itself_is_called_off():
    desk = Desk().tell(a01(patient=UNSURE), a08(1))
    assert desk.said() == ["confirm-match cancelled", "involve-carer requested"]


def test_not_sure_keeps_the_question_open():
    desk = Desk().tell(a01(patient=UNSURE))
    desk.answer(desk.task(TaskCode.CONFIRM_MATCH), Answer.NOT_SURE, 1)
    assert desk.task(TaskCode.CONFIRM_MATCH).status is TaskStatus.IN_PROGRESS


DOUBT_ENDS = [
    (a11(2, patient=UNSURE), "the admission was cancelled"),
    (a08(2, patient=UNSURE, died=True), "the patient died"),
    (a02(2, SILENT_WARD, patient=UNSURE), "the ward is not live"),
]


@pytest.mark.parametrize(("event", "reason"), DOUBT_ENDS)
def test_a_doubt_without_use_is_called_off(event, reason):
    desk = Desk().tell(a01(patient=UNSURE), event)
    task = desk.task(TaskCode.CONFIRM_MATCH)
    assert (task.status, task.reason) == (TaskStatus.CANCELLED, reason)


def test_a_doubt_outlives_the_discharge_by_a_day_and_is_woken_for_its_end():
    desk = Desk().tell(a01(patient=UNSURE), a03(5, patient=UNSURE))
    desk.ask(at(29))
    assert desk.task(TaskCode.CONFIRM_MATCH).status is TaskStatus.REQUESTED
    assert desk.wake_at == at(29) + timedelta(seconds=1)
    desk.ask(desk.wake_at)
    assert desk.task(TaskCode.CONFIRM_MATCH).status is TaskStatus.CANCELLED


def test_a_certain_match_that_becomes_doubtful_takes_everything_back_until_a_person_decides():
    desk = Desk().tell(a01(), a16(1, FRIDAY), a08(2, patient=UNSURE))
    assert desk.said() == [
        "confirm-match requested",
        "involve-carer cancelled",
        "notice planned entered-in-error",
        "notice withdrawn completed",
    ]
    desk.decisions = (decided(desk, True),)
    desk.ask(at(3))
    assert desk.belief()["planned_on"] == FRIDAY
    assert desk.task(TaskCode.INVOLVE_CARER).status is TaskStatus.REQUESTED


def test_a_number_marked_as_unverified_is_a_doubt():
    unverified = replace(PATIENT, identifiers=(replace(NUMBER, verified=False),))
    assert Desk().tell(a01(patient=unverified)).said() == ["confirm-match requested"]


# --- answers -----------------------------------------------------------------

ANSWERS = [
    (TaskCode.CONTACT_CARER, [Answer.SEEN], TaskStatus.RECEIVED, None),
    (TaskCode.CONTACT_CARER, [Answer.CONTACTED], TaskStatus.COMPLETED, "the carer was contacted"),
    (TaskCode.CONTACT_CARER, [Answer.DECLINED], TaskStatus.COMPLETED, "the carer said no thanks"),
    (TaskCode.CONTACT_CARER, [Answer.NO_REPLY], TaskStatus.IN_PROGRESS, None),
    (
        TaskCode.CONTACT_CARER,
        [Answer.NO_REPLY, Answer.NO_REPLY],
        TaskStatus.COMPLETED,
        "no reply after two tries",
    ),
    (
        TaskCode.CONTACT_CARER,
        [Answer.NO_REPLY, Answer.CONTACTED],
        TaskStatus.COMPLETED,
        "the carer was contacted",
    ),
    (TaskCode.REPAIR_MISSED, [Answer.SEEN], TaskStatus.RECEIVED, None),
    (TaskCode.REPAIR_MISSED, [Answer.NO_REPLY], TaskStatus.IN_PROGRESS, None),
    (TaskCode.REPAIR_MISSED, [Answer.CALLED], TaskStatus.COMPLETED, "the carer was called"),
]


@pytest.mark.parametrize(("code", "pressed", "status", "reason"), ANSWERS)
def test_what_a_person_presses_moves_the_task(code, pressed, status, reason):
    desk = Desk().tell(a01(), a03(5))
    for n, answer in enumerate(pressed):
        desk.answer(desk.task(code), answer, 6 + n)
    assert (desk.task(code).status, desk.task(code).reason) == (status, reason)


def test_a_finished_call_stays_finished_when_the_discharge_is_cancelled():
    desk = Desk().tell(a01(), a03(5))
    desk.answer(desk.task(TaskCode.CONTACT_CARER), Answer.CONTACTED, 6).tell(a13(7), a03(8))
    statuses = [t.status for t in desk.tasks(TaskCode.CONTACT_CARER)]
    assert statuses == [TaskStatus.COMPLETED, TaskStatus.REQUESTED]


def test_the_ward_that_saw_its_task_has_received_it():
    desk = Desk().tell(a01())
    desk.answer(desk.task(TaskCode.INVOLVE_CARER), Answer.SEEN, 1)
    assert desk.task(TaskCode.INVOLVE_CARER).status is TaskStatus.RECEIVED


def test_a_coordinator_closes_the_bereavement_task():
    desk = Desk().tell(a01(), a08(1, died=True))
    desk.answer(desk.task(TaskCode.BEREAVEMENT_SUPPORT), Answer.CALLED, 2)
    assert desk.task(TaskCode.BEREAVEMENT_SUPPORT).status is TaskStatus.COMPLETED


def test_a_notice_keeps_when_it_was_first_seen():
    desk = Desk().tell(a01(), a16(1, FRIDAY))
    (notice,) = desk.notices(NoticeEvent.PLANNED)
    desk.answer(notice, Answer.SEEN, 2).answer(notice, Answer.SEEN, 3)
    assert desk.notices(NoticeEvent.PLANNED)[0].seen_at == at(2)


def test_the_call_of_the_centre_follows_from_the_notice():
    desk = Desk().tell(a01(), a03(5))
    (left,) = desk.notices(NoticeEvent.DISCHARGED)
    assert desk.task(TaskCode.CONTACT_CARER).focus == left.id


def test_the_repair_goes_to_the_ward_that_the_patient_left_from():
    desk = Desk().tell(a01(), a02(1, WARD_4), a03(5, place=WARD_4))
    task = desk.task(TaskCode.REPAIR_MISSED)
    assert (task.recipient.code, task.urgent) == ("L302H/M4", True)


def test_two_centres_are_told_apart():
    centres = (*a_centre(*ALL_EVENTS), Centre("OTHER", "Other", events=ALL_EVENTS))
    both = (a_registration(), a_registration(centre="OTHER"))
    desk = Desk(site=a_site(centres=centres), register=both).tell(a01(), a03(5))
    codes = {n.recipient.code for n in desk.notices(NoticeEvent.DISCHARGED)}
    assert codes == {"LANCARERS", "OTHER"}


def test_the_grounds_say_why_and_name_no_patient():
    desk = Desk().tell(a01())
    grounds = desk.ask().grounds
    assert [g.question for g in grounds] == [
        "Same person as on the register?",
        "Carer agrees to hospital and events?",
        "Patient agrees to share?",
        "Does the centre want it?",
        "Any gate closed?",
        "Is the ward live?",
        "Newer than what we know?",
    ]
    words = " ".join(f"{g.question} {g.answer} {g.why}" for g in grounds)
    assert not any(said in words for said in ("Doig", "Hugh", "9990000018", "1941", "Ann"))
