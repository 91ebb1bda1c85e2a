"""One question and one answer over HTTP: to a checked address, within a time, never redirected."""

import ssl
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpcore2

from alerts.channels.dialling import CannotDial, Place
from alerts.channels.wire import Clock, Dialler

LARGEST_ANSWER = 1024 * 1024
_AT_ONCE = 8
# Shorter than what servers keep idle connections open for, so that none is used as it dies.
_KEPT_IDLE = 4.0
_LONGEST_WAIT = timedelta(hours=24)
_FAILURES = (
    httpcore2.TimeoutException,
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpcore2.ConnectionNotAvailable,
    OSError,
)
_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (httpcore2.PoolTimeout, "all connections are in use"),
    (httpcore2.ConnectTimeout, "no connection in time"),
    (httpcore2.TimeoutException, "no answer in time"),
    (httpcore2.ConnectError, "no connection"),
    (httpcore2.ProtocolError, "the connection was lost, or the answer is not HTTP"),
    (httpcore2.NetworkError, "the connection was lost"),
)


class ExchangeFailed(Exception):
    """There is no answer; ``why`` says so without quoting anything that was sent or received."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class NotSent(ExchangeFailed):
    """Nothing left this machine but the attempt to connect."""


class OutcomeUnknown(ExchangeFailed):
    """The question may have arrived, and may have had its effect."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds to connect, and to wait for an answer."""

    connect: float = 5.0
    read: float = 20.0


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a server; ``path`` is below that of the place."""

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; header names in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(default=b"", repr=False)
    is_cut: bool = False
    """The body was longer than we read."""


class Exchange:
    """Asks one place, from several threads; knows no proxies, cookies or redirects."""

    def __init__(
        self, place: Place, tls: ssl.SSLContext | None = None, limits: Limits | None = None
    ) -> None:
        self._place, self._limits = place, limits or Limits()
        self._clock = Clock()
        self._dialler = Dialler(self._clock)
        self._pool = httpcore2.ConnectionPool(
            ssl_context=tls or ssl.create_default_context(),
            max_connections=_AT_ONCE,
            keepalive_expiry=_KEPT_IDLE,
            network_backend=self._dialler,
        )

    def within(self, seconds: float) -> AbstractContextManager[None]:
        """Everything that this thread asks inside is over by then."""
        return self._clock.within(seconds)

    def ask(self, question: Question) -> Answer:
        """Raises NotSent or OutcomeUnknown; any answer at all, whatever its status, is returned."""
        self._clock.has_written = False
        with self._clock.within(self._limits.connect + self._limits.read):
            try:
                return self._asked(question)
            except CannotDial as err:
                raise NotSent(str(err)) from err
            except _FAILURES as err:
                if self._clock.has_written:
                    raise OutcomeUnknown(_words(err)) from err
                raise NotSent(_words(err)) from err

    def close(self) -> None:
        """Who still waits for an answer has none now."""
        self._dialler.close()
        self._pool.close()

    def _asked(self, question: Question) -> Answer:
        headers = {
            "Host": self._place.authority,
            "User-Agent": "thinkcarer",
            "Accept-Encoding": "identity",
            "Content-Length": str(len(question.body)),
            **question.headers,
        }
        connect, read = self._limits.connect, self._limits.read
        limits = {"connect": connect, "pool": connect, "read": read, "write": read}
        with self._pool.stream(
            question.method,
            self._url(question.path),
            headers=[
                (name.encode("ascii"), text.encode("ascii")) for name, text in headers.items()
            ],
            content=question.body,
            extensions={"timeout": limits},
        ) as response:
            body, is_cut = _read(response.iter_stream())
            found = {
                name.decode("latin-1").lower(): text.decode("latin-1")
                for name, text in response.headers
            }
        return Answer(response.status, found, body, is_cut)

    def _url(self, path: str) -> httpcore2.URL:
        place = self._place
        return httpcore2.URL(
            scheme=place.scheme.encode("ascii"),
            host=place.host.encode("ascii"),
            port=place.port,
            target=f"{place.path}{path}".encode("ascii"),
        )


def wait_told(answer: Answer, now: datetime) -> datetime | None:
    """Until when the server asks to be left alone (Retry-After: seconds or a date), if it does."""
    told = answer.headers.get("retry-after", "").strip()
    if told.isascii() and told.isdigit():
        return now + min(timedelta(seconds=int(told[:9])), _LONGEST_WAIT)
    try:
        at = parsedate_to_datetime(told)
    except ValueError:
        return None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return min(at, now + _LONGEST_WAIT) if at > now else None


def _read(chunks: Iterable[bytes]) -> tuple[bytes, bool]:
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > LARGEST_ANSWER:
            return bytes(body[:LARGEST_ANSWER]), True
    return bytes(body), False


def _words(failure: Exception) -> str:
    """What went wrong, by its type: the text of a failure may quote what was read."""
    cause = failure.args[0] if failure.args else None
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"TLS: {cause.verify_message}"
    if isinstance(cause, ssl.SSLError):
        return "TLS failed"
    for kind, words in _WORDS:
        if isinstance(failure, kind):
            return words
    return "the connection failed"
