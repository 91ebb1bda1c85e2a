"""What a FHIR server's answer means for the version that was put there."""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from alerts.channels.exchange import Answer, wait_told
from alerts.delivery import Accepted, Refused, Unavailable

UNVERSIONED = "*"
"""Stands for the ETag where a server has none: what is put there next is put without condition."""

# 409 is what some servers answer where FHIR R4 §3.1.0.5 asks for 412.
_CONTESTED = (409, 412)
# FHIR R4 §3.1.0.4: about the resource that was sent, so it is never taken as it is.
_REFUSED = (400, 410, 413, 415, 422)
_ELSEWHERE = (404, 405)
_WORDS = {
    401: "our token is not taken",
    403: "we may not write there",
    408: "the server waited too long for us",
    429: "too many at once",
    503: "out of service",
}
_VERSION = re.compile(r"/_history/([A-Za-z0-9.-]{1,64})$")
_ETAG = re.compile(r"[\x21-\x7e]{1,200}")
_CODE = re.compile(r"[A-Za-z0-9-]{1,40}")
# A FHIRPath of element names and indexes; anything else in it could be a value.
_PATH = re.compile(r"[A-Z][A-Za-z]*(\.[A-Za-z]+(\[\d{1,4}\])?){0,12}")
_ISSUES_TOLD = 5


@dataclass(frozen=True, slots=True)
class Contested:
    """Something else stands there than the version that ours was to follow, or already ours."""

    status: int


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """No such place on that server: either the base URL is wrong, or it does not take this kind."""

    status: int


@dataclass(frozen=True, slots=True)
class Unproven:
    """It went well, says an answer that need not be a FHIR server's: a proxy's page looks so."""

    why: str


Verdict: TypeAlias = Accepted | Unavailable | Refused | Contested | Elsewhere | Unproven


_PERHAPS = (500, 502, 504)
"""A server that failed, or one behind a gateway, may have kept it before."""


def judged(answer: Answer, kind: str, now: datetime) -> Verdict:
    """What a PUT of a resource of this kind came to."""
    status = answer.status
    if 200 <= status < 300:
        return _taken(answer, kind)
    if status in _CONTESTED:
        return Contested(status)
    if status in _ELSEWHERE:
        return Elsewhere(status)
    if status in _REFUSED:
        return Refused(f"the server refuses it: {status}{issues(answer)}")
    if 300 <= status < 400:
        return Unavailable(f"{status}: the server sends us elsewhere, where we do not go")
    words = _WORDS.get(status, "the server failed" if status >= 500 else "not an answer to a PUT")
    return Unavailable(f"{status}: {words}", wait_told(answer, now), status in _PERHAPS)


def etag_of(answer: Answer) -> str:
    """The version as the server names it: its ETag, else what Location or the resource say."""
    etag = answer.headers.get("etag", "").strip()
    if _ETAG.fullmatch(etag):
        return etag
    found = _VERSION.search(answer.headers.get("location", ""))
    version = found.group(1) if found else _version_inside(resource_in(answer))
    return f'W/"{version}"' if version else UNVERSIONED


def resource_in(answer: Answer) -> dict[str, object] | None:
    """The resource that came back, None where there is none, or none that is FHIR."""
    if answer.is_cut:
        return None
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
    is_resource = isinstance(found, dict) and isinstance(found.get("resourceType"), str)
    return found if is_resource else None


def issues(answer: Answer) -> str:
    """Codes and places of an OperationOutcome, never its texts: they may quote what we sent."""
    outcome = resource_in(answer)
    found = outcome.get("issue") if outcome else None
    told = [_issue(each) for each in found[:_ISSUES_TOLD]] if isinstance(found, list) else []
    return "".join(f"; {each}" for each in dict.fromkeys(told) if each)


def _taken(answer: Answer, kind: str) -> Accepted | Unproven:
    """Only FHIR, or nothing but a version, is believed."""
    etag = etag_of(answer)
    resource = resource_in(answer)
    is_silent = not answer.body.strip() or (
        resource is not None and resource["resourceType"] == "OperationOutcome"
    )
    if is_silent:
        if etag == UNVERSIONED and "location" not in answer.headers:
            return Unproven(f"{answer.status}, but nothing that shows a FHIR server")
    elif resource is None or resource["resourceType"] != kind:
        return Unproven(f"{answer.status}, but what came back is not the {kind}")
    version = "" if etag == UNVERSIONED else f" version {_plain(etag)}"
    return Accepted(f"{answer.status}{version}", etag)


def _plain(etag: str) -> str:
    return etag.removeprefix("W/").strip('"')


def _version_inside(resource: dict[str, object] | None) -> str | None:
    meta = resource.get("meta") if resource else None
    version = meta.get("versionId") if isinstance(meta, dict) else None
    return version if isinstance(version, str) and _CODE.fullmatch(version) else None


def _issue(issue: object) -> str:
    if not isinstance(issue, dict):
        return ""
    code, places = issue.get("code"), issue.get("expression") or issue.get("location")
    told = [code] if isinstance(code, str) and _CODE.fullmatch(code) else []
    if isinstance(places, list):
        told += [each for each in places[:3] if isinstance(each, str) and _PATH.fullmatch(each)]
    return " ".join(told)
