"""A loop that no fault ends."""

import threading

from ingest.steady import keep_on


def test_what_nobody_foresaw_is_told_and_the_next_turn_comes():
    stopping, turns, told = threading.Event(), [], []

    def turn() -> float:
        turns.append(len(turns))
        if len(turns) == 2:
            raise AssertionError("as a library may")
        if len(turns) == 3:
            stopping.set()
        return 0.0

    def failed(failure: Exception) -> float:
        told.append(type(failure))
        return 0.0

    keep_on(turn, failed, stopping)
    assert (turns, told) == ([0, 1, 2], [AssertionError])
