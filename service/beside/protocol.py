"""What a command and the running service say to each other: lines of JSON.

The command says its release and database revision, then its name, arguments and how many rows
follow, then the rows. The service answers with lines of progress and of words, the last of them
``ok`` or ``error``.
"""

import json
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from pwd import getpwuid
from typing import IO, Protocol

from service.database import head
from service.engines import sqlite_path
from service.errors import ServiceError

MAX_LINE = 64 * 2**10
"""Bytes of one line, either way."""
MAX_ROWS = 2**30
"""Bytes of all rows: a register of more than a million."""
MAX_PATH = 100
"""Bytes of the socket's path; Linux takes 107."""
PART_WITHIN = 10.0
"""Seconds for each part that comes or goes, where there is a deadline."""
_PART = 2**16

Arguments = Mapping[str, Sequence[str]]


class ProtocolBroken(ServiceError):
    """What came is not what a command of this release says. Use the release of the service."""


@dataclass(frozen=True, slots=True)
class Hello:
    """Who speaks: the release and the head of its migrations."""

    release: str
    revision: str


class RowsAsked(Protocol):
    """Rows that go with a command, each a line of JSON; they are gone through once."""

    def __len__(self) -> int:
        """How many."""

    def __iter__(self) -> Iterator[bytes]:
        """Each, without its line end or with it."""


@dataclass(frozen=True, slots=True)
class Request:
    """A command by name, what it was given, and the rows that go with it."""

    command: str
    arguments: Arguments = field(default_factory=dict)
    rows: RowsAsked = ()

    def one(self, name: str) -> str:
        """An argument that stands once at most; empty where it was not given."""
        return next(iter(self.arguments.get(name, ())), "")

    def all(self, name: str) -> tuple[str, ...]:
        """An argument that may be repeated."""
        return tuple(self.arguments.get(name, ()))


def user_name(uid: int) -> str:
    """The name of a user of this machine; a container may run as one without."""
    try:
        return getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def our_hello() -> Hello:
    """What this program is."""
    try:
        release = version("thinkcarer")
    except PackageNotFoundError:  # run from a checkout
        release = ""
    return Hello(release, head())


def socket_path(url: str) -> Path:
    """Where the service that holds this SQLite file listens for commands."""
    path = sqlite_path(url).absolute()
    return path.with_name(path.name + ".d") / "commands.sock"


def opening(hello: Hello, request: Request) -> bytes:
    """The two lines that come before the rows."""
    asked = {
        "command": request.command,
        "arguments": {name: list(said) for name, said in request.arguments.items()},
        "rows": len(request.rows),
    }
    lines = line_of(asdict(hello)), line_of(asked)
    if max(map(len, lines)) > MAX_LINE:
        raise ProtocolBroken("That is too much for one command: give it fewer at a time.")
    return b"".join(lines)


def hello_of(line: bytes) -> Hello:
    """The first line of a command."""
    said = object_of(line)
    release, revision = said.get("release"), said.get("revision")
    if not isinstance(release, str) or not isinstance(revision, str):
        raise ProtocolBroken(ProtocolBroken.__doc__)
    return Hello(release, revision)


def request_of(line: bytes) -> tuple[Request, int]:
    """The second line of a command, and how many rows follow."""
    said = object_of(line)
    command, arguments, count = said.get("command"), said.get("arguments"), said.get("rows")
    if not isinstance(command, str) or not isinstance(arguments, dict) or type(count) is not int:
        raise ProtocolBroken(ProtocolBroken.__doc__)
    if not 0 <= count <= MAX_ROWS:
        raise ProtocolBroken(ProtocolBroken.__doc__)
    if not all(isinstance(each, list) for each in arguments.values()):
        raise ProtocolBroken(ProtocolBroken.__doc__)
    if not all(isinstance(word, str) for each in arguments.values() for word in each):
        raise ProtocolBroken(ProtocolBroken.__doc__)
    return Request(command, arguments), count


def line_of(said: Mapping[str, object]) -> bytes:
    """One line of JSON."""
    return json.dumps(said).encode() + b"\n"


def object_of(line: bytes) -> dict[str, object]:
    """A line taken apart; raises where it is no object of JSON."""
    try:
        said = json.loads(line)
    except (ValueError, RecursionError) as err:
        raise ProtocolBroken(ProtocolBroken.__doc__) from err
    if not isinstance(said, dict):
        raise ProtocolBroken(ProtocolBroken.__doc__)
    return said


class Incoming:
    """What comes from a peer, line by line."""

    def __init__(self, peer: socket.socket, until: float | None = None) -> None:
        """Reads from this socket alone; ``until`` is by the monotonic clock, None waits on."""
        self._peer = peer
        self.until = until
        self._kept = bytearray()

    def line(self) -> bytes:
        """The next line; raises where it is too long or the peer has gone."""
        while (end := self._kept.find(b"\n")) < 0:
            if len(self._kept) > MAX_LINE:
                raise ProtocolBroken(ProtocolBroken.__doc__)
            self._more()
        line = bytes(self._kept[:end])
        del self._kept[: end + 1]
        return line

    def lines_into(self, place: IO[bytes], count: int) -> None:
        """That many lines, as they come; raises where there is more, or more than there may be."""
        size = 0
        while count:
            if not self._kept:
                self._more()
            part = bytes(self._kept)
            self._kept.clear()
            count -= part.count(b"\n")
            size += len(part)
            if size > MAX_ROWS:
                raise ProtocolBroken(f"That is more than {MAX_ROWS >> 20} MiB, which is too much.")
            if count < 0 or (count == 0 and not part.endswith(b"\n")):
                raise ProtocolBroken(ProtocolBroken.__doc__)
            place.write(part)

    def _more(self) -> None:
        if self.until is not None:
            left = self.until - time.monotonic()
            if left <= 0:
                raise TimeoutError("the other side is too slow")
            self._peer.settimeout(min(left, PART_WITHIN))
        part = self._peer.recv(_PART)
        if not part:
            raise ConnectionResetError("the other side has gone")
        self._kept += part
