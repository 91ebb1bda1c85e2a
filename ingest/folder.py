"""A drop folder of .hl7 files and batches: a file leaves it after its last message is safe."""

import os
import re
import stat
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import structlog

from ingest.batch import Parts, parts_of
from ingest.committer import CannotStore
from ingest.failpoints import passing
from ingest.mllp import FrameTooLong
from ingest.receive import Door, Incoming, Origin, receive_all, receive_too_long
from ingest.steady import keep_on

log = structlog.get_logger()

LOOK_EVERY = 0.5
STILL_FOR = 2.0
"""Seconds in which neither size nor time of a file may change before it is read."""
AGAIN_AFTER = 2.0
LONGEST_FILE = 64 * 1_048_576
"""Bytes; a day of a large hospital is a fifth of it."""
_GROUP = 500
_HEAD = 4_096
_PIECE = 1_048_576
DONE, REFUSED = "done", "refused"
_ARCHIVE = re.compile(r"\.(zip|gz|tgz|bz2|xz|7z|tar|rar)$", re.IGNORECASE)
_MAGIC = (
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"PK\x07\x08",
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ",
    b"7z\xbc\xaf",
)


@dataclass(frozen=True, slots=True)
class Look:
    """What a file was like when we looked; ``since``: monotonic, when it was first like that."""

    size: int
    changed_ns: int
    inode: int
    since: float


@dataclass(frozen=True, slots=True)
class Found:
    """What a file held when it was read; ``print`` tells whether it was written to since."""

    data: bytes
    size: int
    digest: str
    print: tuple[int, int, int]


class NotAFile(Exception):
    """It was replaced by something else between looking and opening."""


class Watching:
    """Takes in what is put into one folder, with one thread that does not end by itself."""

    def __init__(self, folder: Path, door: Door, message_bytes: int) -> None:
        """Nothing is looked at before start."""
        self._folder = folder
        self._door = door
        self._message_bytes = message_bytes
        self._seen: dict[str, Look] = {}
        self._reported: set[str] = set()
        self._fault: str | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="folder", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self, wait_for: float = 5.0) -> None:
        """Finish the file in hand."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(wait_for)

    def fault(self) -> str | None:
        """Why nothing is taken in now, in words; None while all is well."""
        return self._fault

    def _run(self) -> None:
        keep_on(self._look_now, self._failed, self._stopping)

    def _look_now(self) -> float:
        self.look(time.monotonic())
        self._fault = None
        return LOOK_EVERY

    def _failed(self, failure: Exception) -> float:
        if isinstance(failure, CannotStore):
            self._fault = "the journal cannot store what the folder brings"
        else:
            self._tell(failure)
        return AGAIN_AFTER

    def _tell(self, failure: Exception) -> None:
        """Once for each fault; a file's name is not told, only the folder's."""
        known = isinstance(failure, OSError) and failure.strerror
        fault = f"the folder cannot be used ({known or type(failure).__name__})"
        if fault != self._fault:
            self._fault = fault
            why = f"{fault}: this user must read and write it, and move files to its folder done"
            log.warning(
                "folder_failed",
                error=type(failure).__name__,
                source=f"folder:{self._folder}",
                reason=why if known else fault,
            )

    def look(self, now: float) -> int:
        """Take in every file that is still; how many."""
        ready = [name for name in self._candidates(now) if self._is_still(name, now)]
        for name in ready:
            if self._stopping.is_set():
                break
            self._take(name)
        return len(ready)

    def _candidates(self, now: float) -> list[str]:
        """Names of regular files that are ours, the oldest first; what is refused is told."""
        found: dict[str, Look] = {}
        for entry in os.scandir(self._folder):
            if entry.name.startswith(".") or not _is_ours(entry.name):
                continue
            try:
                seen = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue  # another process has just taken it
            if stat.S_ISREG(seen.st_mode) and seen.st_nlink == 1:
                look = Look(seen.st_size, seen.st_mtime_ns, seen.st_ino, now)
                found[entry.name] = _older(self._seen.get(entry.name), look)
            elif not stat.S_ISDIR(seen.st_mode):
                self._report(entry.name, "a link or a device, which is never followed")
        self._seen = found
        self._reported &= {*found, *os.listdir(self._folder)}
        return sorted(found, key=lambda name: (found[name].changed_ns, name))

    def _is_still(self, name: str, now: float) -> bool:
        look = self._seen[name]
        return look.size > 0 and now - look.since >= STILL_FOR

    def _take(self, name: str) -> None:
        try:
            found = self._read(name)
        except FileNotFoundError:
            return  # another process has taken it
        except (NotAFile, OSError) as failure:
            self._report(name, f"it cannot be read ({type(failure).__name__})")
            return
        passing("file-read")
        origin = Origin("", way="folder", place=name, is_answered=False)
        why = _unfit(name, found)
        if why:
            head = FrameTooLong(found.data[:_HEAD], found.digest, found.size)
            receive_too_long(head, origin, self._door, why)
            self._report(name, why)
            count = repeats = 0
        else:
            parts = parts_of(found.data)
            count, repeats = len(parts.blocks), self._store(parts, origin)
        passing("file-journaled")
        if self._move(name, REFUSED if why else DONE, found) and not why:
            log.info("file_done", source=f"folder:{name}", messages=count, repeats=repeats)

    def _store(self, parts: Parts, origin: Origin) -> int:
        """Each group is safe before the next; how many had come before. CannotStore: it stays."""
        repeats = 0
        for group in _groups(parts.blocks):
            whole = []
            for block in group:
                if len(block) > self._message_bytes:
                    digest = sha256(block[: self._message_bytes + 1]).hexdigest()
                    failure = FrameTooLong(block[:_HEAD], digest, len(block))
                    reply = receive_too_long(failure, origin, self._door)
                    repeats += reply is not None and reply.is_repeat
                else:
                    whole.append(Incoming(block, origin))
            if whole:
                repeats += sum(reply.is_repeat for reply in receive_all(whole, self._door))
        if parts.complaint:
            self._report(origin.place or "", parts.complaint)
        return repeats

    def _read(self, name: str) -> Found:
        """Exactly the file that was opened, no more of it than is taken."""
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        opened = os.open(self._folder / name, flags)
        with os.fdopen(opened, "rb") as file:
            seen = os.fstat(opened)
            if not stat.S_ISREG(seen.st_mode) or seen.st_nlink != 1:
                raise NotAFile(NotAFile.__doc__)
            digest, kept = sha256(), bytearray()
            while piece := file.read(_PIECE):
                digest.update(piece)
                if len(kept) <= LONGEST_FILE:
                    kept += piece
            return Found(bytes(kept), seen.st_size, digest.hexdigest(), _print_of(seen))

    def _move(self, name: str, place: str, found: Found) -> bool:
        """Out of the way, under a name that is free; False: who comes second finds it gone.

        What was written to it after it was read brings it back, to be read again: what was taken
        before is a repeat then.
        """
        target = self._folder / place
        target.mkdir(exist_ok=True)
        moved = _free(target, name)
        try:
            os.rename(self._folder / name, moved)
        except FileNotFoundError:
            log.info("file_gone", source=f"folder:{name}")
            return False
        if _print_of(os.lstat(moved)) == found.print:
            return True
        os.rename(moved, _free(self._folder, name))
        return False

    def _report(self, name: str, why: str) -> None:
        """Once for each file."""
        if name in self._reported:
            return
        self._reported.add(name)
        self._door.tally.count("folder_refused")
        log.warning("file_refused", source=f"folder:{name}", reason=why)


def _unfit(name: str, found: Found) -> str:
    """Why it is not read as messages, empty if it is."""
    if found.size > LONGEST_FILE:
        return f"longer than {LONGEST_FILE} bytes"
    is_archive = _ARCHIVE.search(name) or found.data.startswith(_MAGIC)
    return "an archive, which is never unpacked" if is_archive else ""


def _print_of(seen: os.stat_result) -> tuple[int, int, int]:
    return seen.st_size, seen.st_mtime_ns, seen.st_ino


def _is_ours(name: str) -> bool:
    """An .hl7 file, or an archive, which is told; a name in progress such as .part is left."""
    return name.lower().endswith(".hl7") or _ARCHIVE.search(name) is not None


def _older(before: Look | None, now: Look) -> Look:
    """The earlier look where nothing has changed since."""
    if before and (before.size, before.changed_ns, before.inode) == (
        now.size,
        now.changed_ns,
        now.inode,
    ):
        return before
    return now


def _free(folder: Path, name: str) -> Path:
    """That name there, or with a number where it is taken."""
    target, number = folder / name, 1
    while target.exists():
        stem, dot, suffix = name.rpartition(".")
        target, number = folder / f"{stem}-{number}{dot}{suffix}", number + 1
    return target


def _groups(blocks: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    for start in range(0, len(blocks), _GROUP):
        yield blocks[start : start + _GROUP]
