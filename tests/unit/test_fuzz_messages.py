"""Whatever the bytes are: a header or a reason, an event or a reason, and at little cost."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.model.bodies import event_from_text, event_to_text
from alerts.model.events import AdtEvent, EventKind, NotForUs
from alerts.movements import fold, legacy_id, order_key
from ingest import ack
from ingest.header import (
    LANES,
    Fault,
    Header,
    Unattributable,
    crowding,
    headers_in,
    lane_of,
    read_header,
)
from mapping.hl7.dialect import Dialect
from mapping.hl7.events import Unreadable, read_event, unusable
from mapping.hl7.plan import VERSIONS, explain
from mapping.hl7.text import CODECS, Separators, decode, unescape
from tests.support.adt_text import a_message
from tests.support.fuzzing import cases, cheap, spoilt

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
PAS = Dialect("pas", synthetic=True)
USUAL = Separators("|", "^", "~", "\\", "&")
ESCAPES = {"|": "\\F\\", "^": "\\S\\", "~": "\\R\\", "\\": "\\E\\", "&": "\\T\\", "\r": "\\X0D\\"}


@pytest.fixture(scope="module", autouse=True)
def _plans_are_compiled() -> None:
    """hl7apy's tables are read once, at the first message."""
    for version in VERSIONS:
        explain(a_message(version=version))


@cases()
@given(raw=spoilt())
def test_a_message_becomes_an_event_or_a_reason_and_never_an_error(raw: bytes) -> None:
    with cheap():
        told = _told(raw)
        refusal = unusable(raw, PAS)
    assert refusal is None or re.fullmatch(r"[A-Z][A-Z0-9]{2}(\^\d+)*", refusal.location)
    if isinstance(told, AdtEvent):
        assert len(order_key(told, NOW)) <= 180
        assert event_from_text(*event_to_text(told)) == told
        if told.kind is not EventKind.PERSON_UPDATED:
            assert fold(None, told).id == legacy_id(told)


@cases(100)
@given(raw=st.one_of(st.binary(max_size=300), st.binary(max_size=300).map(b"MSH|^~\\&|".__add__)))
def test_bytes_that_are_no_message_are_a_reason(raw: bytes) -> None:
    with cheap():
        assert not isinstance(_told(raw), AdtEvent)


@cases()
@given(raw=spoilt())
def test_every_header_can_be_answered_in_one_line_a_segment(raw: bytes) -> None:
    with cheap():
        header, fault = _header(raw)
        crowding(raw, header)
        lane, headers = lane_of(raw, header), headers_in(raw)
    assert 0 <= lane < LANES
    assert headers >= 1
    stamp = ack.Stamp(NOW, "ID", ack.mode_for(header, "auto"))
    accepted, refused = ack.accept(header, stamp), ack.refuse(header, stamp, "R", fault)
    assert [line[:3] for line in accepted.split(b"\r")] == [b"MSH", b"MSA", b""]
    assert [line[:3] for line in refused.split(b"\r")] == [b"MSH", b"MSA", b"ERR", b""]
    assert not re.search(rb"[\x00-\x08\x0a-\x0c\x0e-\x1f]", accepted + refused), (
        "no framing from outside"
    )


@cases()
@given(raw=spoilt(), fallback=st.sampled_from(sorted(set(CODECS.values()))))
def test_text_is_read_in_any_character_set_and_fits_any_database(raw: bytes, fallback: str) -> None:
    with cheap():
        decoded = decode(raw, fallback)
        explain(decoded.text)
    assert "\x00" not in decoded.text
    assert "\n" not in decoded.text
    decoded.text.encode()


@cases()
@given(value=st.text(alphabet=st.one_of(st.sampled_from([*ESCAPES]), st.characters(codec="utf-8"))))
def test_what_was_escaped_is_read_as_it_was(value: str) -> None:
    escaped = "".join(ESCAPES.get(sign, sign) for sign in value)
    with cheap():
        assert unescape(escaped, USUAL) == value


@cases()
@given(value=st.text(alphabet="\\XE0DFSTRH41.brGé|"))
def test_broken_escapes_stay_as_they_are_and_lose_nothing_else(value: str) -> None:
    with cheap():
        meant = unescape(value, USUAL)
    if "\\" not in value:
        assert meant == value


def _told(raw: bytes) -> AdtEvent | NotForUs | Unreadable:
    try:
        return read_event(raw, PAS, NOW)
    except Unreadable as reason:
        return reason


def _header(raw: bytes) -> tuple[Header, Fault]:
    try:
        return read_header(raw), Fault(207, "longer than the limit", "MSH^1")
    except Unattributable as failure:
        return failure.header, failure.fault
