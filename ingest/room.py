"""Room for the unfinished frames of all connections together, beyond what each has for itself."""

import threading

MOST = 64 * 2**20
"""Bytes of long frames at one time, over all connections."""
OWN = 32_768
"""Bytes of a frame that every connection has room for, so that long frames hold up no short one."""
_LONGEST = 4
"""Frames of the largest size that have room together, however large that is."""


class Room:
    """How much of its room is taken; shared by the threads of all connections."""

    __slots__ = ("_lock", "taken")

    def __init__(self) -> None:
        """Nothing is taken."""
        self._lock = threading.Lock()
        self.taken = 0

    def take(self, size: int, longest: int) -> bool:
        """Whether there was room for so much more; ``longest`` is the largest size of a frame."""
        with self._lock:
            if self.taken + size > max(MOST, _LONGEST * longest):
                return False
            self.taken += size
            return True

    def give_back(self, size: int) -> None:
        """What was taken is free again."""
        with self._lock:
            self.taken -= size
