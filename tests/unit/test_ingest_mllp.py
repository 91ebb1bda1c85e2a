"""Framing: the same blocks however the bytes are cut, and never more memory than the limit."""

import time
from collections.abc import Iterable, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.mllp import (
    END,
    START,
    Cutter,
    FrameBroken,
    FrameCrowded,
    FrameJunk,
    FrameLate,
    Frames,
    FrameTooLong,
    Limits,
    write_block,
)
from ingest.room import MOST, OWN


class Tape:
    """A stream that gives the pieces one by one; an empty end of tape, or silence."""

    def __init__(self, pieces: Iterable[bytes], is_silent: bool = False) -> None:
        self.pieces = iter(pieces)
        self.is_silent = is_silent
        self.sent = b""

    def recv(self, size: int, /) -> bytes:
        piece = next(self.pieces, b"")
        if not piece and self.is_silent:
            raise TimeoutError
        assert len(piece) <= size
        return piece

    def sendall(self, data: bytes, /) -> None:
        self.sent += data

    def settimeout(self, seconds: float | None, /) -> None:
        assert seconds is None or seconds > 0


def read_all(pieces: Sequence[bytes], limits: Limits | None = None) -> list[bytes]:
    frames = Frames(Tape(pieces), limits or Limits())
    blocks = []
    while (block := frames.read()) is not None:
        blocks.append(block)
    return blocks


contents = st.binary(max_size=60).filter(lambda data: END not in data + END[:1])


@given(
    blocks=st.lists(contents, max_size=6),
    cuts=st.lists(st.integers(min_value=0, max_value=400)),
)
def test_the_blocks_are_the_same_however_the_stream_is_cut(
    blocks: list[bytes], cuts: list[int]
) -> None:
    stream = b"".join(START + block + END for block in blocks)
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    pieces = [stream[low:high] for low, high in pairwise(edges)]
    assert read_all(pieces) == blocks


def test_every_single_cut_gives_the_same_two_blocks() -> None:
    stream = START + b"MSH|one\x0b\x1c|\r" + END + b"\r\n" + START + b"MSH|two\r" + END
    for cut in range(1, len(stream)):
        assert read_all([stream[:cut], stream[cut:]]) == [b"MSH|one\x0b\x1c|\r", b"MSH|two\r"]


def test_a_block_of_the_limit_is_read_and_one_byte_more_is_not() -> None:
    limits = Limits(message_bytes=10)
    assert read_all([START + b"x" * 10 + END], limits) == [b"x" * 10]
    for pieces in ([START + b"x" * 11 + END], [START + b"x" * 11 + END[:1], END[1:]]):
        with pytest.raises(FrameTooLong) as failure:
            read_all(pieces, limits)
        assert failure.value.head == b"x" * 10 + b"x"
        assert failure.value.size >= 11


def test_too_long_frames_that_begin_alike_have_the_same_digest_however_they_are_cut() -> None:
    digests = set()
    for cut in (12, 15, 20):
        stream = START + b"x" * 30
        with pytest.raises(FrameTooLong) as failure:
            read_all([stream[:cut], stream[cut:]], Limits(message_bytes=10))
        digests.add(failure.value.digest)
    assert len(digests) == 1


def test_junk_is_skipped_up_to_its_limit() -> None:
    limits = Limits(junk_bytes=100)
    assert read_all([b"x" * 100 + START + b"a" + END], limits) == [b"a"]
    with pytest.raises(FrameJunk):
        read_all([b"x" * 60, b"x" * 41 + START + b"a" + END], limits)


def test_line_ends_between_frames_are_no_junk() -> None:
    cutter = Cutter(Limits(junk_bytes=10))
    cutter.feed(b"\r\n" * 50 + START + b"a" + END)
    assert cutter.next() == b"a"
    assert cutter.junk == 0


def test_an_end_in_the_middle_of_a_frame_is_told() -> None:
    with pytest.raises(FrameBroken):
        read_all([START + b"MSH|"])


def test_silence_in_the_middle_of_a_frame_is_told() -> None:
    frames = Frames(Tape([START + b"MSH|"], is_silent=True), Limits())
    with pytest.raises(FrameLate):
        frames.read()


def test_silence_between_frames_ends_only_where_that_was_asked() -> None:
    frames = Frames(Tape([], is_silent=True), Limits(idle_for=0.0))
    with pytest.raises(TimeoutError):
        frames.read()


def test_a_frame_is_in_hand_from_its_first_byte_until_the_next_is_asked_for() -> None:
    cutter = Cutter(Limits())
    assert cutter.next() is None
    assert not cutter.in_hand
    cutter.feed(START)
    assert cutter.next() is None
    assert cutter.in_hand
    assert cutter.is_unfinished
    cutter.feed(b"a" + END)
    assert cutter.next() == b"a"
    assert cutter.in_hand
    assert not cutter.is_unfinished
    assert cutter.next() is None
    assert not cutter.in_hand


def begun(length: int, limits: Limits) -> Cutter:
    """A connection that has sent so much of a frame and then nothing."""
    cutter = Cutter(limits)
    for chunk in _chunks(length):
        cutter.feed(chunk)
        assert cutter.next() is None
    return cutter


def _chunks(length: int) -> list[bytes]:
    stream = START + b"x" * (length - 1)
    return [stream[low : low + 65_536] for low in range(0, length, 65_536)]


def test_long_frames_of_all_connections_together_have_only_so_much_room() -> None:
    limits = Limits(message_bytes=MOST // 8 + OWN)
    held = [begun(MOST // 8 + OWN, limits) for _ in range(8)]
    with pytest.raises(FrameCrowded):
        begun(OWN + 1, limits)
    assert begun(OWN, limits).in_hand, "a short one goes on"
    assert limits.room.taken == MOST
    held.pop().give_back()
    assert begun(MOST // 8, limits).in_hand
    assert begun(OWN + 1, Limits()).in_hand


def test_a_block_keeps_its_room_until_it_is_answered() -> None:
    limits = Limits(message_bytes=200_000)
    cutter = begun(200_000, limits)
    cutter.feed(END)
    assert len(cutter.next() or b"") == 199_999
    assert limits.room.taken == 200_000 - OWN
    assert cutter.next() is None
    assert limits.room.taken == 0


def test_there_is_room_for_four_of_the_longest_frames() -> None:
    limits = Limits(message_bytes=MOST)
    assert limits.room.take(4 * MOST, limits.message_bytes)
    assert not limits.room.take(1, limits.message_bytes)


def test_an_answer_is_framed() -> None:
    tape = Tape([])
    write_block(tape, b"MSH|\r")
    assert tape.sent == b"\x0bMSH|\r\x1c\r"


def test_a_long_frame_costs_in_proportion_to_its_length() -> None:
    def seconds(size: int) -> float:
        stream = START + b"x" * size + END
        pieces = [stream[low : low + 4_096] for low in range(0, len(stream), 4_096)]
        started = time.perf_counter()
        read_all(pieces, Limits(message_bytes=size))
        return time.perf_counter() - started

    one = min(seconds(1_000_000) for _ in range(3))
    five = min(seconds(5_000_000) for _ in range(3))
    assert five < 20 * one  # a quadratic buffer would take 25 times as long and more
