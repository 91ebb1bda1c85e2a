"""Messages, presses, imports, clock steps and failing sends in any order, judged by the truth."""

from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from alerts.model.events import FactKind
from alerts.model.register import Sharing
from service.database import connect
from tests.invariant.verdict import faults
from tests.invariant.world import World, a_day_ahead
from tests.support.databases import sqlite_copy

MOODS = st.sampled_from(("well", "away", "answer lost", "request lost"))


class Hospital(RuleBasedStateMachine):
    """One patient, one carer, one centre; every step leaves the truth beside what is held."""

    template: Path

    @initialize()
    def opens(self) -> None:
        self.stack = ExitStack()
        folder = Path(self.stack.enter_context(TemporaryDirectory()))
        url = sqlite_copy(self.template, folder)
        self.world = World(self.stack.enter_context(connect(url)))

    @property
    def truth(self):
        return self.world.truth

    # Who has left and comes again has two stays, of which the first stays told as it was.
    @precondition(
        lambda self: not (self.truth.in_hospital or self.truth.died or self.truth.left_at)
    )
    @rule(plan=st.none() | st.integers(0, 5))
    def admit(self, plan: int | None) -> None:
        truth, self.world.visits = self.truth, self.world.visits + 1
        truth.visit, truth.in_hospital = f"V{self.world.visits}", True
        truth.left_at, truth.is_called_off = None, False
        truth.planned = None if plan is None else a_day_ahead(self.world, plan)
        self.world.message("A01", planned=truth.planned)

    @precondition(
        lambda self: not (self.truth.in_hospital or self.truth.died or self.truth.left_at)
    )
    @rule(plan=st.none() | st.integers(0, 5))
    def admit_heard_late(self, plan: int | None) -> None:
        """As after days without the feed: nothing is told before its end was heard."""
        truth, self.world.visits = self.truth, self.world.visits + 1
        truth.visit, truth.in_hospital, truth.is_called_off = f"V{self.world.visits}", True, False
        truth.planned = None if plan is None else a_day_ahead(self.world, plan)
        self.world.message("A01", planned=truth.planned, at=self.world.now - timedelta(hours=30))

    @precondition(lambda self: self.truth.in_hospital)
    @rule(ward=st.sampled_from(("M7A", "M4")))
    def move(self, ward: str) -> None:
        self.truth.ward = ward
        self.world.message("A02")

    @precondition(lambda self: self.truth.in_hospital)
    @rule(days=st.integers(0, 5))
    def plan(self, days: int) -> None:
        self.truth.planned = a_day_ahead(self.world, days)
        self.world.message("A16", planned=self.truth.planned)

    @precondition(lambda self: self.truth.in_hospital and self.truth.planned is not None)
    @rule()
    def unplan(self) -> None:
        self.truth.planned = None
        self.world.message("A25")

    @precondition(lambda self: self.truth.in_hospital)
    @rule()
    def leave(self) -> None:
        self.truth.in_hospital = False
        self.world.leave_typed_late()
        self.truth.left_at = self.world.now

    @precondition(lambda self: self.truth.left_at is not None)
    @rule()
    def come_back(self) -> None:
        self.truth.in_hospital, self.truth.left_at = True, None
        self.world.come_back()

    @precondition(lambda self: self.truth.in_hospital)
    @rule()
    def never_came(self) -> None:
        self.truth.in_hospital, self.truth.is_called_off = False, True
        self.truth.planned = None
        self.world.message("A11")

    @precondition(lambda self: self.truth.in_hospital or self.truth.left_at is not None)
    @rule(code=st.sampled_from("012"))
    def hide(self, code: str) -> None:
        self.truth.hiding = code
        self.world.message("A08")

    @precondition(lambda self: self.truth.in_hospital or self.truth.left_at is not None)
    @rule(is_asked=st.booleans())
    def ask_for_discretion(self, is_asked: bool) -> None:
        self.truth.discretion = is_asked
        self.world.message("A08")

    @precondition(lambda self: self.truth.visit and not self.truth.died)
    @rule(without_visit=st.booleans())
    def die(self, without_visit: bool) -> None:
        self.truth.died = True
        trigger = "A31" if without_visit else "A08"
        self.world.message(trigger, died="Y", without_visit=without_visit)

    @precondition(lambda self: self.truth.visit != "")
    @rule()
    def stranger_under_the_same_number(self) -> None:
        self.world.stranger_under_the_same_number()

    @rule(number=st.sampled_from(("111", "222")))
    def john_comes(self, number: str) -> None:
        self.world.john_comes(number)

    @rule()
    def say_same(self) -> None:
        self.world.say_same()

    @rule(hospital=st.booleans(), events=st.booleans(), sharing=st.sampled_from(list(Sharing)[:4]))
    def agree(self, hospital: bool, events: bool, sharing: Sharing) -> None:
        truth = self.truth
        truth.agrees_hospital, truth.agrees_events, truth.sharing = hospital, events, sharing
        self.world.register()

    @rule()
    def agree_to_everything(self) -> None:
        self.agree(hospital=True, events=True, sharing=Sharing.FULL)

    @rule(has_ended=st.booleans())
    def end(self, has_ended: bool) -> None:
        self.truth.has_ended = has_ended
        self.world.register()

    @rule(is_of_hugh=st.booleans())
    def correct_whose(self, is_of_hugh: bool) -> None:
        self.truth.is_of_hugh = is_of_hugh
        self.world.register()

    @rule(name=st.sampled_from(("Jean", "Jane")))
    def correct_the_name(self, name: str) -> None:
        self.truth.carer = name
        self.world.register()

    @rule(fact=st.sampled_from((FactKind.INFORMED, FactKind.INVITED, FactKind.WILLING)))
    def press(self, fact: FactKind) -> None:
        self.world.press(fact)

    @rule(hours=st.sampled_from((0.5, 3, 13, 30)))
    def wait(self, hours: float) -> None:
        self.world.later(hours)

    @rule(mood=MOODS, times=st.integers(1, 4), hand=st.integers(0, 1))
    def carry(self, mood: str, times: int, hand: int) -> None:
        self.world.carry(mood, times, hand)

    @rule()
    def take_in_hand(self) -> None:
        self.world.take_in_hand()

    @rule()
    def restart(self) -> None:
        self.world.restart()

    @rule()
    def judge(self) -> None:
        self.world.settle()
        found = faults(self.world)
        assert not found, (found, self.truth)

    def teardown(self) -> None:
        try:
            if hasattr(self, "world"):
                self.judge()
        finally:
            if hasattr(self, "stack"):
                self.stack.close()
