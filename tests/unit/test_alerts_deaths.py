"""A death holds until a person says otherwise."""

from itertools import permutations

import pytest

from alerts.model.events import CLEARED, Answer, Answered
from alerts.movements import refold
from tests.support.desk import a01, a03, a08, at


def answered(answer: Answer, hours: float) -> Answered:
    """A person's word."""
    return Answered("T1", answer, at(hours), "S. Mackie")


DEAD = a08(1, died=True)
SAYINGS = [
    ([DEAD], True, False, "told"),
    ([DEAD, a08(2, died=CLEARED)], True, False, "empty undoes nothing"),
    ([DEAD, a08(2, died=False)], True, True, "denied by who told it: a person is asked"),
    ([DEAD, a08(2, died=False, feed="lab")], True, False, "another sender knows nothing"),
    ([DEAD, a08(2, died=False), a08(3, died=False)], True, True, "denied twice"),
    ([DEAD, a08(2, died=False), a08(3, died=True)], True, False, "told again after all"),
    ([DEAD, answered(Answer.ALIVE, 2)], False, False, "a person says alive"),
    ([DEAD, answered(Answer.ALIVE, 2), a08(3, died=True)], False, False, "the sender's old word"),
    (
        [DEAD, answered(Answer.ALIVE, 2), a08(3, died=False), a08(4, died=True)],
        True,
        False,
        "put right, and told anew",
    ),
    ([DEAD, answered(Answer.ALIVE, 2), a03(5, died=True)], True, False, "a discharge by death"),
    ([DEAD, answered(Answer.ALIVE, 2), a08(3, died=True, feed="ward")], True, False, "another"),
    ([a08(1, death_unclear=True)], False, True, "nobody knows"),
    ([a08(1, death_unclear=True), a08(2)], False, True, "until a person answers"),
    ([a08(1, death_unclear=True), answered(Answer.ALIVE, 2)], False, False, "alive"),
    ([a08(1, death_unclear=True), answered(Answer.DIED, 2)], True, False, "died"),
    (
        [a08(1, death_unclear=True), answered(Answer.ALIVE, 2), a08(3, death_unclear=True)],
        False,
        False,
        "asked once about the same word",
    ),
    ([a08(1, death_unclear=True), a08(2, died=True)], True, False, "told plainly"),
    ([DEAD, a08(2, death_unclear=True)], True, False, "it is known"),
    ([DEAD, a08(2, died=False), answered(Answer.DIED, 3), a08(4, died=False)], True, False, "once"),
]


@pytest.mark.parametrize(("events", "died", "unclear", "comment"), SAYINGS)
def test_a_death_holds_until_a_person_says_otherwise(events, died, unclear, comment):
    for arrived in permutations([a01(), *events]):
        stay = refold(arrived)
        assert (stay.died, stay.death_unclear) == (died, unclear), comment


def test_who_left_alive_and_died_after_left_alive():
    left = [a01(), a03(5), a08(6, death_unclear=True)]
    assert refold([*left, answered(Answer.DIED, 7)]).died_after_leaving is True
    assert refold([*left, answered(Answer.ALIVE, 7)]).died_after_leaving is False
    in_hospital = [a01(), a08(1, died=True), answered(Answer.ALIVE, 2), a03(5)]
    assert refold([*in_hospital, a08(6, died=True, feed="ward")]).died_after_leaving is True
