"""A loop that no fault ends: what nobody foresaw is told, and the next turn comes."""

import threading
from collections.abc import Callable

Turn = Callable[[], float]
"""One turn of the loop; the answer is how many seconds to rest before the next."""


def keep_on(turn: Turn, failed: Callable[[Exception], float], stopping: threading.Event) -> None:
    """Take turns until told to stop; ``failed`` is told what ended a turn and says how to rest."""
    while not stopping.is_set():
        try:
            rest = turn()
        except Exception as failure:  # noqa: BLE001 - one of five: told, and the loop goes on
            rest = failed(failure)
        stopping.wait(rest)
