"""Mail servers of this machine: a polite one that says what a test wrote down, and a rude one."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.support.running_service import free_port

HANG_UP = "hang up"
"""Instead of a reply: the connection ends."""
USER, PASSWORD = "desk", "pass word"


@dataclass(frozen=True)
class Arrived:
    """An e-mail that the server said it has taken."""

    sender: str
    recipients: list[str]
    text: bytes
    is_protected: bool


@dataclass
class Postbox:
    """What arrived, and the replies that stand in for the usual ones, used up one by one."""

    on_mail: list[str] = field(default_factory=list)
    on_rcpt: list[str] = field(default_factory=list)
    on_data: list[str] = field(default_factory=list)
    arrived: list[Arrived] = field(default_factory=list)
    port: int = field(default_factory=free_port)

    def handle_MAIL(
        self, server: SMTP, _session: Session, envelope: Envelope, sender: str, _options: list[str]
    ) -> Awaitable[str]:
        envelope.mail_from = sender
        return _said(self.on_mail, server)

    def handle_RCPT(
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> Awaitable[str]:
        if not self.on_rcpt:
            envelope.rcpt_tos.append(address)
        return _said(self.on_rcpt, server)

    def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> Awaitable[str]:
        assert isinstance(envelope.content, bytes)
        if not self.on_data or self.on_data[0] == HANG_UP:
            is_protected = server.transport.get_extra_info("sslcontext") is not None
            self.arrived.append(
                Arrived(str(envelope.mail_from), envelope.rcpt_tos, envelope.content, is_protected)
            )
        return _said(self.on_data, server)


@contextmanager
def mail_server(
    starttls: ssl.SSLContext | None = None,
    tls: ssl.SSLContext | None = None,
    asks_who: bool = False,
) -> Iterator[Postbox]:
    """A server on 127.0.0.1 that offers STARTTLS, or speaks TLS from the start, or neither."""
    box = Postbox()
    signing_in = {"authenticator": _known, "auth_required": True} if asks_who else {}
    if tls is not None:  # aiosmtpd counts only STARTTLS as protected
        signing_in |= {"auth_require_tls": False} if asks_who else {}
    controller = Controller(
        box,
        "127.0.0.1",
        box.port,
        ssl_context=tls,
        tls_context=starttls,
        require_starttls=starttls is not None,
        **signing_in,
    )
    controller.start()
    try:
        yield box
    finally:
        controller.stop()


@dataclass
class Rude:
    """Says one reply after another, whatever it is told, and keeps what it was told."""

    replies: tuple[bytes, ...]
    hangs_up: bool
    """After the last one; else it stays on the line and is silent."""
    heard: list[bytes] = field(default_factory=list)
    port: int = 0


@contextmanager
def rude_server(*replies: bytes, hangs_up: bool = True) -> Iterator[Rude]:
    """A server that speaks first, in plain."""
    rude = Rude(replies, hangs_up)
    ending = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        rude.port = listening.getsockname()[1]
        thread = threading.Thread(target=_converse, args=(listening, rude, ending), daemon=True)
        thread.start()
        try:
            yield rude
        finally:
            ending.set()
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", rude.port), 1).close()
            thread.join(5)


def _converse(listening: socket.socket, rude: Rude, ending: threading.Event) -> None:
    with suppress(OSError):
        connection, _ = listening.accept()
        with connection:
            for reply in rude.replies:
                connection.sendall(reply)
                told = connection.recv(65_536)
                if not told:
                    return
                rude.heard.append(told)
            ending.wait(0 if rude.hangs_up else 60)


def _said(script: list[str], server: SMTP) -> Awaitable[str]:
    """What a hook answers; sleep(0) is a coroutine that comes ready made."""
    reply = script.pop(0) if script else "250 2.0.0 OK"
    if reply == HANG_UP:
        server.transport.abort()
    return asyncio.sleep(0, reply)


def _known(
    _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, shown: LoginPassword
) -> AuthResult:
    is_right = shown == LoginPassword(USER.encode(), PASSWORD.encode())
    return AuthResult(success=is_right, handled=is_right)
