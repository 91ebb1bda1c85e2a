"""The only importer of fhir.resources: R4B models, which equal R4 for every resource used here."""

import json
from collections.abc import Mapping

from fhir.resources.R4B import get_fhir_model_class
from pydantic import ValidationError

Body = dict[str, object]


class NotFhir(Exception):
    """What was rendered is no valid FHIR; a fault of ours, kept back rather than sent."""


_CODES: Mapping[str, frozenset[str]] = {
    "Task.status": frozenset(
        [
            "draft",
            "requested",
            "received",
            "accepted",
            "rejected",
            "ready",
            "cancelled",
            "in-progress",
            "on-hold",
            "failed",
            "completed",
            "entered-in-error",
        ]
    ),
    "Task.intent": frozenset({"order", "proposal"}),
    "Task.priority": frozenset({"routine", "urgent"}),
    "Communication.status": frozenset({"completed", "not-done", "entered-in-error"}),
    "Encounter.status": frozenset({"planned", "in-progress", "finished", "cancelled", "unknown"}),
    "Patient.gender": frozenset({"female", "male", "other", "unknown"}),
}
"""Required bindings, which the library does not check."""
_LONGEST_ID = 64


def checked(kind: str, body: Body) -> str:
    """The resource as JSON, once its structure, its codes and its id have been checked."""
    whole = {"resourceType": kind} | body
    for path, allowed in _CODES.items():
        resource, element = path.split(".")
        if resource == kind and element in body and body[element] not in allowed:
            raise NotFhir(f"{path} has a code that FHIR does not know")
    if len(str(body.get("id", ""))) > _LONGEST_ID:
        raise NotFhir(f"{kind}.id is longer than {_LONGEST_ID}")
    try:
        get_fhir_model_class(kind).model_validate(whole)
    except ValidationError as err:
        # The library quotes values; only the places may be told.
        places = sorted({".".join(str(p) for p in fault["loc"]) for fault in err.errors()})
        raise NotFhir(f"{kind} is not valid FHIR at {', '.join(places)}") from None
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":"))
