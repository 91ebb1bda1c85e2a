"""Our door in a process of its own: the ``listen`` role, nobody working behind it.

Usage: python -m bench.doorkeeper [--alone] FOLDER-OR-URL; prints its port. SQLite in that folder,
or an empty database on a server; with ``--alone`` no two messages share a commit.
"""

import sys

from ingest import committer
from service.clock import utc_now
from service.database import connect, migrate
from service.logs import configure
from service.running import Running, line_of
from service.settings import Settings
from service.site import load_site
from service.workers import until_told_to_stop


def main(place: str) -> None:
    """Answer until SIGTERM."""
    configure("json")
    url = place if place.startswith("postgresql") else f"sqlite:///{place}/line.db"
    surroundings = {"THINKCARER_DATABASE_URL": url, "THINKCARER_MLLP_ADDRESS": "127.0.0.1:0"}
    settings = Settings.load(surroundings, False)
    with connect(url) as database:
        migrate(database)
        line = line_of(database, load_site(None), utc_now, settings)
        with Running(settings, database, line, roles=frozenset({"listen"})) as running:
            print(running.mllp_port, flush=True)
            until_told_to_stop()


if __name__ == "__main__":
    if "--alone" in sys.argv:
        committer.MOST = 1
    main(sys.argv[-1])
