"""A FHIR R4 server: each version is put under the obligation's own id, and none over another's."""

import json
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import assert_never

from alerts.channels.dialling import place_of
from alerts.channels.exchange import (
    Answer,
    Exchange,
    Limits,
    NotSent,
    OutcomeUnknown,
    Question,
    wait_told,
)
from alerts.channels.fhir_answers import (
    UNVERSIONED,
    Contested,
    Elsewhere,
    Unproven,
    etag_of,
    issues,
    judged,
    resource_in,
)
from alerts.channels.smart import NoToken, TokenSource
from alerts.delivery import Accepted, Changed, Parcel, Receipt, Refused, TryLater, Unavailable
from alerts.sameness import is_same

JSON = "application/fhir+json"
_NO_SERVER = "no FHIR server answers at that URL"
_SECONDS = 30.0
"""For all that one send asks of the server."""


@dataclass(frozen=True, slots=True)
class Found:
    """What stands at the server."""

    payload: str = field(repr=False)
    etag: str


@dataclass(frozen=True, slots=True)
class Absent:
    """Nothing stands there; ``is_deleted`` where the server knows that something did."""

    is_deleted: bool


class FhirServer:
    """One server, asked from several threads.

    Raises DialRefused where the URL is one that nothing may be sent to.
    """

    patience = timedelta(seconds=45)
    """What one send may take, and half as much for what is put together and sent once more."""

    def __init__(
        self,
        base_url: str,
        token: TokenSource | None,
        now: Callable[[], datetime],
        tls: ssl.SSLContext | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._exchange = Exchange(place_of(base_url.rstrip("/")), tls, limits)
        self._token = token
        self._now = now

    def send(self, parcel: Parcel) -> Receipt:
        """Put it there; a repeat finds its own version and is taken for that."""
        with self._exchange.within(_SECONDS):
            try:
                return self._put(parcel, parcel.etag)
            except NoToken as err:
                return Unavailable(err.why, err.at)
            except NotSent as err:
                return Unavailable(err.why)
            except OutcomeUnknown as err:
                return Unavailable(err.why, is_in_doubt=True)

    def read(self, kind: str, resource_id: str) -> Found | Absent | Unavailable:
        """What stands there now; raises NotSent, OutcomeUnknown or NoToken."""
        answer = self._asked("GET", f"/{kind}/{resource_id}")
        if answer.status in (404, 410):
            return Absent(is_deleted=answer.status == 410)
        resource = resource_in(answer)
        if answer.status != 200 or resource is None or resource["resourceType"] != kind:
            at = wait_told(answer, self._now())
            return Unavailable(f"{answer.status}: cannot be read back", at)
        return Found(json.dumps(resource, ensure_ascii=False), etag_of(answer))

    def fault(self) -> str:
        """Is a FHIR server there, and do we get a token."""
        with self._exchange.within(_SECONDS):
            try:
                return "" if _is_fhir(self._asked("GET", "/metadata")) else _NO_SERVER
            except (NoToken, NotSent, OutcomeUnknown) as err:
                return err.why

    def close(self) -> None:
        """Who still waits for an answer has none now."""
        self._exchange.close()
        if self._token:
            self._token.close()

    def _put(self, parcel: Parcel, etag: str) -> Receipt:
        path = f"/{parcel.kind}/{parcel.alert}"
        try:
            answer = self._asked("PUT", path, _condition(etag), parcel.payload.encode())
        except OutcomeUnknown as err:
            return self._looked_up(parcel, err.why)
        verdict = judged(answer, parcel.kind, self._now())
        match verdict:
            case Accepted():
                return self._versioned(parcel, verdict)
            case Unproven(why):
                return self._looked_up(parcel, why)
            case Contested(status):
                return self._compared(parcel, etag, status)
            case Elsewhere() if etag:
                # A server that lost what it had, such as one restored from a backup.
                return self._put(parcel, "")
            case Elsewhere(status):
                return self._placed(status, issues(answer))
            case Unavailable() | Refused():
                return verdict
            case _:
                assert_never(verdict)

    def _looked_up(self, parcel: Parcel, why: str) -> Receipt:
        """Nobody knows what became of it: is it there?"""
        try:
            found = self.read(parcel.kind, parcel.alert)
        except NotSent as err:
            return Unavailable(err.why, is_in_doubt=True)
        if isinstance(found, Found) and is_same(parcel.payload, found.payload):
            return Accepted(f"{why}, but it is there", found.etag)
        at = found.at if isinstance(found, Unavailable) else None
        return Unavailable(why, at, is_in_doubt=True)

    def _versioned(self, parcel: Parcel, taken: Accepted) -> Accepted:
        """Learn the version where the answer to the PUT did not say it, if there is one."""
        if taken.etag != UNVERSIONED:
            return taken
        try:
            found = self.read(parcel.kind, parcel.alert)
        except (NotSent, OutcomeUnknown, NoToken):
            return taken
        return Accepted(taken.answer, found.etag) if isinstance(found, Found) else taken

    def _compared(self, parcel: Parcel, etag: str, status: int) -> Receipt:
        """Not what we took it for: our own version whose answer was lost, or another's."""
        found = self.read(parcel.kind, parcel.alert)
        match found:
            case Found(theirs, there):
                if is_same(parcel.payload, theirs):
                    return Accepted(f"{status}, it is there already", there)
                if there == etag:
                    return TryLater(f"{status}, though nobody changed it")
                return Changed(theirs, there)
            case Absent(is_deleted=True):
                return Refused(f"{status}: somebody deleted it there")
            case Absent() if etag:
                return self._put(parcel, "")
            case Absent():
                return TryLater(f"{status}, though nothing stands there")
            case Unavailable():
                return found
            case _:
                assert_never(found)

    def _placed(self, status: int, said: str) -> Receipt:
        """A wrong base URL must not give up every parcel: only where it is right is ours refused.

        404 and 405 mean both: FHIR R4 §3.1.0.4.1.
        """
        if _is_fhir(self._asked("GET", "/metadata")):
            return Refused(f"the server refuses it: {status}{said}")
        return Unavailable(f"{status}: {_NO_SERVER}")

    def _asked(
        self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b""
    ) -> Answer:
        """Ask with a token if there is to be one; where it is not taken, once more with another."""
        said = {"Accept": JSON} | (headers or {})
        if self._token is None:
            return self._exchange.ask(Question(method, path, said, body))
        token = self._token.token()
        answer = self._exchange.ask(Question(method, path, said | _bearer(token), body))
        if answer.status != 401:
            return answer
        fresh = self._token.renewed(token)
        if fresh == token:
            return answer
        return self._exchange.ask(Question(method, path, said | _bearer(fresh), body))


def _is_fhir(answer: Answer) -> bool:
    return answer.status == 200 and b'"CapabilityStatement"' in answer.body[:4096]


def _condition(etag: str) -> dict[str, str]:
    """The first version only where nothing stands yet, each other only over the one before it."""
    headers = {"Content-Type": JSON, "Prefer": "return=minimal"}
    match etag:
        case "":
            return headers | {"If-None-Match": "*"}
        case "*":
            return headers
        case _:
            return headers | {"If-Match": etag}


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
