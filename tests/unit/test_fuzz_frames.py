"""Framing against a second reading of the rule: any bytes, cut anywhere, one outcome."""

from itertools import pairwise
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.mllp import (
    END,
    START,
    Cutter,
    FrameBroken,
    FrameError,
    FrameJunk,
    Frames,
    FrameTooLong,
    Limits,
)
from tests.support.fuzzing import cases, cheap, is_long_run

LIMITS = Limits(message_bytes=24, junk_bytes=12)
CHUNK = 65_536
ROUNDS, STREAMS, MANY_STREAMS = 20, 1_000, 35_000
"""Streams of random bytes in a round; many of them in the long run."""
PIECES = START, END, END[:1], END[1:], b"\n", b"MSH|", START + b"a" + END
streams = st.lists(
    st.one_of(
        st.sampled_from(PIECES),
        st.binary(max_size=30),
        st.binary(max_size=26).map(lambda data: START + data + END),
    ),
    max_size=8,
).map(b"".join)
Outcome = tuple[list[bytes], type[FrameError] | None]


class Cut:
    """A stream that comes in pieces and ends."""

    def __init__(self, stream: bytes, cuts: list[int]) -> None:
        edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
        self.pieces = iter([stream[low:high] for low, high in pairwise(edges)])

    def recv(self, size: int, /) -> bytes:
        return next(self.pieces, b"")

    def sendall(self, data: bytes, /) -> None:
        raise AssertionError("reading sends nothing")

    def settimeout(self, seconds: float | None, /) -> None:
        assert seconds is None or seconds > 0


@cases()
@given(stream=streams, cuts=st.lists(st.integers(min_value=0, max_value=200)))
def test_any_bytes_cut_anywhere_are_read_as_the_rule_says(stream: bytes, cuts: list[int]) -> None:
    with cheap():
        assert _read(Frames(Cut(stream, cuts), LIMITS)) == _by_the_rule(stream)


@settings(max_examples=ROUNDS, deadline=None)
@given(chance=st.randoms(use_true_random=True))
def test_many_more_streams_at_random_are_read_as_the_rule_says(chance: Random) -> None:
    """Chosen without thought and checked without counting memory: so many more of them."""
    for _ in range(MANY_STREAMS if is_long_run() else STREAMS):
        stream = b"".join(_piece(chance) for _ in range(chance.randrange(9)))
        cuts = [chance.randrange(200) for _ in range(chance.randrange(6))]
        assert _read(Frames(Cut(stream, cuts), LIMITS)) == _by_the_rule(stream), (stream, cuts)


def _piece(chance: Random) -> bytes:
    if chance.random() < 0.6:
        return chance.choice(PIECES)
    data = chance.randbytes(chance.randrange(31))
    return START + data + END if chance.random() < 0.5 else data


@cases(60)
@given(stream=streams, size=st.integers(min_value=1, max_value=3))
def test_a_buffer_never_outgrows_limit_and_one_piece(stream: bytes, size: int) -> None:
    with cheap():
        _feed_a_little_at_a_time(stream * 40, size)


def _feed_a_little_at_a_time(whole: bytes, size: int) -> None:
    cutter = Cutter(LIMITS)
    for start in range(0, len(whole), size):
        cutter.feed(whole[start : start + size])
        assert len(cutter._buffer) <= LIMITS.message_bytes + len(START + END) + size
        try:
            while cutter.next() is not None:
                pass
        except FrameError:
            return


@cases()
@given(stream=streams, cuts=st.lists(st.integers(min_value=0, max_value=200)))
def test_who_waits_for_blocks_and_who_does_not_cut_alike(stream: bytes, cuts: list[int]) -> None:
    with cheap():
        assert _fed(Cut(stream, cuts)) == _read(Frames(Cut(stream, cuts), LIMITS))


def _fed(pieces: Cut) -> Outcome:
    """As the port reads: whatever came is cut at once, and an end is told apart afterwards."""
    cutter, blocks = Cutter(LIMITS), []
    try:
        for piece in pieces.pieces:
            cutter.feed(piece)
            while (block := cutter.next()) is not None:
                blocks.append(block)
    except FrameError as failure:
        return blocks, type(failure)
    return blocks, FrameBroken if cutter.is_unfinished else None


def _read(frames: Frames) -> Outcome:
    blocks: list[bytes] = []
    try:
        while (block := frames.read()) is not None:
            blocks.append(block)
    except FrameError as failure:
        return blocks, type(failure)
    return blocks, None


def _by_the_rule(stream: bytes) -> Outcome:
    """VT begins a frame, FS CR ends it; between frames line ends and blanks are no junk."""
    blocks: list[bytes] = []
    while stream:
        junk, start, rest = stream.partition(START)
        if len(junk.translate(None, b"\r\n \t")) > LIMITS.junk_bytes:
            return blocks, FrameJunk
        if not start:
            break
        block, end, stream = rest.partition(END)
        if len(block) > LIMITS.message_bytes and (end or _surely_too_long(block)):
            return blocks, FrameTooLong
        if not end:
            return blocks, FrameBroken
        blocks.append(block)
    return blocks, None


def _surely_too_long(block: bytes) -> bool:
    """The last byte may begin an end of frame that did not come any more."""
    return len(block) > LIMITS.message_bytes + 1
