"""Bytes to text: character sets, line ends, separators and escapes."""

import time

import pytest

from alerts.model.doubts import Doubt, DoubtKind
from mapping.hl7.faults import Unreadable
from mapping.hl7.text import decode, lines_of, separators_of, unescape

HEAD = b"MSH|^~\\&|TRAK|L302H|||20260302101500||ADT^A01|1|P|2.4||||||"
PLAIN = separators_of("MSH|^~\\&|")

CHARSETS = [
    # MSH-18, bytes of a name, the name, is it flagged, comment
    (b"", "Zoë".encode(), "Zoë", False, "no charset named, UTF-8 fits"),
    (b"UNICODE", "Zoë".encode(), "Zoë", False, "ITK feeds say UNICODE and mean UTF-8"),
    (b"UNICODE UTF-8", "Zoë".encode(), "Zoë", False, "2.5 and later"),
    (b"ASCII", b"Zoe", "Zoe", False, "plain"),
    (b"ASCII", b"Zo\xeb", "Zoë", True, "D1: says ASCII, sends cp1252"),
    (b"", b"Zo\xeb", "Zoë", True, "D1: no charset, cp1252 bytes"),
    (b"UNICODE UTF-8", b"Zo\xeb", "Zoë", True, "D1: declared UTF-8 does not fit"),
    (b"8859/1", b"O\x92Neil", "O\u2019Neil", False, "a Windows quotation mark in 8859/1"),
    (b"8859/1~UNICODE", b"Zo\xeb", "Zoë", False, "the first repetition counts"),
    (b"8859/15", b"\xa4", "\u20ac", False, "the euro sign moved"),
    (b"8859/2", b"\xb3", "\u0142", False, "central European"),
    (b"KLINGON", "Zoë".encode(), "Zoë", True, "unknown names are flagged, never fatal"),
    (b"", b"Zo\x81", "Zo\ufffd", True, "one of five bytes cp1252 does not define"),
    (b"8859/1", b"Zo\x9d", "Zo\ufffd", True, "the same under a declared charset"),
    (b"", b"Zo\x00", "Zo\ufffd", True, "NUL, which PostgreSQL cannot store"),
]


@pytest.mark.parametrize(("charset", "sent", "name", "flagged", "comment"), CHARSETS)
def test_bytes_become_text_by_msh_18_and_then_by_the_feed(charset, sent, name, flagged, comment):
    decoded = decode(HEAD + charset + b"\rPID|||1||" + sent + b"\r", "cp1252")
    assert decoded.text.split("|")[-1] == name + "\r", comment
    assert bool(decoded.doubts) is flagged, comment


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n"])
def test_every_line_end_becomes_a_carriage_return(end):
    decoded = decode(HEAD + end + b"EVN||1" + end, "cp1252")
    assert decoded.text.split("\r")[1:] == ["EVN||1", ""]


def test_a_byte_order_mark_is_dropped():
    assert decode(b"\xef\xbb\xbf" + HEAD, "cp1252").text.startswith("MSH|")


def test_a_line_that_is_no_segment_is_data_of_the_field_before_it():
    lines, joined = lines_of("MSH|^~\\&|A\rPID|||1||Smith\rMacDonald^Jo\r\rPV1||I\r", "|")
    assert lines == ["MSH|^~\\&|A", "PID|||1||Smith\nMacDonald^Jo", "PV1||I"]
    assert joined


ESCAPES = [
    # sent, read, comment
    ("O\\T\\Brien", "O&Brien", "sub-component separator"),
    ("a\\F\\b\\S\\c\\R\\d\\E\\e", "a|b^c~d\\e", "every separator"),
    ("\\H\\bold\\N\\", "bold", "highlighting is dropped"),
    ("one\\.br\\two", "one\ntwo", "line break"),
    ("\\XC3A9\\", "é", "hexadecimal, in the message's codec"),
    ("\\X0D\\", "\r", "D9: stays data"),
    ("\\X0\\", "\\X0\\", "half a byte is no escape"),
    ("\\X00\\", "\ufffd", "NUL"),
    ("\\Z01\\", "\\Z01\\", "site-defined escapes stay"),
    ("C:\\temp\\T\\x", "C:\\temp&x", "a stray escape sign does not eat the next escape"),
    ("end\\", "end\\", "unfinished"),
    ("\\E\\T\\E\\", "\\T\\", "decoded once, never twice"),
    ("\\", "\\", "alone"),
]


@pytest.mark.parametrize(("sent", "meant", "comment"), ESCAPES)
def test_escapes_are_decoded_after_splitting(sent, meant, comment):
    assert unescape(sent, PLAIN) == meant, comment


IN_THE_MESSAGES_OWN = [
    # sent, character sets, read, comment
    ("\\XE9\\", ("utf-8", "cp1252"), "é", "no MSH-18: then the feed's"),
    ("\\XE9\\", ("cp1252",), "é", "8859/1"),
    ("\\X00E9\\", ("cp1252",), "é", "a UTF-16 unit"),
    ("\\X017500E9\\", ("utf-8", "cp1252"), "ŵé", "two of them"),
    ("\\X27\\", ("cp1252",), "'", "an apostrophe"),
    ("\\X26\\", ("cp1252",), "&", "an ampersand"),
    ("\\X0D0A\\", ("utf-8",), "\r\n", "a line end is no unit"),
]


@pytest.mark.parametrize(("sent", "codecs", "meant", "comment"), IN_THE_MESSAGES_OWN)
def test_hexadecimal_escapes_are_in_the_messages_own_characters(sent, codecs, meant, comment):
    assert unescape(sent, PLAIN, codecs) == meant, comment


@pytest.mark.parametrize("before", [b"\x0b", b"\x0b\r", b"\x0b\xef\xbb\xbf", b"\xef\xbb\xbf\x0b"])
def test_a_second_start_block_is_dropped_and_flagged(before):
    decoded = decode(before + HEAD, "cp1252")
    assert decoded.text.startswith("MSH|")
    assert decoded.doubts == (Doubt(DoubtKind.EXTRA_START_BLOCK),)


def test_a_line_of_a_text_that_is_only_a_segments_name_is_no_segment():
    lines, joined = lines_of("MSH|^~\\&|A\rNTE|1||First\rPV1\rand a third|I\rPV1||I\r", "|")
    assert lines == ["MSH|^~\\&|A", "NTE|1||First\nPV1\nand a third|I", "PV1||I"]
    assert joined


@pytest.mark.parametrize("sign", ["\\", "\\T\\", "\\E", "\\X41", "\\Xzz\\"])
def test_many_escapes_cost_no_more_than_their_length(sign):
    short, long = (best_of_three(sign * (size // len(sign))) for size in (10_000, 100_000))
    assert long < 40 * short  # ten times the length; a hundred times would be quadratic


def best_of_three(value):
    def once():
        started = time.process_time_ns()
        unescape(value, PLAIN)
        return time.process_time_ns() - started

    return min(once() for _ in range(3))


def test_other_separators_are_read_as_declared():
    declared = separators_of("MSH#*+?@#TRAK")
    assert unescape("?F??S??R??T??E?", declared) == "#*+@?"


SEPARATORS = [
    ("MSH", "nothing after the name"),
    ("MSH|", "no MSH-2"),
    ("MSH|^~\\|A", "three encoding characters"),
    ("MSH|^~^&|A", "one sign for two uses"),
    ("MSHA^~\\&A", "a letter as separator"),
    ("MSH|^~\\&#%|A", "six encoding characters"),
    ("FHS|^~\\&|A", "a batch header"),
    ("", "nothing"),
]


@pytest.mark.parametrize(("text", "comment"), SEPARATORS)
def test_separators_that_cannot_be_told_apart_make_a_message_unreadable(text, comment):
    with pytest.raises(Unreadable) as fault:
        separators_of(text)
    assert fault.value.code == 100, comment


def test_the_truncation_sign_of_later_versions_is_accepted():
    assert separators_of("MSH|^~\\&#|A") == PLAIN
