"""Register files and drop-folder files: every row or fault, every byte, and never an error."""

import re

from hypothesis import given
from hypothesis import strategies as st

from ingest.batch import parts_of
from ingest.header import normalise
from mapping.register_csv import read
from tests.support.fuzzing import CORPUS, cases, cheap, spoilt
from tests.support.register_file import OPTIONAL, SOUND, TERMS, a_file

CANARY = "Canaryqx"
ROW = SOUND | {"patient_family": CANARY}
REGISTER = (a_file(ROW), a_file(ROW | OPTIONAL), a_file(ROW, ROW | {"centre": "YOUNGNL"}))
ENVELOPE = re.compile(rb"(FHS|BHS|BTS|FTS)([^A-Za-z0-9]|$)")
lines = st.one_of(
    st.sampled_from((b"FHS|^~\\&|A", b"BHS|^~\\&|A", b"BTS|1", b"BTS|2", b"FTS|1", b"", b"ZZZ")),
    st.sampled_from(CORPUS),
    st.binary(max_size=40),
)
batches = st.tuples(st.sampled_from((b"\r", b"\n", b"\r\n")), st.lists(lines, max_size=8)).map(
    lambda drawn: drawn[0].join(drawn[1])
)


@cases()
@given(data=spoilt(REGISTER))
def test_a_register_file_gives_rows_or_faults_that_quote_nothing(data: bytes) -> None:
    with cheap():
        found = read(data, TERMS)
    total = data.count(b"\n") + data.count(b"\r") + 2
    assert all(1 <= fault.line <= total for fault in found.faults)
    for fault in found.faults:
        assert CANARY not in fault.reason + fault.column


@cases()
@given(data=st.one_of(batches, spoilt()))
def test_nothing_of_a_batch_is_lost_or_invented(data: bytes) -> None:
    with cheap():
        parts = parts_of(data)
    if len(parts.blocks) == 1 and parts.blocks[0] == data:
        return
    blocks = parts.blocks[:-1] if parts.complaint else parts.blocks
    kept = [line for block in blocks for line in block.split(b"\r") if line]
    assert kept == [line for line in _lines(data) if not ENVELOPE.match(line)]
    heads = sum(line.startswith(b"MSH") for line in kept)
    assert sum(block.startswith(b"MSH") for block in blocks) == heads, "one message a block"


def _lines(data: bytes) -> list[bytes]:
    text = normalise(data.translate(None, b"\x0b\x1c"))
    return [line for line in text.split(b"\r") if line]
