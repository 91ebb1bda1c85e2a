"""What a power cut leaves: images of the disk from a recording, each opened and asked.

``unsynced lost``: nothing that no fsync covered. ``prefix``: of that, the first pieces of 512
bytes. ``random``: any of those pieces, so that writes are torn and out of order.
A write whose fsync failed is never on disk, for the kernel may have dropped it.
"""

import shutil
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from service.engines import SQLITE

MODELS = ("unsynced lost", "prefix", "random")
SECTOR = 512
_HEAD = struct.Struct("=cBqI")


@dataclass(frozen=True, slots=True)
class Record:
    """One thing that the recorder saw; the kinds are those of recorder.c."""

    kind: str
    name: str
    offset: int
    content: bytes

    @property
    def acknowledged(self) -> str:
        """The control id of a positive answer, empty for anything else."""
        return self.content.decode() if self.kind == "a" and self.name in ("AA", "CA") else ""


@dataclass(slots=True)
class Disk:
    """What fsync has covered, by file, and what was asked since, in order."""

    kept: dict[str, bytearray]
    waiting: list[tuple[int, Record]] = field(default_factory=list)
    begun: dict[tuple[str, int], int] = field(default_factory=dict)

    def take(self, number: int, record: Record) -> None:
        """The next record of the log."""
        name, ticket = record.name, (record.name, record.offset)
        if record.kind in "wt":
            self.waiting.append((number, record))
        elif record.kind == "u":  # as a journalled file system keeps it: at once
            self.kept.pop(name, None)
            self.waiting = [one for one in self.waiting if one[1].name != name]
        elif record.kind == "b":
            self.begun[ticket] = number
        elif record.kind in "sf":
            self._end_fsync(name, self.begun.pop(ticket), record.kind == "s")

    def image(self, model: str, chance: Random) -> dict[str, bytearray]:
        """The files after a cut at this moment."""
        files = {name: bytearray(content) for name, content in self.kept.items()}
        pieces = [piece for _, record in self.waiting for piece in _pieces(record)]
        share = chance.random()
        if model == "unsynced lost":
            pieces = []
        elif model == "prefix":
            pieces = pieces[: round(share * len(pieces))]
        else:
            pieces = [piece for piece in pieces if chance.random() < share]
        for piece in pieces:
            _put(files, piece)
        return files

    def holds_back(self, suffix: str) -> bool:
        """Something of such a file waits for its fsync."""
        return any(record.name.endswith(suffix) for _, record in self.waiting)

    def _end_fsync(self, name: str, began: int, went_well: bool) -> None:
        rest = []
        for number, record in self.waiting:
            if record.name != name or number > began:
                rest.append((number, record))
            elif went_well:
                _put(self.kept, record)
        self.waiting = rest


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one cut did."""

    at: int
    model: str
    lost: frozenset[str]
    integrity: str

    @property
    def is_good(self) -> bool:
        """Nothing acknowledged is missing and SQLite finds its file whole."""
        return not self.lost and self.integrity == "ok"


def read_log(log: Path) -> list[Record]:
    """Every record in order; the -shm file, which SQLite makes anew, is left out."""
    content, at, records = log.read_bytes(), 0, []
    while at < len(content):
        kind, name_length, offset, length = _HEAD.unpack_from(content, at)
        at += _HEAD.size
        name = content[at : at + name_length].decode()
        at += name_length
        record = Record(kind.decode(), name, offset, content[at : at + length])
        at += length
        if not name.endswith("-shm"):
            records.append(record)
    return records


def files_of(folder: Path) -> dict[str, bytearray]:
    """The disk before the recording began."""
    return {one.name: bytearray(one.read_bytes()) for one in folder.iterdir() if one.is_file()}


def choose_cuts(records: Sequence[Record], count: int, chance: Random) -> list[int]:
    """Half anywhere, half just behind an acknowledgement, where the promise is youngest."""
    answers = [n + 1 for n, record in enumerate(records) if record.acknowledged]
    spots = [chance.randint(0, len(records)) for _ in range(count - count // 2)]
    return sorted(spots + [chance.choice(answers) for _ in range(count // 2)])


def judge(
    records: Sequence[Record],
    before: dict[str, bytearray],
    cuts: Sequence[int],
    chance: Random,
    room: Path,
) -> Iterator[Verdict]:
    """Each cut (ascending) under each model."""
    disk, promised, at = Disk(before), set[str](), 0
    for cut in cuts:
        for record in records[at:cut]:
            disk.take(at, record)
            promised |= {record.acknowledged} - {""}
            at += 1
        for model in MODELS:
            stored, integrity = look_at(disk.image(model, chance), room)
            yield Verdict(cut, model, frozenset(promised - stored), integrity)


def look_at(files: dict[str, bytearray], room: Path) -> tuple[set[str], str]:
    """The control ids in the journal of an image, and what SQLite says of its file."""
    shutil.rmtree(room, ignore_errors=True)
    room.mkdir()
    for name, content in files.items():
        (room / name).write_bytes(content)
    return ask(next(room / name for name in files if name.endswith(".db")))


def ask(path: Path) -> tuple[set[str], str]:
    """The control ids in the journal of a file, and what SQLite says of it."""
    opened = SQLITE.connect(str(path))
    try:
        opened.execute("PRAGMA synchronous=OFF")
        integrity = opened.execute("PRAGMA integrity_check").fetchone()[0]
        rows = opened.execute("select control_id from journal").fetchall()
    except SQLITE.DatabaseError as broken:
        return set(), str(broken)
    finally:
        opened.close()
    return {row[0] for row in rows}, integrity


def _pieces(record: Record) -> Iterator[Record]:
    """A write in the sectors that a disk writes one by one; anything else whole."""
    start, end = record.offset, record.offset + len(record.content)
    if record.kind != "w":
        yield record
        return
    while start < end:
        stop = min(end, (start // SECTOR + 1) * SECTOR)
        part = record.content[start - record.offset : stop - record.offset]
        yield Record("w", record.name, start, part)
        start = stop


def _put(files: dict[str, bytearray], record: Record) -> None:
    content = files.setdefault(record.name, bytearray())
    end = record.offset + len(record.content)
    if record.kind == "t":
        del content[end:]
    if len(content) < end:
        content.extend(bytes(end - len(content)))
    if record.kind == "w":
        content[record.offset : end] = record.content
