"""Our new version of a resource put together with what somebody made of it at its receiver."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from alerts.sameness import Resource, is_equal, is_same, plain

OPEN = ("draft", "requested", "received", "accepted", "ready", "in-progress", "on-hold")
"""FHIR R4 task-status, in the order in which work goes on; the rest are ends."""
_STATES = (
    "not-informed",
    "informed",
    "views-invited",
    "views-recorded",
    "account-taken",
    "complete",
    "not-applicable",
)
"""carer-task-state, in the order in which a receiver may go on; the rest is ours to say."""
_RECORDED = ("account-taken", "complete")
_SYSTEMS = "https://thinkcarer.example/"
_WE_WRITE = frozenset(
    {
        *("resourceType", "id", "meta", "text", "status", "statusReason", "businessStatus"),
        *("intent", "priority", "code", "description", "focus", "for", "encounter", "authoredOn"),
        *("lastModified", "requester", "owner", "location", "restriction", "input", "output"),
        *("basedOn", "partOf"),
    }
)
"""What a Task of ours may hold: where ours lacks one of these, it was taken away on purpose."""


@dataclass(frozen=True, slots=True)
class Merged:
    """What both say; ``is_there`` where that stands at the receiver already."""

    payload: str = field(repr=False)
    is_there: bool = False


@dataclass(frozen=True, slots=True)
class InConflict:
    """Both cannot be true: nothing is overwritten, and a person looks."""

    why: str


def merge(ours: str, theirs: str, earlier: Sequence[str] = ()) -> Merged | InConflict:
    """Put our new version and theirs together; nothing that the receiver recorded is lost.

    ``earlier`` are our versions before this one, the one that the receiver took last at the end:
    where theirs is one of them nobody changed anything, and what we wrote ourselves and have
    taken back is told from what they wrote. Without them such a Task is left to a person.
    """
    if any(is_same(version, theirs) for version in earlier):
        return Merged(ours)
    new, there = json.loads(ours), json.loads(theirs)
    if any(new.get(name) != there.get(name) for name in ("resourceType", "id")):
        return InConflict("what stands there is another resource")
    if new["resourceType"] != "Task":
        return _notice(new, there, [json.loads(version) for version in earlier])
    return _task(new, there, [json.loads(version) for version in earlier])


# Notices: nobody but us writes them.


def _notice(new: Resource, there: Resource, earlier: list[Resource]) -> Merged | InConflict:
    """Ours, if theirs is a version of ours; when it arrived and remarks are kept."""
    kept = {name: there[name] for name in ("received", "note") if name in there}
    changing = {"status", *kept}
    known = [_without(version, changing) for version in (new, *earlier)]
    if not any(is_equal(version, _without(there, changing)) for version in known):
        return InConflict("the notice there says something else than ours")
    if there.get("status") == "entered-in-error" != new.get("status"):
        return InConflict("the notice there was marked as entered in error")
    return _merged(new | kept, there)


# Tasks: we say what is asked of whom by when, the receiver says how far they have come.


def _task(new: Resource, there: Resource, earlier: list[Resource]) -> Merged | InConflict:
    why = _conflict(new, there, earlier)
    if why:
        return InConflict(why)
    told = {name: part for name, part in there.items() if name not in _WE_WRITE}
    merged = new | told | _progress(new, there) | _state(new, there) | _owner(new, there)
    merged["output"] = _outputs(new, there, earlier)
    merged["lastModified"] = _later(new.get("lastModified"), there.get("lastModified"))
    filled = {name: part for name, part in merged.items() if part not in ("", [], {}, None)}
    is_ours = all(is_equal(filled.get(name), new.get(name)) for name in ("status", "output"))
    # The narrative tells status and state in words: none is better than a wrong one.
    return _merged(filled if is_ours else _without(filled, {"text"}), there)


def _conflict(new: Resource, there: Resource, earlier: list[Resource]) -> str | None:
    """Why no version can say what both say."""
    ours, theirs = str(new.get("status")), str(there.get("status"))
    if _own_code(new.get("code")) != _own_code(there.get("code")):
        return "another Task stands there under its id"
    was_ours = bool(earlier) and earlier[-1].get("status") == theirs
    if theirs not in OPEN and ours != theirs and not was_ours:
        return f"it was marked as {theirs} there, and ours says {ours}"
    if _own_code(new.get("businessStatus")) == "missed" and theirs in OPEN:
        state = _own_code(there.get("businessStatus"))
        if state in _RECORDED:
            return f"{state} was recorded there, and ours says missed"
    return None


def _progress(new: Resource, there: Resource) -> Resource:
    """The status that is further on, with its reason."""
    ours, theirs = new.get("status"), there.get("status")
    if ours in OPEN and theirs in OPEN and OPEN.index(str(theirs)) > OPEN.index(str(ours)):
        return {"status": theirs, "statusReason": there.get("statusReason")}
    if ours == theirs and "statusReason" not in new:
        return {"statusReason": there.get("statusReason")}
    return {}


def _state(new: Resource, there: Resource) -> Resource:
    """How far involvement has come, if the receiver is further on with an open Task."""
    ours, theirs = new.get("businessStatus"), there.get("businessStatus")
    if ours is None or new.get("status") not in OPEN:
        return {"businessStatus": ours or theirs}
    steps = [_own_code(ours), _own_code(theirs)]
    if set(steps) <= set(_STATES) and _STATES.index(str(steps[1])) > _STATES.index(str(steps[0])):
        return {"businessStatus": theirs}
    return {}


def _owner(new: Resource, there: Resource) -> Resource:
    """Whom the receiver gave it to, while the patient lies where they lay; after a move, ours."""
    is_theirs = "owner" in there and not _is_ours(there["owner"])
    has_stayed = is_equal(new.get("location"), there.get("location"))
    return {"owner": there["owner"]} if is_theirs and has_stayed else {}


def _outputs(new: Resource, there: Resource, earlier: list[Resource]) -> list[object]:
    """Ours and theirs, but for what we had sent and have taken back."""
    ours = _list(new.get("output"))
    sent = [plain(each) for version in earlier for each in _list(version.get("output"))]
    known = [plain(each) for each in ours] + sent
    return ours + [each for each in _list(there.get("output")) if plain(each) not in known]


def _merged(parts: Resource, there: Resource) -> Merged:
    payload = json.dumps(parts, ensure_ascii=False)
    return Merged(payload, is_there=is_equal(parts, there))


def _later(one: object, other: object) -> object:
    return max((one, other), key=lambda instant: str(plain(instant) or ""))


def _own_code(concept: object) -> str | None:
    """The code that is ours: the first coding of our system."""
    codings = concept.get("coding") if isinstance(concept, dict) else None
    for coding in _list(codings):
        if isinstance(coding, dict) and str(coding.get("system", "")).startswith(_SYSTEMS):
            return str(coding.get("code"))
    return None


def _is_ours(reference: object) -> bool:
    identifier = reference.get("identifier") if isinstance(reference, dict) else None
    system = identifier.get("system") if isinstance(identifier, dict) else None
    return str(system).startswith(_SYSTEMS)


def _list(found: object) -> list[object]:
    return found if isinstance(found, list) else []


def _without(parts: Resource, names: set[str]) -> Resource:
    return {name: part for name, part in parts.items() if name not in names}
