"""The running service's side: takes commands over a Unix socket from its own user and root."""

import os
import socket
import stat
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO

import structlog

from ingest.steady import keep_on
from service.beside import acts
from service.beside.acts import COMMANDS_BESIDE
from service.beside.protocol import (
    MAX_PATH,
    PART_WITHIN,
    Hello,
    Incoming,
    ProtocolBroken,
    Request,
    hello_of,
    line_of,
    our_hello,
    request_of,
    user_name,
)
from service.errors import ServiceError
from service.pipeline import Line

log = structlog.get_logger()

AT_ONCE = 4
HEAD_WITHIN = 10.0
"""Seconds for the two lines."""
ROWS_WITHIN = 600.0
"""Seconds for all rows."""
STOPS_WITHIN = 10.0
"""Seconds that a stop waits for what is in hand, all of it together."""
_LOOK_AGAIN = 1.0
_PEER = struct.Struct("3i")


class Stopping(ServiceError):
    """The service is stopping, and this did not end. Run it again once the service runs."""


class PeerRefused(ServiceError):
    """Only the user that the service runs as, and root, may give it commands. Become that user."""


class Answers:
    """What goes back to a command; a peer that has gone, or takes nothing, hears no more."""

    def __init__(self, peer: socket.socket, stopping: threading.Event) -> None:
        """Tells this peer, until the service stops."""
        self._peer = peer
        self._stopping = stopping
        self._is_gone = False

    def say(self, line: str) -> None:
        """One line for stdout there."""
        self.send({"say": line})

    def warn(self, line: str) -> None:
        """One line for stderr there."""
        self.send({"warn": line})

    def progress(self, done: int, total: int) -> None:
        """It never waits: what is not taken at once is left out; here a stop ends the command."""
        if self._stopping.is_set():
            raise Stopping(Stopping.__doc__)
        if not self._is_gone:
            said = line_of({"progress": done, "total": total})
            with suppress(BlockingIOError):
                self._sent(said, socket.MSG_DONTWAIT)

    def send(self, said: Mapping[str, object]) -> None:
        """A line that waits until it is taken, though not for ever."""
        line = line_of(said)
        while line and not self._is_gone:
            line = line[self._sent(line) :]

    def _sent(self, line: bytes, flags: int = 0) -> int:
        """A line of progress that went in part would garble the next: then the peer has gone."""
        try:
            sent = self._peer.send(line, flags)
        except BlockingIOError:
            raise
        except OSError:
            self._is_gone = True
            return 0
        self._is_gone = bool(flags) and sent < len(line)
        return sent


def unusable(path: Path, is_held: bool) -> str:
    """Why no command gets through there, for ``check``; empty where it does.

    ``is_held``: a service runs, and its own socket is tried; else whether one could be made.
    """
    if len(os.fsencode(path)) > MAX_PATH:
        return f"the path {path} is longer than {MAX_PATH} bytes"
    try:
        if is_held:
            return "" if _answers(path) else f"the running service does not answer at {path}"
        with (
            TemporaryDirectory(prefix=".", dir=path.parent.parent) as place,
            socket.socket(socket.AF_UNIX) as tried,
        ):
            tried.bind(f"{place}/s")
    except OSError as err:
        return f"no socket can be made in {path.parent.parent} ({type(err).__name__})"
    return ""


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as tried:
        tried.settimeout(PART_WITHIN)
        try:
            tried.connect(str(path))
            tried.shutdown(socket.SHUT_WR)
        except PermissionError:
            raise
        except OSError:
            return False
    return True


@dataclass(frozen=True, slots=True)
class _Spooled:
    """Rows that wait in a file, so that the largest register takes no memory."""

    file: IO[bytes]
    count: int

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.file)


@dataclass(slots=True)
class CommandServer:
    """Listens beside the SQLite file; at most four commands at once, a thread each."""

    line: Line
    path: Path
    wake: Callable[[], None]
    _hello: Hello = field(default_factory=our_hello)
    _socket: socket.socket | None = None
    _stopping: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _peers: set[socket.socket] = field(default_factory=set)

    def open(self) -> None:
        """Listen; where that cannot be, log it and go without."""
        try:
            self._socket = _listening(self.path)
        except OSError as err:
            log.warning("commands_not_taken", error=type(err).__name__)
            return
        for number in range(AT_ONCE):
            turn = partial(self._turn, self._socket)
            turns = partial(keep_on, turn, _failed, self._stopping)
            thread = threading.Thread(target=turns, name=f"commands {number}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def close(self) -> None:
        """Take no more commands, and let those in hand end."""
        if self._socket is None:
            return
        self._stopping.set()
        self.path.unlink(missing_ok=True)
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        for peer in tuple(self._peers):  # who is still telling what it wants is cut off
            with suppress(OSError):
                peer.shutdown(socket.SHUT_RD)
        until = time.monotonic() + STOPS_WITHIN
        for thread in self._threads:
            thread.join(timeout=max(0.0, until - time.monotonic()))
        self._socket.close()

    def _turn(self, listening: socket.socket) -> float:
        """One command, from its first line to the last answer."""
        try:
            peer, _ = listening.accept()
        except TimeoutError:
            return 0
        except OSError:
            return 0 if self._stopping.is_set() else _LOOK_AGAIN
        self._peers.add(peer)
        with peer:
            peer.settimeout(PART_WITHIN)
            answers = Answers(peer, self._stopping)
            try:
                self._answer(peer, answers)
            except ServiceError as failure:
                answers.send({"error": str(failure), "exit": 1})
            except OSError:
                log.warning("command_cut_off")
            finally:
                self._peers.discard(peer)
        return 0

    def _answer(self, peer: socket.socket, answers: Answers) -> None:
        actor = {"actor": (_user_of(peer),)}  # as the kernel says, whatever the command says
        if not peer.recv(1, socket.MSG_PEEK):
            return  # only whether we are there
        with TemporaryFile(dir=self.path.parent) as spool:  # it has no name that could be left
            request = self._received(peer, spool)
            asked = replace(request, arguments={**request.arguments, **actor})
            try:
                acts.run(self.line, asked, answers)
            finally:
                self.wake()
        log.info("command_done", kind=request.command)
        answers.send({"ok": {}})

    def _received(self, peer: socket.socket, spool: IO[bytes]) -> Request:
        """The whole of a request, each part of it in time."""
        incoming = Incoming(peer, time.monotonic() + HEAD_WITHIN)
        hello = hello_of(incoming.line())
        if hello != self._hello:
            raise ProtocolBroken(
                f"The running service is release {self._hello.release} (database "
                f"{self._hello.revision}) and this command is {hello.release} ({hello.revision}): "
                "use the same release."
            )
        request, count = request_of(incoming.line())
        if request.command not in COMMANDS_BESIDE:
            raise ProtocolBroken("The running service has no such command.")
        incoming.until = time.monotonic() + ROWS_WITHIN
        incoming.lines_into(spool, count)
        spool.seek(0)
        return Request(request.command, request.arguments, _Spooled(spool, count))


def _failed(failure: Exception) -> float:
    """A fault that nobody foresaw ended one command; its peer is closed, the next one comes."""
    log.error("command_failed", failure=failure)
    return 0


def _listening(path: Path) -> socket.socket:
    """A socket for its owner alone; one that was left behind is replaced, for we hold the lock."""
    if len(os.fsencode(path)) > MAX_PATH:
        raise OSError("the path is too long for a socket")
    path.parent.mkdir(mode=0o700, exist_ok=True)
    found = path.parent.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise PermissionError("the folder of the socket is not ours")
    path.parent.chmod(0o700)
    path.unlink(missing_ok=True)
    made = socket.socket(socket.AF_UNIX)
    try:
        made.bind(str(path))
        path.chmod(0o600)
        made.listen(16)
        made.settimeout(_LOOK_AGAIN)
    except OSError:
        made.close()
        raise
    return made


def _user_of(peer: socket.socket) -> str:
    """Who connected, as the kernel says; raises where it is neither our own user nor root."""
    told = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    _, uid, _ = _PEER.unpack(told)
    if uid not in (os.geteuid(), 0):
        log.warning("command_refused", reason="another user")
        raise PeerRefused(PeerRefused.__doc__)
    return user_name(uid)
