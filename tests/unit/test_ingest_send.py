"""Files and batches taken apart into messages."""

import pytest

from ingest.batch import parts_of, split

ONE = b"MSH|^~\\&|A\rPID|1\r"
TWO = b"MSH|^~\\&|B\rPV1|1\r"


@pytest.mark.parametrize(
    ("data", "messages"),
    [
        (b"", []),
        (b"no message at all\r\n", []),
        (ONE, [ONE]),
        (ONE.rstrip(b"\r"), [ONE]),
        (ONE + TWO, [ONE, TWO]),
        (ONE.replace(b"\r", b"\n") + b"\n" + TWO.replace(b"\r", b"\r\n"), [ONE, TWO]),
        (b"\xef\xbb\xbf" + ONE, [ONE]),
        (b"FHS|^~\\&|A\rBHS|^~\\&\r" + ONE + TWO + b"BTS|2\rFTS|1\r", [ONE, TWO]),
        (b"\x0b" + ONE + b"\x1c\r\x0b" + TWO + b"\x1c\r", [ONE, TWO]),
    ],
)
def test_a_file_gives_its_messages_with_carriage_returns(
    data: bytes, messages: list[bytes]
) -> None:
    assert split(data) == messages


@pytest.mark.parametrize(
    ("data", "blocks", "complaint"),
    [
        (ONE, (ONE,), ""),
        (ONE.replace(b"\r", b"\r\n"), (ONE.replace(b"\r", b"\r\n"),), ""),
        (b"no message at all", (b"no message at all",), ""),
        (b"FHS|^~\\&\rBHS|^~\\&\r" + ONE + b"BTS|1\rFTS|1\r", (ONE,), ""),
        (b"a note\r" + ONE + TWO, (b"a note\r", ONE, TWO), ""),
        (
            b"BHS|^~\\&\r" + ONE + b"BTS|2\r",
            (ONE, b"BHS|^~\\&\rBTS|2\r"),
            "the batch says 2 messages, and 1 came",
        ),
        (
            b"FHS|^~\\&\r" + ONE + TWO,
            (ONE, TWO, b"FHS|^~\\&\r"),
            "FTS is missing: the end of the file may be too",
        ),
    ],
)
def test_nothing_of_a_file_is_lost(data: bytes, blocks: tuple[bytes, ...], complaint: str):
    found = parts_of(data)
    assert (found.blocks, found.complaint) == (blocks, complaint)
