"""How often one address may try to sign in before it has to wait."""

import threading
from collections import deque
from datetime import datetime, timedelta

TRIES = 10
WITHIN = timedelta(minutes=5)
ADDRESSES = 10_000


class Attempts:
    """Counts the failed attempts of each address in this process."""

    def __init__(self) -> None:
        """Nobody has failed yet."""
        self._lock = threading.Lock()
        self._failed: dict[str, deque[datetime]] = {}

    def may_try(self, address: str, now: datetime) -> bool:
        """This address has not failed too often of late."""
        with self._lock:
            times = self._failed.get(address)
            while times and abs(now - times[0]) > WITHIN:  # a clock may be set back
                times.popleft()
            if not times:
                self._failed.pop(address, None)
            return times is None or len(times) < TRIES

    def failed(self, address: str, now: datetime) -> None:
        """Count one; beyond a number of addresses the one that failed longest ago is forgotten."""
        with self._lock:
            times = self._failed.pop(address, None) or deque(maxlen=TRIES)
            times.append(now)
            self._failed[address] = times
            if len(self._failed) > ADDRESSES:
                del self._failed[next(iter(self._failed))]
