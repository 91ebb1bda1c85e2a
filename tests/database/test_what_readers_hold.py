"""Whatever happens, every reader holds what would be disclosed now, and nobody anything else."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from alerts.model.register import Sharing
from tests.invariant import bugs
from tests.invariant.machine import Hospital

EXAMPLES, STEPS = 20, 16

Life = Callable[[Hospital], None]


def restricted(hospital: Hospital) -> None:
    hospital.admit(plan=2)
    hospital.judge()
    hospital.hide("2")


def ended_after_leaving(hospital: Hospital) -> None:
    hospital.admit(plan=2)
    hospital.leave()
    hospital.judge()
    hospital.agree(hospital=True, events=False, sharing=Sharing.FULL)


def two_of_one_number(hospital: Hospital) -> None:
    hospital.admit(plan=2)
    hospital.judge()
    hospital.stranger_under_the_same_number()


def doubtful_then_refused(hospital: Hospital) -> None:
    hospital.admit(plan=2)
    hospital.carry("answer lost", times=2, hand=0)
    hospital.agree(hospital=True, events=True, sharing=Sharing.REFUSED)


def two_of_one_name(hospital: Hospital) -> None:
    hospital.john_comes("111")
    hospital.say_same()
    hospital.john_comes("222")


def left_typed_late_and_back(hospital: Hospital) -> None:
    hospital.admit(plan=None)
    hospital.wait(hours=3)
    hospital.leave()
    hospital.come_back()


def died_without_a_visit(hospital: Hospital) -> None:
    hospital.admit(plan=2)
    hospital.die(without_visit=True)


def moved_and_restricted(hospital: Hospital) -> None:
    hospital.admit(plan=2)
    hospital.plan(days=4)
    hospital.judge()
    hospital.hide("1")


def heard_of_late(hospital: Hospital) -> None:
    hospital.admit_heard_late(plan=2)


LIVES: tuple[tuple[Callable[[pytest.MonkeyPatch], None], Life], ...] = (
    (bugs.compared_with_the_record, restricted),
    (bugs.corrected_while_open_only, ended_after_leaving),
    (bugs.numbers_without_authority, two_of_one_number),
    (bugs.carer_beside_a_restriction, restricted),
    (bugs.doubtful_ones_repeated, doubtful_then_refused),
    (bugs.answers_for_a_name, two_of_one_name),
    (bugs.cancels_sorted_by_what_they_cancel, left_typed_late_and_back),
    (bugs.deaths_of_persons_unheard, died_without_a_visit),
    (bugs.one_withdrawal_each, moved_and_restricted),
    (bugs.staleness_on_the_event, heard_of_late),
)


@pytest.fixture
def hospital(migrated_sqlite: Path) -> type[Hospital]:
    return type("OneHospital", (Hospital,), {"template": migrated_sqlite})


@pytest.mark.timeout(300)
def test_any_sequence_ends_with_every_reader_holding_what_is_so(hospital: type[Hospital]):
    run_state_machine_as_test(
        hospital,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.parametrize(
    "life", dict.fromkeys(life for _, life in LIVES), ids=lambda of: of.__name__
)
def test_each_life_is_judged_well_as_it_is(hospital: type[Hospital], life: Life):
    lived(hospital, life)


@pytest.mark.parametrize(("bug", "life"), LIVES, ids=[bug.__name__ for bug, _ in LIVES])
def test_a_bug_that_was_put_in_is_caught(
    hospital: type[Hospital],
    monkeypatch: pytest.MonkeyPatch,
    bug: Callable[[pytest.MonkeyPatch], None],
    life: Life,
):
    bug(monkeypatch)
    with pytest.raises(AssertionError):
        lived(hospital, life)


def test_every_bug_has_its_life():
    assert {bug for bug, _ in LIVES} == set(bugs.BUGS)


def lived(hospital: type[Hospital], life: Life) -> None:
    one = hospital()
    one.opens()
    try:
        life(one)
    finally:
        one.teardown()
