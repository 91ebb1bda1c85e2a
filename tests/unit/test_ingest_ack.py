"""The bytes of an acknowledgement."""

from datetime import UTC, datetime

import pytest

from ingest.ack import Stamp, accept, echo, mode_for, refuse
from ingest.header import Fault, Header

NOON = datetime(2026, 3, 2, 12, 0, 0, 999_999, tzinfo=UTC)
STAMP = Stamp(NOON, "ACK1", "original")
HEADER = Header(
    sending_application="TRAK",
    sending_facility="L302H",
    receiving_application="CARER",
    receiving_facility="HUB",
    message_type="ADT",
    trigger="A01",
    control_id="MSG1",
    processing_id="P",
    version="2.4",
)
WHERE = Fault(101, "no patient identifier", "PID^1^3")


def test_an_answer_goes_back_to_the_sender() -> None:
    assert accept(HEADER, STAMP) == (
        b"MSH|^~\\&|CARER|HUB|TRAK|L302H|20260302120000+0000||ACK^A01^ACK|ACK1|P|2.4\rMSA|AA|MSG1\r"
    )


def test_an_enhanced_answer_is_a_commit_acknowledgement() -> None:
    enhanced = Stamp(NOON, "ACK1", "enhanced")
    assert b"MSA|CA|MSG1\r" in accept(HEADER, enhanced)
    assert b"MSA|CR|MSG1\r" in refuse(HEADER, enhanced, "R", WHERE)
    assert b"MSA|CE|MSG1\r" in refuse(HEADER, enhanced, "E", WHERE)


def test_a_message_without_a_trigger_is_answered_with_the_bare_type() -> None:
    assert b"||ACK|ACK1|" in accept(Header(control_id="1"), STAMP)


@pytest.mark.parametrize(
    ("version", "err"),
    [
        ("2.1", b"ERR|PID^1^3^101&Required field missing&HL70357\r"),
        ("2.4", b"ERR|PID^1^3^101&Required field missing&HL70357\r"),
        (
            "2.5",
            b"ERR||PID^1^3|101^Required field missing^HL70357|E||||no patient identifier\r",
        ),
        (
            "2.5.1",
            b"ERR||PID^1^3|101^Required field missing^HL70357|E||||no patient identifier\r",
        ),
        ("", b"ERR||PID^1^3|101^Required field missing^HL70357|E||||no patient identifier\r"),
    ],
)
def test_the_error_has_the_form_of_the_version(version: str, err: bytes) -> None:
    header = Header(control_id="1", version=version)
    assert refuse(header, STAMP, "E", WHERE).endswith(err)


def test_a_short_location_keeps_the_code_in_its_place() -> None:
    header = Header(version="2.3")
    answer = refuse(header, STAMP, "R", Fault(100, "no MSH segment", "MSH^1"))
    assert answer.endswith(b"ERR|MSH^1^^100&Segment sequence error&HL70357\r")


def test_declared_separators_are_used() -> None:
    header = Header(field_separator="#", encoding="*!/%", control_id="1", version="2.4")
    answer = refuse(header, STAMP, "R", WHERE)
    assert answer.startswith(b"MSH#*!/%#")
    assert answer.endswith(b"ERR#PID*1*3*101%Required field missing%HL70357\r")


@pytest.mark.parametrize(
    ("sent", "echoed"),
    [
        ("MSG-1.2_3:4", "MSG-1.2_3:4"),
        ("X^1", "X^1"),
        ("M\\T\\1", "M\\T\\1"),
        ("A\\X0D\\MSA", "A\\X0D\\MSA"),
        ("A^B~C&D", "A^B~C&D"),
        (" 1 ", " 1 "),
        ("A\x0bB\x1c\rMSH\nD", "ABMSHD"),
        ("X" * 2_500, "X" * 2_000),
        ("Ü1", "Ü1"),
    ],
)
def test_the_control_id_is_echoed_and_can_do_no_harm(sent: str, echoed: str) -> None:
    assert echo(Header(control_id=sent)) == echoed


def test_bytes_that_are_no_text_come_back_as_they_were() -> None:
    name = b"\xff\xfe1".decode("utf-8", "surrogateescape")
    assert b"|\xff\xfe1|" in accept(Header(sending_application=name), STAMP)


@pytest.mark.parametrize(
    ("ack_mode", "accept_ack", "mode"),
    [
        ("auto", "", "original"),
        ("auto", "NE", "original"),
        ("auto", "AL", "enhanced"),
        ("auto", "SU", "enhanced"),
        ("auto", "ER", "enhanced"),
        ("original", "AL", "original"),
        ("enhanced", "", "enhanced"),
    ],
)
def test_the_mode_is_the_feeds_or_what_the_sender_asks(
    ack_mode: str, accept_ack: str, mode: str
) -> None:
    assert mode_for(Header(accept_ack=accept_ack), ack_mode) == mode
