"""What the door reads of a message before anybody understands it."""

import pytest

from ingest.header import (
    LANES,
    FeedRule,
    Header,
    Unattributable,
    crowding,
    feed_for,
    headers_in,
    lane_of,
    normalise,
    printable,
    read_header,
)
from tests.support.door import an_admission

FULL = (
    b"MSH|^~\\&|TRAK^1.2.3^ISO|L302H|CARER|HUB|20260302115900+0000||ADT^A08^ADT_A01|MSG1|P^T"
    b"|2.4^GBR|13||AL|NE|GBR|8859/1|EN\rEVN|A08\r"
)


def test_every_fact_of_a_full_header_is_read() -> None:
    assert read_header(FULL) == Header(
        field_separator="|",
        encoding="^~\\&",
        sending_application="TRAK^1.2.3^ISO",
        sending_facility="L302H",
        receiving_application="CARER",
        receiving_facility="HUB",
        sent_at="20260302115900+0000",
        message_type="ADT",
        trigger="A08",
        structure="ADT_A01",
        control_id="MSG1",
        processing_id="P",
        version="2.4",
        accept_ack="AL",
        application_ack="NE",
        charset="8859/1",
    )
    assert read_header(FULL).sender == "TRAK|L302H"


@pytest.mark.parametrize(
    ("block", "code", "location", "control_id"),
    [
        (b"", 100, "MSH^1", ""),
        (b"PID|1\rMSH|^~\\&|A\r", 100, "MSH^1", ""),
        (b"MSH", 100, "MSH^1^1", ""),
        (b"MSH\r", 100, "MSH^1^1", ""),
        (b"MSH ^~\\& TRAK", 100, "MSH^1^1", ""),
        (b"MSH\xff^~\\&\xffTRAK", 100, "MSH^1^1", ""),
        (b"MSH|", 100, "MSH^1^2", ""),
        (b"MSH|^^^^|||||||ADT|7|P", 100, "MSH^1^2", "7"),
        (b"MSH|abcd|||||||ADT|7|P", 100, "MSH^1^2", "7"),
        (b"MSH|^~\\&amp;|||||||ADT|7|P", 100, "MSH^1^2", "7"),
        (b"MSH|^~|||||||ADT|7|P", 100, "MSH^1^2", "7"),
        (b"MSH|^~\\|||||||ADT|7|P", 100, "MSH^1^2", "7"),
        (b'MSH|^~\\"|||||||ADT|7|P', 100, "MSH^1^2", "7"),
        (b"MSH^^~\\&^A^B^C^D^20260302^^ADT^7^P", 100, "MSH^1^2", "7"),
        (b"MSH|^|\\&|A|B|C|D|20260302||ADT|7|P", 100, "MSH^1^2", "7"),
        (b"MSH|^~\\&|||||||  |7|P", 101, "MSH^1^9", "7"),
        (b'MSH|^~\\&|||||||""|7|P', 101, "MSH^1^9", "7"),
        (b"MSH|^~\\&|||||||ADT^A01", 101, "MSH^1^10", ""),
        (b"MSH|^~\\&|||||||ADT^A01|  |P", 101, "MSH^1^10", "  "),
    ],
)
def test_what_cannot_be_attributed_says_why(
    block: bytes, code: int, location: str, control_id: str
) -> None:
    with pytest.raises(Unattributable) as failure:
        read_header(block)
    assert (failure.value.fault.code, failure.value.fault.location) == (code, location)
    assert failure.value.header.control_id == control_id


@pytest.mark.parametrize("encoding", ["^~\\&", "^~\\&#", "*!/%"])
def test_possible_encoding_characters_are_taken_as_declared(encoding: str) -> None:
    block = FULL.replace(b"^~\\&", encoding.encode(), 1)
    assert read_header(block).encoding == encoding


@pytest.mark.parametrize("start", [b"\xef\xbb\xbf", b"\r\n", b"  ", b"\x0b", b"\x0b\xef\xbb\xbf"])
def test_what_comes_before_the_header_does_no_harm(start: bytes) -> None:
    assert read_header(start + FULL) == read_header(FULL)


def test_a_reader_sees_carriage_returns_and_no_byte_order_mark() -> None:
    assert normalise(b"\xef\xbb\xbfMSH|\r\nPID|\nPV1|\r") == b"MSH|\rPID|\rPV1|\r"


RULES = (
    FeedRule("any"),
    FeedRule("ward", sending_facility="L302H"),
    FeedRule("pas", sending_application="TRAK"),
    FeedRule("pas-l302h", sending_application="TRAK", sending_facility="L302H"),
    FeedRule("second", sending_application="TRAK"),
    FeedRule("oid", sending_application="2.16.9", sending_facility="1.3.5"),
)


@pytest.mark.parametrize(
    ("application", "facility", "feed"),
    [
        ("TRAK", "L302H", "pas-l302h"),
        ("TRAK", "X", "pas"),
        ("X", "L302H", "ward"),
        ("X", "X", "any"),
        ("TRAK^1.2^ISO", "L302H^9^DNS", "pas-l302h"),
        ("^2.16.9^ISO", "^1.3.5^ISO", "oid"),
        ("LAB^2.16.9^ISO", "X^1.3.5^ISO", "oid"),
    ],
)
def test_the_most_specific_feed_fits(application: str, facility: str, feed: str) -> None:
    header = Header(sending_application=application, sending_facility=facility)
    found = feed_for(header, RULES)
    assert found is not None
    assert found.name == feed


def test_no_feed_fits_a_stranger() -> None:
    assert feed_for(Header(sending_application="X"), RULES[2:]) is None
    assert Header(sending_application="^1.2^ISO", sending_facility="F").sender == "1.2|F"


@pytest.mark.parametrize(
    ("segment", "same"),
    [
        (b"PID|1||9990000018^^^NHS^NHS", True),
        (b"PID|1|X|9990000018^^^OTHER~123^^^L", True),
        (b"PID|1||9990000018", True),
        (b"PID|1||9990000026^^^NHS^NHS", False),
    ],
)
def test_the_lane_is_that_of_the_first_identifier(segment: bytes, same: bool) -> None:
    usual = lane_of(an_admission(), Header())
    assert 0 <= usual < LANES
    for end in (b"\r", b"\n", b"\r\n"):
        block = b"MSH|^~\\&" + end + segment + end + b"PV1|1" + end
        assert (lane_of(block, Header()) == usual) is same


@pytest.mark.parametrize("block", [b"MSH|", b"MSH|\rPID", b"MSH|\rPID|1||\rPV1|", b"MSH|\rPID|||"])
def test_a_message_without_an_identifier_has_the_first_lane(block: bytes) -> None:
    assert lane_of(block, Header()) == 0


@pytest.mark.parametrize(
    ("block", "words"),
    [
        (b"Z\r" * 2_000, None),
        (b"Z\r" * 2_001, "more than 2000 segments"),
        (b"Z\r\n" * 2_000, None),
        (b"Z\n" * 2_001, "more than 2000 segments"),
        (b"~" * 50_000, None),
        (b"~" * 50_001, "more than 50000 separators"),
        (b"~^" * 25_001, "more than 50000 separators"),
    ],
)
def test_crowded_blocks_are_found_by_counting(block: bytes, words: str | None) -> None:
    assert crowding(block, Header()) == words


def test_declared_separators_count_as_well() -> None:
    assert crowding(b"#" * 50_001, Header(field_separator="#")) is not None
    assert crowding(b"#" * 50_001, Header()) is None


def test_a_second_header_is_found_after_any_line_end() -> None:
    assert headers_in(FULL) == 1
    assert headers_in(FULL + FULL) == 2
    assert headers_in(FULL.replace(b"\r", b"\n") + FULL) == 2
    assert headers_in(FULL.replace(b"HUB", b"MSH|")) == 1


def test_texts_for_the_journal_are_cut_and_printable() -> None:
    assert printable("ab\x00c\udcff" + "x" * 9, 8) == "ab?c?xxx"
