"""The check before anything is sent: fhir.resources, and what that library does not enforce.

NotFhir
    What we built is no sound R4 resource.
"""

import json
import re
from collections.abc import Iterator, Mapping

# There are no R4 models; R4B's equal them for every resource used here (hl7.org/fhir/R4B/history).
from fhir.resources.R4B import get_fhir_model_class
from pydantic import ValidationError

_ID = re.compile(r"[A-Za-z0-9.-]{1,64}", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")

# The required bindings of R4 that we fill; the library takes any code for them.
_TASK_STATUS = (
    "draft requested received accepted rejected ready cancelled in-progress on-hold failed"
)
_INTENT = (
    "unknown proposal plan order original-order reflex-order filler-order instance-order option"
)
_EVENT_STATUS = (
    "preparation in-progress not-done on-hold stopped completed entered-in-error unknown"
)
_PRIORITY = frozenset({"routine", "urgent", "asap", "stat"})
_ENCOUNTER_STATUS = (
    "planned arrived triaged in-progress onleave finished cancelled entered-in-error unknown"
)
_REQUIRED: dict[str, dict[str, frozenset[str]]] = {
    "Task": {
        "status": frozenset(f"{_TASK_STATUS} completed entered-in-error".split()),
        "intent": frozenset(_INTENT.split()),
    },
    "Communication": {"status": frozenset(_EVENT_STATUS.split())},
    "Encounter": {"status": frozenset(_ENCOUNTER_STATUS.split())},
    "Bundle": {"type": frozenset({"searchset"})},
}
_OPTIONAL: dict[str, dict[str, frozenset[str]]] = {
    "Task": {"priority": _PRIORITY},
    "Communication": {"priority": _PRIORITY},
    "Patient": {"gender": frozenset({"male", "female", "other", "unknown"})},
}
# A type beside an identifier that the element may not point to is not noticed by the library.
_TARGETS: dict[str, dict[str, frozenset[str]]] = {
    "Task": {
        "owner": frozenset({"Organization"}),
        "requester": frozenset({"Device"}),
        "location": frozenset({"Location"}),
        "encounter": frozenset({"Encounter"}),
    },
    "Communication": {
        "recipient": frozenset({"Organization"}),
        "sender": frozenset({"Device"}),
        "subject": frozenset({"Patient"}),
    },
}


class NotFhir(Exception):
    """What we built is no sound R4 resource; the places are named, never what stood there."""


def checked(kind: str, body: Mapping[str, object]) -> str:
    """The body as compact JSON, unchanged, if it is a sound resource of that kind."""
    faults = [*_model_faults(kind, body), *_code_faults(kind, body), *_text_faults(body, kind)]
    if faults:
        raise NotFhir(f"{kind}: {'; '.join(faults)}")
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def _model_faults(kind: str, body: Mapping[str, object]) -> list[str]:
    try:
        get_fhir_model_class(kind).model_validate(dict(body))
    except ValidationError as err:
        # The library's own message quotes the values, which may be a patient's.
        return [f"{_path(e['loc'])} {e['type']}" for e in err.errors(include_input=False)]
    except (KeyError, ValueError):
        return ["a resource type that R4 does not know"]
    return []


def _code_faults(kind: str, body: Mapping[str, object]) -> Iterator[str]:
    for name, codes in _REQUIRED.get(kind, {}).items():
        if body.get(name) not in codes:
            yield f"{name} is no code of its value set"
    for name, codes in _OPTIONAL.get(kind, {}).items():
        if name in body and body[name] not in codes:
            yield f"{name} is no code of its value set"
    for name, types in _TARGETS.get(kind, {}).items():
        found = body.get(name)
        for target in found if isinstance(found, list) else [found]:
            if isinstance(target, Mapping) and target.get("type") not in types:
                yield f"{name} points to a type that it may not point to"


def _text_faults(value: object, path: str) -> Iterator[str]:
    """No nulls, no empty elements, no control characters, and ids that R4 allows."""
    if isinstance(value, str):
        yield from _string_faults(value, path)
    elif value is None or value in ({}, []):
        yield f"{path} is null or empty"
    elif isinstance(value, Mapping):
        for name, part in value.items():
            yield from _text_faults(part, f"{path}.{name}")
    elif isinstance(value, list):
        for part in value:
            yield from _text_faults(part, path)


def _string_faults(value: str, path: str) -> Iterator[str]:
    if not value.strip() or _CONTROL.search(value):
        yield f"{path} is blank or holds a control character"
    if path.endswith(".id") and not _ID.fullmatch(value):
        yield f"{path} is not 1 to 64 letters, digits, hyphens and points"


def _path(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location)
