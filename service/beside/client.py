"""A command's side: asks the service that holds the SQLite file, and tells what it answers."""

import socket
from contextlib import suppress
from pathlib import Path

from service.beside.acts import Teller
from service.beside.protocol import (
    MAX_PATH,
    Incoming,
    ProtocolBroken,
    Request,
    object_of,
    opening,
    our_hello,
)
from service.engines import DatabaseBusy
from service.errors import CommandFailed

_CUT_OFF = (
    "The service ended this command without an answer, so it may have been done or not: its log "
    "says why. Look, then run this again."
)


def ask(path: Path, request: Request, teller: Teller, busy: DatabaseBusy) -> None:
    """Have the service run it; raises ``busy`` where nobody listens for commands."""
    head = opening(our_hello(), request)
    with socket.socket(socket.AF_UNIX) as service:
        try:
            if len(str(path).encode()) > MAX_PATH:
                raise busy
            service.connect(str(path))
        except PermissionError as err:
            raise CommandFailed(
                f"{path} is open to the user of the service alone: become that user."
            ) from err
        except OSError as err:
            raise busy from err
        with suppress(BrokenPipeError, ConnectionResetError):  # refused: its answer says why
            service.sendall(head)
            with service.makefile("wb") as sent:
                sent.writelines(row + b"\n" for row in request.rows)
        try:
            _tell(Incoming(service), teller)
        except OSError as err:
            raise CommandFailed(_CUT_OFF) from err


def _tell(incoming: Incoming, teller: Teller) -> None:
    """Pass on every answer until the last."""
    while True:
        match object_of(incoming.line()):
            case {"progress": int(done), "total": int(total)}:
                teller.progress(done, total)
            case {"say": str(line)}:
                teller.say(line)
            case {"warn": str(line)}:
                teller.warn(line)
            case {"error": str(why)}:
                raise CommandFailed(why)
            case {"ok": _}:
                return
            case _:
                raise ProtocolBroken(ProtocolBroken.__doc__)
