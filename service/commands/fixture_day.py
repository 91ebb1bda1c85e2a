"""The fixture day as if it were today: messages in order, their times moved to end just now."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import service
from service.commands.shell import CommandFailed

FIXTURES = Path(service.__file__).resolve().parent.parent / "fixtures"
LAST = datetime(2026, 11, 23, 19, 0)  # noqa: DTZ001 - local wall clock, as the messages carry it
"""When the fixture day ends, London wall clock."""

_STAMP = re.compile(rb"(?<=[|^~])(2026(?:10|11|12)\d\d)(\d{4}(?:\d\d)?)?(?=[|^~\r\n]|$)")


@dataclass(frozen=True, slots=True)
class FixtureMessage:
    """One file of the fixture day."""

    name: str
    raw: bytes


def messages(shift: timedelta = timedelta()) -> Iterator[FixtureMessage]:
    """Every message in the day's order, its times moved by ``shift``."""
    files = sorted((FIXTURES / "hl7").glob("*/*.hl7"), key=lambda path: path.name)
    if not files:
        raise CommandFailed(f"No fixture messages in {FIXTURES / 'hl7'}.")
    for file in files:
        yield FixtureMessage(f"{file.parent.name}/{file.stem}", redate(file.read_bytes(), shift))


def register_file() -> Path:
    """The fixture register."""
    return FIXTURES / "register" / "lanarkshire.csv"


def shift_to_end_at(local_now: datetime) -> timedelta:
    """What moves the day so that its last message is a minute old."""
    return local_now.replace(tzinfo=None) - LAST - timedelta(minutes=1)


def redate(raw: bytes, shift: timedelta) -> bytes:
    """Move every date of the fixture weeks; a date without an hour moves by whole days."""
    days = timedelta(days=round(shift / timedelta(days=1)))

    def moved(stamp: re.Match[bytes]) -> bytes:
        day, clock = stamp[1].decode(), (stamp[2] or b"").decode()
        pattern = "%Y%m%d" + {0: "", 4: "%H%M", 6: "%H%M%S"}[len(clock)]
        try:
            at = datetime.strptime(day + clock, pattern)  # noqa: DTZ007 - wall clock
        except ValueError:
            return stamp[0]  # the deliberate impossible dates stay impossible
        return (at + (shift if clock else days)).strftime(pattern).encode()

    return _STAMP.sub(moved, raw)
