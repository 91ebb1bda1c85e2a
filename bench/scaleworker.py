"""One worker of ours in a process of its own, with some milliseconds added to each entry.

Usage: python -m bench.scaleworker DATABASE_URL MILLISECONDS WORKERS; prints "ready" once the lanes
are shared by so many workers, and works from the first line on its input until it is killed.
"""

import sys
import time

from mapping.hl7.dialect import Dialect
from service.clock import utc_now
from service.database import connect
from service.lanes import LANES, Lanes
from service.logs import configure
from service.metrics import Metrics
from service.pipeline import Line
from service.site import dialects_of, load_site
from service.workers import Bell, work


class Slow(dict[str, Dialect]):
    """Feeds whose every look-up takes a while: it is asked for once an entry."""

    pause = 0.0

    def __getitem__(self, feed: str) -> Dialect:
        """The dialect, late."""
        time.sleep(self.pause)
        return super().__getitem__(feed)


def main(url: str, milliseconds: float, workers: int) -> None:
    """Wait for our share, then for the word, then work."""
    configure("json")
    site = load_site(None)
    dialects = Slow(dialects_of(site))
    dialects.pause = milliseconds / 1_000
    with connect(url) as database:
        line = Line(database, site, dialects, utc_now, Metrics(dict), lambda: 0.5)
        lanes = Lanes(database)
        lanes.start()
        while lanes.held() != LANES // workers:
            time.sleep(0.05)
        print("ready", flush=True)
        sys.stdin.readline()
        work(line, Bell(), lambda: None, lanes.hold)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]))
