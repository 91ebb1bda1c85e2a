"""An e-mail to a centre's desk: that there is something to read, where, and nothing else."""

import re
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime

from alerts.channels.dialling import CannotDial, NameNotResolved, checked_addresses
from alerts.channels.smtp_server import Security, SmtpServer, check_address
from alerts.delivery import Accepted, Parcel, Receipt, Refused, TryLater, Unavailable

_WAIT = 15.0
_LONGEST = 60.0
_TEXT = """\
There is something to read in Think Carer:

{link}

Please sign in to read it. This e-mail says nothing about anybody, on purpose.
"""
_ENHANCED = re.compile(rb"[245]\.\d{1,3}\.\d{1,3}(?=\s|$)")
_FAILURES = (OSError, CannotDial)
_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (smtplib.SMTPAuthenticationError, "the mail server does not take our user and password"),
    (smtplib.SMTPServerDisconnected, "the mail server hung up"),
    (smtplib.SMTPException, "the mail server offers no sign-in that we know"),
    (ssl.SSLCertVerificationError, "the mail server's certificate is not good for its name"),
    (ssl.SSLError, "no TLS with the mail server"),
    (TimeoutError, "the mail server does not answer in time"),
    (NameNotResolved, "the mail server's name has no address"),
    (CannotDial, "the mail server's name leads where none may be dialled"),
    (OSError, "no connection to the mail server"),
)


class LinkInvalid(ValueError):
    """Not an http or https link in printable ASCII."""


@dataclass(frozen=True, slots=True)
class Letterbox:
    """A centre's e-mail address, and the link to its inbox page."""

    address: str
    link: str

    def __post_init__(self) -> None:
        check_address(self.address)
        if not re.fullmatch(r"https?://[!-~]{1,900}", self.link):
            raise LinkInvalid("not an http or https link")


class _NotServed(Exception):
    """The mail server does nothing for us now; the text says why, in our words."""


class Mail:
    """One e-mail a parcel, one recipient an e-mail, one conversation at a time.

    An e-mail whose acceptance got lost is sent again with the same Message-ID, so it may arrive
    twice. What bounces after it was accepted goes to the sender's mailbox, which a person reads.
    """

    patience = timedelta(seconds=_LONGEST + 2 * _WAIT)
    """A conversation, and two addresses dialled before it."""

    def __init__(
        self,
        server: SmtpServer,
        letterboxes: Mapping[str, Letterbox],
        now: Callable[[], datetime],
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._server, self._letterboxes, self._now = server, letterboxes, now
        self._tls = tls or ssl.create_default_context()
        self._one_at_a_time = threading.Lock()
        self._line: smtplib.SMTP | None = None
        self._closed = False

    def send(self, parcel: Parcel) -> Receipt:
        """Taken once the mail server has taken it: from there on it is the server's."""
        letterbox = self._letterboxes.get(parcel.recipient.code)
        if letterbox is None:
            return Refused(f"the centre {parcel.recipient.code} has no e-mail address")
        text = _text(parcel, letterbox, self._server, self._now())
        with self._one_at_a_time:
            self._line = line = smtplib.SMTP(local_hostname=self._server.domain)
            late = threading.Timer(_LONGEST, _cut, (line,))
            late.daemon = True
            try:
                line.sock = connection = _connected(self._server)
                late.start()
                self._sign_in(line, connection)
                return _handed_over(line, self._server.sender, letterbox.address, text)
            except _NotServed as failure:
                return Unavailable(str(failure))
            except _FAILURES as failure:
                return Unavailable(_words(failure))
            finally:
                late.cancel()
                line.close()

    def fault(self) -> str:
        """Does the mail server let us in, by TLS where it must be."""
        with self._one_at_a_time:
            line = smtplib.SMTP(local_hostname=self._server.domain)
            try:
                line.sock = connection = _connected(self._server)
                self._sign_in(line, connection)
                line.quit()
            except _NotServed as failure:
                return str(failure)
            except _FAILURES as failure:
                return _words(failure)
            finally:
                line.close()
        return ""

    def close(self) -> None:
        """The conversation in hand, if any, ends."""
        self._closed = True
        if self._line is not None:
            _cut(self._line)

    def _sign_in(self, line: smtplib.SMTP, connection: socket.socket) -> None:
        """Protect the line, then say who we are; raises _NotServed or one of _FAILURES."""
        server = self._server
        if self._closed:
            raise _NotServed("we are closing down")
        if server.security is Security.TLS:
            self._protect(line, connection)
        _expect(220, line.getreply(), "greets")
        _expect(250, line.ehlo(), "answers EHLO")
        if server.security is Security.STARTTLS:
            if not line.has_extn("starttls"):
                raise _NotServed("the mail server offers no STARTTLS; nothing goes in plain")
            _expect(220, line.docmd("STARTTLS"), "answers STARTTLS")
            self._protect(line, connection)
            _expect(250, line.ehlo(), "answers EHLO")
        if server.user:
            line.login(server.user, server.password)

    def _protect(self, line: smtplib.SMTP, plain: socket.socket) -> None:
        """TLS goes by the name in the setting, whatever address was dialled."""
        line.sock = protected = self._tls.wrap_socket(
            plain, do_handshake_on_connect=False, server_hostname=self._server.host
        )
        # RFC 3207 §4.2: what came in plain is forgotten, be it a reply sent ahead of TLS.
        line.file = None
        protected.do_handshake()


def _connected(server: SmtpServer) -> socket.socket:
    """To the first of two addresses that answers; all were judged before."""
    failure = OSError()
    for address in checked_addresses(server.host, server.port)[:2]:
        try:
            return socket.create_connection((address, server.port), _WAIT)
        except OSError as err:
            failure = err
    raise failure


def _handed_over(line: smtplib.SMTP, sender: str, address: str, text: bytes) -> Receipt:
    """Sender, recipient and text; a connection lost within the text leaves it open what became."""
    code, said = line.mail(sender)
    if code != 250:
        return Unavailable(f"the mail server does not take our sender: {_code(code, said)}")
    code, said = line.rcpt(address)
    if code not in (250, 251):
        return _judged("the recipient", code, said)
    try:
        code, said = line.data(text)
    except smtplib.SMTPDataError as refusal:
        return _judged("the e-mail", refusal.smtp_code, _bytes(refusal.smtp_error))
    except OSError:
        why = "no answer after the e-mail went out: it may have arrived"
        return TryLater(why, is_in_doubt=True)
    if code != 250:
        return _judged("the e-mail", code, said)
    with suppress(OSError):
        line.quit()
    return Accepted(_code(code, said))


def _judged(what: str, code: int, said: bytes) -> Receipt:
    """The second digit says what a reply is about: 5 is the mail (RFC 5321 §4.2.1)."""
    why = f"the mail server refuses {what}: {_code(code, said)}"
    if code // 10 == 45:
        return TryLater(why)
    return Refused(why) if code // 10 == 55 else Unavailable(why)


def _text(parcel: Parcel, letterbox: Letterbox, server: SmtpServer, now: datetime) -> bytes:
    """The same for everybody; nothing of the parcel is in it but which obligation it is."""
    alert = re.sub(r"[^0-9A-Za-z-]", "", parcel.alert)
    head = (
        f"From: Think Carer <{server.sender}>",
        f"To: {letterbox.address}",
        "Subject: Something to read in Think Carer",
        f"Date: {format_datetime(now)}",
        f"Message-ID: <{alert}.{parcel.version}@{server.domain}>",
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=us-ascii",
        "Content-Transfer-Encoding: 7bit",
    )
    body = _TEXT.format(link=letterbox.link).splitlines()
    return "\r\n".join((*head, "", *body, "")).encode("ascii")


def _expect(wanted: int, reply: tuple[int, bytes], does: str) -> None:
    code, said = reply
    if code != wanted:
        raise _NotServed(f"the mail server {does} with {_code(code, said)}")


def _code(code: int, said: bytes) -> str:
    """The numbers of a reply (RFC 5321, RFC 3463); its words may quote anything."""
    if code < 0:
        return "what is not SMTP"
    enhanced = _ENHANCED.match(said)
    return f"{code} {enhanced.group().decode()}" if enhanced else str(code)


def _bytes(said: bytes | str) -> bytes:
    return said.encode() if isinstance(said, str) else said


def _words(failure: Exception) -> str:
    words = next(words for kind, words in _WORDS if isinstance(failure, kind))
    if isinstance(failure, smtplib.SMTPResponseException):
        return f"{words}: {failure.smtp_code}"
    if isinstance(failure, ssl.SSLCertVerificationError):
        return f"{words}: {failure.verify_message}"
    return words


def _cut(line: smtplib.SMTP) -> None:
    """Whoever waits for the server learns at once that nothing comes any more."""
    if line.sock is not None:
        with suppress(OSError):
            # Not the method of a TLS socket, which takes its TLS away under the reader's hands.
            socket.socket.shutdown(line.sock, socket.SHUT_RDWR)
