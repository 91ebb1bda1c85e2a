"""Nothing unsound leaves: what the library lets through is caught here, and nobody is quoted."""

import json

import pytest

from mapping.fhir.resources import NotFhir, checked
from mapping.fhir.systems import Claims
from mapping.fhir.task import render
from tests.support.disclosed import a_ward_task

TASK = json.loads(render(a_ward_task(), Claims()))
NOTICE = {"resourceType": "Communication", "id": "c-1", "status": "completed"}


def test_a_sound_resource_comes_back_as_it_is_and_compact() -> None:
    sent = checked("Task", TASK | {"description": "Máire"})
    assert json.loads(sent) == TASK | {"description": "Máire"}
    assert "Máire" in sent
    assert '": ' not in sent


# change, what is said, comment
UNSOUND = [
    ({"status": "banana"}, "status", "no code of R4"),
    ({"status": "ready-ish"}, "status", "no code of R4"),
    ({"intent": "wish"}, "intent", "no code of R4"),
    ({"priority": "soon"}, "priority", "no code of R4"),
    ({"id": "x" * 65}, "Task.id", "too long"),
    ({"id": "a b"}, "id", "a space"),
    ({"id": "urn:uuid:1"}, "id", "colons"),
    ({"description": ""}, "description", "empty text"),
    ({"description": "  "}, "description", "blank text"),
    ({"description": "a\x07b"}, "description", "a control character"),
    ({"description": None}, "description", "null"),
    ({"description": 5}, "description", "a number for a text"),
    ({"output": []}, "output", "an empty list"),
    ({"restriction": {}}, "restriction", "an empty element"),
    ({"restriction": {"period": {"end": ""}}}, "restriction", "an empty date"),
    ({"authoredOn": "2026-11-20T09:01:00"}, "authoredOn", "no zone"),
    ({"authoredOn": "2026-02-30T09:01:00Z"}, "authoredOn", "no such day"),
    ({"shoeSize": 7}, "shoeSize", "no element of R4"),
    ({"output": [{"type": {"text": "informed"}}]}, "output", "an output without a value"),
    ({"owner": {"type": "Location", "identifier": {"value": "1"}}}, "owner", "R4 takes no place"),
]


@pytest.mark.parametrize(("change", "said", "comment"), UNSOUND)
def test_an_unsound_task_is_refused(change: dict, said: str, comment: str) -> None:
    with pytest.raises(NotFhir) as refusal:
        checked("Task", TASK | change)
    assert said in str(refusal.value), comment


@pytest.mark.parametrize("name", ["status", "intent"])
def test_a_required_code_may_not_be_missing(name: str) -> None:
    with pytest.raises(NotFhir, match=name):
        checked("Task", {key: part for key, part in TASK.items() if key != name})


def test_a_place_cannot_be_told() -> None:
    place = {"type": "Location", "identifier": {"value": "1"}}
    with pytest.raises(NotFhir, match="recipient"):
        checked("Communication", NOTICE | {"recipient": [place]})


def test_a_kind_that_r4_does_not_know_is_refused() -> None:
    with pytest.raises(NotFhir):
        checked("Carer", {"resourceType": "Carer"})


def test_a_refusal_quotes_nobody() -> None:
    for change in ({"authoredOn": "Ann Smith"}, {"status": "Ann Smith"}, {"owner": "Ann Smith"}):
        with pytest.raises(NotFhir) as refusal:
            checked("Task", TASK | change)
        assert "Ann Smith" not in str(refusal.value)
        assert refusal.value.__cause__ is None
        assert refusal.value.__context__ is None
