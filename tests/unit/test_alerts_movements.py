"""A stay is the same whatever the order in which its messages arrive."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.cancels import CANCELS
from alerts.model.doubts import DoubtKind
from alerts.model.events import (
    CLEARED,
    EventKind,
    FactKind,
    Hiding,
    NextOfKin,
    PatientChange,
    Place,
    PlannedDate,
)
from alerts.model.stay import StayStatus
from alerts.movements import fold, folds_alone, order_key, refold, uuid_of
from tests.support.desk import (
    WARD_4,
    WARD_7A,
    a01,
    a02,
    a03,
    a08,
    a11,
    a13,
    a16,
    a25,
    a_fact,
    a_message,
    at,
)

FRIDAY = date(2026, 11, 20)

STATUSES = [
    ([a01()], StayStatus.OPEN, 0, "admitted"),
    ([a01(), a03(5)], StayStatus.DISCHARGED, 1, "discharged"),
    ([a03(5)], StayStatus.DISCHARGED, 1, "a discharge opens what it ends"),
    ([a01(), a03(5), a03(6)], StayStatus.DISCHARGED, 1, "discharged once"),
    ([a01(), a03(5), a13(6)], StayStatus.OPEN, 1, "taken back"),
    ([a01(), a03(5), a13(6), a03(7)], StayStatus.DISCHARGED, 2, "the second discharge"),
    ([a01(), a11(1)], StayStatus.CANCELLED, 0, "never was"),
    ([a11(1)], StayStatus.CANCELLED, 0, "a cancel alone"),
    ([a01(), a11(1), a01(2)], StayStatus.OPEN, 0, "admitted after all"),
    ([a01(), a11(1), a03(2)], StayStatus.CANCELLED, 0, "what never was cannot end"),
    ([a01(), a11(1), a13(2)], StayStatus.CANCELLED, 0, "nor begin again by a cancel"),
    ([a01(), a03(5), a08(6)], StayStatus.DISCHARGED, 1, "an update moves nothing"),
    ([a08(1)], StayStatus.OPEN, 0, "an update opens"),
    ([a13(1)], StayStatus.OPEN, 0, "a cancelled discharge opens"),
]


@pytest.mark.parametrize(("events", "status", "discharges", "comment"), STATUSES)
def test_each_event_moves_the_stay_as_the_table_says(events, status, discharges, comment):
    stay = refold(events)
    assert (stay.status, stay.discharges) == (status, discharges), comment


def legal_events() -> st.SearchStrategy[list]:
    kinds = st.sampled_from(list(EventKind))
    undone = st.sampled_from([None, None, *map(at, range(7)), at(-9)])
    left = st.sampled_from([None, None, None, CLEARED, at(2), at(5)])
    planned = st.sampled_from([None, CLEARED, PlannedDate(FRIDAY), PlannedDate(date(2026, 11, 23))])
    died = st.sampled_from([None, None, None, True, False])
    place = st.sampled_from([None, WARD_7A, WARD_4])
    hiding = st.sampled_from([None, None, Hiding.LOCAL, Hiding.NONE])
    one = st.tuples(kinds, planned, died, place, hiding, st.integers(0, 6), undone, left)
    return st.lists(one, min_size=1, max_size=8).map(
        lambda rows: [
            a01(-1),
            *[
                a_message(
                    kind,
                    hour,
                    planned=plan,
                    died=dead,
                    place=where,
                    hiding=hidden,
                    control_id=f"MSG{number}",
                    cancels_at=cancelled if kind in CANCELS else None,
                    discharged_at=gone,
                )
                for number, (kind, plan, dead, where, hidden, hour, cancelled, gone) in enumerate(
                    rows
                )
            ],
        ]
    )


def folded_in_turn(events):
    """As the line does: one by one, all anew where an event does not fold alone."""
    stay, newest, history = None, "", []
    for event in events:
        history.append(event)
        key = order_key(event, at(99))
        if stay is None and event.kind is EventKind.PERSON_UPDATED:
            continue  # kept until there is a stay
        is_newest = key >= newest and (stay is not None or len(history) == 1)
        stay = fold(stay, event) if is_newest and folds_alone(stay, event) else refold(history)
        newest = max(newest, key)
    return stay


@settings(max_examples=60, deadline=None)
@given(legal_events().flatmap(lambda e: st.tuples(st.just(e), st.permutations(e))))
def test_every_order_of_arrival_gives_the_same_stay(pair):
    events, shuffled = pair
    assert refold(events) == refold(shuffled) == folded_in_turn(shuffled)


@settings(max_examples=40, deadline=None)
@given(legal_events())
def test_folding_one_by_one_in_order_is_folding_all(events):
    in_order = sorted(events, key=lambda e: order_key(e, at(0)))
    assert folded_in_turn(in_order) == refold(events)


def test_order_is_by_event_then_record_then_sending_then_number():
    first = a01(1, control_id="MSG9")
    keys = [
        order_key(e, at(9))
        for e in (
            first,
            replace(first, control_id="MSG10"),
            replace(first, sent_at=at(2), control_id="MSG1"),
            replace(first, recorded_at=at(2)),
            a01(2),
        )
    ]
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)
    assert max(map(len, keys)) < 200


def test_a_long_control_id_still_fits_its_column():
    assert len(order_key(a01(control_id="X" * 199), at(0))) < 200


def test_entries_of_persons_are_ordered_by_when_it_happened_then_when_we_learned():
    fact = a_fact(FactKind.INFORMED, 1)
    later = replace(fact, at=at(2))
    keys = [order_key(fact, at(3)), order_key(fact, at(4)), order_key(later, at(2))]
    assert keys == sorted(keys)


def test_an_entry_before_the_first_message_is_kept():
    stay = refold([a_fact(FactKind.INFORMED, -1), a01()])
    assert [f.fact for f in stay.facts] == [FactKind.INFORMED]


def test_a_proof_taken_back_leaves_the_one_before_it():
    first, second = a_fact(FactKind.INFORMED, 1), a_fact(FactKind.INFORMED, 2)
    stay = refold([a01(), first, second, replace(second, at=at(3), undone=True)])
    assert stay.facts == (first,)


def test_a_stay_needs_a_message():
    with pytest.raises(ValueError, match="message"):
        refold([a_fact(FactKind.INFORMED, 1)])


NULLS = [
    ({"hiding": Hiding.LOCAL}, {}, ("hiding", Hiding.LOCAL), "absent keeps"),
    ({"hiding": Hiding.LOCAL}, {"hiding": CLEARED}, ("hiding", None), "null clears"),
    ({"sensitive": True}, {}, ("sensitive", True), "absent keeps"),
    ({"sensitive": True}, {"sensitive": False}, ("sensitive", False), "a value replaces"),
    ({"died": True}, {}, ("died", True), "death stays"),
    ({"died": True}, {"died": False}, ("died", True), "though it is denied"),
    ({"planned": PlannedDate(FRIDAY)}, {"planned": CLEARED}, ("planned", None), "null clears"),
    ({"next_of_kin": (NextOfKin("Doig"),)}, {}, ("next_of_kin", (NextOfKin("Doig"),)), "kept"),
    ({"next_of_kin": (NextOfKin("Doig"),)}, {"next_of_kin": ()}, ("next_of_kin", ()), "replaced"),
    ({"place": WARD_4}, {"place": None}, ("place", WARD_4), "absent keeps"),
    ({"place": WARD_4}, {"place": CLEARED}, ("place", None), "null clears"),
]


@pytest.mark.parametrize(("first", "second", "expected", "comment"), NULLS)
def test_absent_keeps_null_clears_and_lists_replace(first, second, expected, comment):
    stay = refold([a01(**first), a08(1, **second)])
    assert getattr(stay, expected[0]) == expected[1], comment


def test_a_patient_is_patched_field_by_field():
    change = PatientChange(family="Doig-Brown", given=CLEARED)
    patient = refold([a01(), a08(1, patient=change)]).patient
    assert (patient.family, patient.given, patient.birth_date) == (
        "Doig-Brown",
        None,
        date(1941, 5, 6),
    )
    assert patient.identifiers[0].value == "9990000018"


def test_a_plan_remembers_since_when_and_what_before():
    stay = refold([a01(), a16(1, FRIDAY), a16(2, date(2026, 11, 23))])
    assert (stay.plans, stay.planned_before, stay.planned_known_at) == (1, FRIDAY, at(2))


def test_a_plan_made_after_its_end_is_another_plan():
    stay = refold([a01(), a16(1, FRIDAY), a25(2), a16(3, FRIDAY)])
    assert (stay.plans, stay.planned_before) == (2, None)


def test_a_cancelled_discharge_keeps_the_plan_and_drops_the_time():
    stay = refold([a01(), a16(1, FRIDAY), a03(5), a13(6)])
    assert (stay.planned, stay.discharged_at) == (PlannedDate(FRIDAY), None)


def test_the_time_of_leaving_is_what_the_message_says_else_when_it_happened():
    assert refold([a03(5, discharged_at=at(4))]).discharged_at == at(4)
    assert refold([a03(5)]).discharged_at == at(5)


def test_of_a_bare_date_of_leaving_the_event_knows_the_hour():
    assert refold([a03(5, discharged_at=at(-9))]).discharged_at == at(5)


def test_a_death_after_leaving_is_remembered_as_such():
    assert refold([a01(), a03(5), a08(6, died=True)]).died_after_leaving is True
    assert refold([a01(), a03(5, died=True)]).died_after_leaving is False
    assert refold([a03(5), a01(), a08(4, died=True)]).died_after_leaving is False
    assert refold([a03(5), a08(6, died=True), a13(7), a03(8)]).died_after_leaving is False


DOUBTS = [
    ([a01(admitted_at=at(24))], False, DoubtKind.UNCERTAIN_ADMISSION, "a day ahead is a clock"),
    ([a01(admitted_at=at(24.1))], True, DoubtKind.UNCERTAIN_ADMISSION, "more is a mistake"),
    ([a01(), a16(1, date(2026, 11, 16))], False, DoubtKind.UNCERTAIN_PLAN, "the same day"),
    ([a01(), a16(1, date(2026, 11, 15))], True, DoubtKind.UNCERTAIN_PLAN, "the day before"),
    ([a01(), a03(5, discharged_at=at(0))], False, DoubtKind.UNCERTAIN_DISCHARGE, "at once"),
    ([a01(), a03(5, discharged_at=at(-1))], True, DoubtKind.UNCERTAIN_DISCHARGE, "an hour before"),
    (
        [a01(), a03(5, discharged_at=at(-1)), a08(6)],
        True,
        DoubtKind.UNCERTAIN_DISCHARGE,
        "an update does not heal it",
    ),
    (
        [a01(), a03(5, discharged_at=at(-1)), a08(6, discharged_at=at(4))],
        False,
        DoubtKind.UNCERTAIN_DISCHARGE,
        "a time that can be does",
    ),
    ([a01(), a03(5), a02(6)], True, DoubtKind.MOVED_AFTER_LEAVING, "moved after leaving"),
    ([a01(), a02(1)], False, DoubtKind.MOVED_AFTER_LEAVING, "moved while here"),
]


@pytest.mark.parametrize(("events", "doubtful", "kind", "comment"), DOUBTS)
def test_dates_that_cannot_be_are_said_to_be_uncertain(events, doubtful, kind, comment):
    assert refold(events).is_doubtful(kind) is doubtful, comment


def test_a_transfer_after_leaving_does_not_move_the_ward_of_discharge():
    assert refold([a01(), a03(5), a02(6)]).place == WARD_7A


def test_the_discharge_says_the_last_place():
    assert refold([a01(), a03(5, place=Place("L302H", "M4"))]).place == Place("L302H", "M4")


def test_a_stay_has_the_ids_that_its_first_message_was_given():
    stay = refold([a01(stay="S1", patient_id="P1", visit_authority="H1"), a03(5, stay="S1")])
    assert (stay.id, stay.visit, stay.visit_authority) == ("S1", "V1", "H1")
    assert stay.patient_id == "P1"
    assert refold([a01(stay="S1", visit=None)]).visit == "S1"


def test_a_stay_of_a_release_before_keeps_its_id():
    assert refold([a01()]).id == uuid_of("pas", "V1")
