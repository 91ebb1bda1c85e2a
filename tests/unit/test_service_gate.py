"""Who may write next."""

import threading
import time
from contextlib import ExitStack

import pytest

from service.gate import PATIENCE, Gate, Rank


class Queue:
    """Threads that wait at a gate, and the order in which they got in."""

    def __init__(self) -> None:
        self.gate = Gate()
        self.order: list[str] = []
        self.threads: list[threading.Thread] = []

    def join_in(self, name: str, rank: Rank) -> None:
        """Come to the gate, after those who came before, and wait there."""

        def come() -> None:
            with self.gate.hold(rank):
                self.order.append(name)

        waiting = len(self.gate._waiting)
        thread = threading.Thread(target=come)
        thread.start()
        self.threads.append(thread)
        until = time.monotonic() + 5
        while len(self.gate._waiting) == waiting and time.monotonic() < until:
            pass

    def empty(self) -> list[str]:
        for thread in self.threads:
            thread.join(5)
        return self.order


def test_an_acknowledgement_goes_before_work_and_work_before_a_page():
    queue = Queue()
    with queue.gate.hold(Rank.WORK):
        queue.join_in("page", Rank.PAGE)
        queue.join_in("work", Rank.WORK)
        queue.join_in("ack", Rank.ACK)
    assert queue.empty() == ["ack", "work", "page"]


def test_within_a_rank_who_came_first_goes_first():
    queue = Queue()
    with queue.gate.hold(Rank.WORK):
        for name in ("first", "second", "third"):
            queue.join_in(name, Rank.ACK)
    assert queue.empty() == ["first", "second", "third"]


def test_who_was_passed_over_often_enough_goes_next():
    """A worker that comes back at once each time cannot keep a page out for ever."""
    queue = Queue()
    with ExitStack() as inside:
        inside.enter_context(queue.gate.hold(Rank.ACK))
        queue.join_in("page", Rank.PAGE)
        later: list[str] = []
        for number in range(PATIENCE + 2):
            queue.join_in(f"ack {number}", Rank.ACK)
            later.append(f"ack {number}")
    # Those who came after the page pass it by PATIENCE times, then it is let in.
    assert queue.empty() == [*later[:PATIENCE], "page", *later[PATIENCE:]]


def test_it_is_wanted_only_while_somebody_of_another_rank_waits():
    queue = Queue()
    with queue.gate.hold(Rank.WORK):
        assert not queue.gate.wanted()
        queue.join_in("work", Rank.WORK)
        assert not queue.gate.wanted()
        queue.join_in("ack", Rank.ACK)
        assert queue.gate.wanted()
    queue.empty()
    assert not queue.gate.wanted()


def test_one_write_inside_another_is_told_instead_of_hanging():
    gate = Gate()
    with (
        gate.hold(Rank.WORK),
        pytest.raises(RuntimeError, match="inside another"),
        gate.hold(Rank.WORK),
    ):
        pass
    with gate.hold(Rank.WORK):
        pass


def test_the_gate_opens_again_after_a_failure_inside():
    gate = Gate()
    with pytest.raises(ValueError, match="inside"), gate.hold(Rank.WORK):
        raise ValueError("inside")
    with gate.hold(Rank.PAGE):
        pass
