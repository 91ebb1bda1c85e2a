"""Files and batches taken apart into messages."""

import pytest

from ingest.send import split

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
