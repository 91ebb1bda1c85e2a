"""Access tokens: one that was given, or SMART backend services with a signed assertion."""

import json
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import urlencode

from alerts.channels.assertion import Client, key_of, signed_assertion
from alerts.channels.dialling import place_of
from alerts.channels.exchange import Answer, Exchange, ExchangeFailed, Question, wait_told

_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_EARLY = timedelta(seconds=60)
_UNSAID = 60
_LONGEST_SECRET = 8192


class NoToken(Exception):
    """The token endpoint gives none now; ``at`` is when it may be asked again, if it said so."""

    def __init__(self, why: str, at: datetime | None = None) -> None:
        super().__init__(why)
        self.why, self.at = why, at


class TokenSource(Protocol):
    """Where access tokens come from; both may raise NoToken."""

    def token(self) -> str:
        """One that should still be good."""
        ...

    def renewed(self, stale: str) -> str:
        """Another than ``stale``, which the server did not take; the same where there is none."""
        ...

    def close(self) -> None:
        """Give back what is held."""
        ...


class GivenToken:
    """A token that somebody put into the settings."""

    def __init__(self, token: str) -> None:
        self._token = token

    def token(self) -> str:
        """The one there is."""
        return self._token

    def renewed(self, stale: str) -> str:
        """There is no other."""
        return self._token

    def close(self) -> None:
        """Nothing is held."""


@dataclass(frozen=True, slots=True)
class _Held:
    token: str = field(repr=False)
    good_until: datetime


class SmartTokens:
    """Asks for a token when the last one runs out; threads that need one meanwhile wait for it."""

    def __init__(
        self, client: Client, now: Callable[[], datetime], tls: ssl.SSLContext | None = None
    ) -> None:
        self._client, self._now = client, now
        self._key = key_of(client.private_key)
        self._exchange = Exchange(place_of(client.token_url), tls)
        self._lock = threading.Lock()
        self._held: _Held | None = None
        self._tries = 0
        self._failure: NoToken | None = None

    def token(self) -> str:
        """The one held, or a new one."""
        return self._good() or self._single(self._good)

    def renewed(self, stale: str) -> str:
        """A new one, unless another thread has got it meanwhile."""

        def other() -> str | None:
            token = self._good()
            return token if token != stale else None

        return other() or self._single(other)

    def close(self) -> None:
        """Who waits for a token gets none."""
        self._exchange.close()

    def _good(self) -> str | None:
        held = self._held
        return held.token if held and self._now() < held.good_until else None

    def _single(self, found: Callable[[], str | None]) -> str:
        """One thread asks; the others take what it got, be it a failure."""
        tries = self._tries
        with self._lock:
            token = found()
            if token:
                return token
            if self._failure and self._tries != tries:
                raise NoToken(self._failure.why, self._failure.at)
            self._tries += 1
            self._failure = None
            try:
                self._held = self._asked()
            except NoToken as failure:
                self._failure = failure
                raise
            return self._held.token

    def _asked(self) -> _Held:
        now = self._now()
        form = {
            "grant_type": "client_credentials",
            "scope": self._client.scope,
            "client_assertion_type": _ASSERTION,
            "client_assertion": signed_assertion(self._client, self._key, now),
        }
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        question = Question("POST", "", headers, urlencode(form).encode("ascii"))
        try:
            answer = self._exchange.ask(question)
        except ExchangeFailed as err:
            raise NoToken(f"no token: {err.why}") from err
        return _granted(answer, now)


def _granted(answer: Answer, now: datetime) -> _Held:
    said = _object(answer)
    if answer.status != 200:
        why = f"no token: the token endpoint answers {answer.status}{_error(said)}"
        raise NoToken(why, wait_told(answer, now))
    token, lasts = said.get("access_token"), said.get("expires_in", _UNSAID)
    if not isinstance(token, str) or not 0 < len(token) <= _LONGEST_SECRET or not _is_plain(token):
        raise NoToken("no token: what the token endpoint answers is none")
    if str(said.get("token_type", "")).lower() != "bearer":
        raise NoToken("no token: the token endpoint gives one that is not a bearer token")
    seconds = lasts if isinstance(lasts, int) and 0 <= lasts < 10**7 else _UNSAID
    life = timedelta(seconds=seconds)
    return _Held(token, now + max(life - _EARLY, life / 2))


def _object(answer: Answer) -> dict[str, object]:
    try:
        said = json.loads(answer.body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _error(said: dict[str, object]) -> str:
    """The code of RFC 6749 §5.2, never its description."""
    code = str(said.get("error", ""))
    return f" {code}" if 0 < len(code) <= 40 and code.replace("_", "").isalpha() else ""


def _is_plain(token: str) -> bool:
    return token.isascii() and token.isprintable() and " " not in token
