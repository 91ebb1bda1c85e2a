"""``thinkcarer`` on a machine whose clock is off by the seconds that the file MOVED_BY holds."""

import os
from datetime import datetime, tzinfo
from pathlib import Path

import service.clock
from service.cli import main

OFF = Path(os.environ.get("MOVED_BY", os.devnull))


class MovedDatetime(datetime):
    """What the machine's clock shows."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:
        return datetime.fromtimestamp(datetime.now(tz).timestamp() + float(OFF.read_text()), tz)


if __name__ == "__main__":
    setattr(service.clock, "datetime", MovedDatetime)  # noqa: B010 - as if the machine's own
    main()
