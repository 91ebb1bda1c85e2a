"""A message made to be dear costs the door and the worker no more than its length."""

import time
from collections.abc import Callable

import pytest

from alerts.model.events import AdtEvent
from alerts.movements import legacy_id, order_key
from ingest.header import Unattributable, crowding, headers_in, lane_of, read_header
from mapping.hl7.events import Unreadable, read_event
from mapping.hl7.message import MAX_CHARACTERS, MAX_REPEATED, MAX_REPETITIONS
from tests.support.adt_text import ARRIVED, PAS, a_message, read
from tests.support.fuzzing import lean
from tests.support.hostile import HOSTILE

SECONDS = 0.05


@pytest.mark.parametrize(("message", "comment"), HOSTILE, ids=[words for _, words in HOSTILE])
def test_a_hostile_message_is_judged_at_the_door_at_once(message: str, comment: str) -> None:
    raw = message.encode()
    assert _best_of_three(lambda: _at_the_door(raw)) <= SECONDS, comment


@pytest.mark.parametrize(("message", "comment"), HOSTILE, ids=[words for _, words in HOSTILE])
def test_what_the_door_lets_in_is_read_or_parked_at_once(message: str, comment: str) -> None:
    raw = message.encode()
    if _at_the_door(raw):
        return
    _by_the_worker(a_message().encode())
    assert _best_of_three(lambda: _by_the_worker(raw)) <= SECONDS, comment
    with lean():
        _by_the_worker(raw)


@pytest.mark.parametrize(
    ("fields", "comment"),
    [
        ({"f5": "x" * MAX_CHARACTERS}, "the longest field"),
        ({"f5": "x" * MAX_CHARACTERS + "~" + "y" * 10_000}, "only the first name is used"),
        ({"f3": "~".join(["9990000018^^^NHS"] * MAX_REPETITIONS)}, "the most repetitions"),
        ({"f3": "9990000018^^^NHS~" + "1" * (MAX_REPEATED - 17)}, "the longest of all"),
        ({"f60": "x" * 100_000}, "a field that we do not use may be as long as it likes"),
    ],
)
def test_a_field_up_to_the_limit_is_read(fields: dict[str, str], comment: str) -> None:
    assert isinstance(read(a_message(pid=fields)), AdtEvent), comment


@pytest.mark.parametrize(
    ("field", "sent"),
    [
        ("PID-5", {"f5": "x" * (MAX_CHARACTERS + 1)}),
        ("PID-5", {"f5": "x" * (MAX_CHARACTERS + 1) + "~y"}),
        ("PID-3", {"f3": "~".join(["9990000018^^^NHS"] * (MAX_REPETITIONS + 1))}),
        ("PID-3", {"f3": "9990000018^^^NHS~" + "1" * (MAX_REPEATED - 16)}),
    ],
)
def test_a_field_beyond_the_limit_is_left_to_a_person(field: str, sent: dict[str, str]) -> None:
    with pytest.raises(Unreadable) as parked:
        read(a_message(pid=sent))
    assert parked.value.reason == f"{field} is longer than is read here"
    assert (parked.value.code, parked.value.location) == (104, f"PID^1^{field[4:]}")


def _at_the_door(raw: bytes) -> str | None:
    """Why the door refuses it, None where it lets it in."""
    try:
        header = read_header(raw)
    except Unattributable as failure:
        return str(failure)
    lane_of(raw, header)
    headers_in(raw)
    return crowding(raw, header)


def _by_the_worker(raw: bytes) -> None:
    try:
        told = read_event(raw, PAS, ARRIVED)
    except Unreadable:
        return
    if isinstance(told, AdtEvent):
        legacy_id(told)
        order_key(told, ARRIVED)


def _best_of_three(step: Callable[[], object]) -> float:
    def once() -> float:
        began = time.thread_time()
        step()
        return time.thread_time() - began

    return min(once() for _ in range(3))
