"""What servers do to the spelling of a resource is no change; anything else is one."""

import json

import pytest

from alerts.sameness import is_same

ONE = {"resourceType": "Task", "status": "requested", "authoredOn": "2026-11-20T09:01:00Z"}

CASES = [
    # what is different, is it the same
    ({}, True),
    ({"meta": {"versionId": "7"}}, True),
    ({"text": {"status": "empty"}}, True),
    ({"note": []}, True),  # nothing in another spelling
    ({"note": [{"text": ""}]}, True),
    ({"authoredOn": "2026-11-20T09:01:00.000+00:00"}, True),
    ({"authoredOn": "2026-11-20T10:01:00+01:00"}, True),
    ({"authoredOn": "2026-11-20T09:01:01Z"}, False),
    ({"authoredOn": "2026-13-20T09:01:01Z"}, False),  # no instant at all
    ({"status": "received"}, False),
    ({"note": [{"text": "Seen"}]}, False),
    ({"priority": 0}, False),  # nought and false say something
    ({"implicit": False}, False),
]


@pytest.mark.parametrize(("change", "same"), CASES)
def test_the_spelling_of_a_server_is_no_change(change, same):
    assert is_same(json.dumps(ONE), json.dumps(ONE | change)) is same


def test_the_order_of_a_list_is_no_change():
    lists = [[{"a": "1"}, {"b": "2"}], [{"b": "2"}, {"a": "1"}]]
    one, other = (json.dumps(ONE | {"output": each}) for each in lists)
    assert is_same(one, other)


def test_text_inside_a_part_is_content():
    one, other = (json.dumps(ONE | {"code": {"text": word}}) for word in ("one", "other"))
    assert not is_same(one, other)


@pytest.mark.parametrize("other", ["", "<html>", "[" * 100_000])
def test_what_is_no_json_is_nothing_of_ours(other):
    assert not is_same(json.dumps(ONE), other)
