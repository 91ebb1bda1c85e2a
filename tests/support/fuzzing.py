"""What the fuzzers share: how many cases, what each may cost, and real messages gone wrong."""

import gc
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st

MANY = 1_000
LONG_RUN = "fuzz"
"""``pytest --hypothesis-profile=fuzz``: many more cases, each run with others."""
settings.register_profile(LONG_RUN, max_examples=MANY, deadline=None, derandomize=False)

SECONDS = 0.1
MEMORY = 64 * 1024 * 1024
LARGEST = 12_000
"""Bytes of a case: larger ones would only be printed slowly when they fail."""
CORPUS = tuple(
    file.read_bytes()
    for file in sorted((Path(__file__).resolve().parents[2] / "fixtures/hl7").rglob("*.hl7"))
)
_TOKENS = (
    *(b"", b"\r", b"\n", b"\r\n", b"\x00", b"\x0b", b"\x1c", b"\x1c\r", b"\xff", b"\xef\xbb\xbf"),
    *(b"|", b"^", b"~", b"\\", b"&", b'""', b'"', b"\\X0D\\", b"\\XG\\", b"\\E\\", b"\\.br\\"),
    *(b"MSH|^~\\&|", b"\rMSH|^~\\&", b"\rPID|", b"\rPV1|", b"\rNK1|", b"FHS|", b"BTS|2", b"\rZU8|"),
    *(b"99999999999999", b"00010101", b"99991231235959.999999+1400", b"-1", b"UNICODE UTF-8"),
    *(
        "é".encode(),
        "é".encode("cp1252"),
        "\U0001f600".encode(),
        "\u2028".encode(),
        b"\xed\xa0\x80",
    ),
)
_pieces = st.one_of(st.sampled_from(_TOKENS), st.binary(max_size=8))


def cases(usual: int = 300) -> settings:
    """How many cases a test tries; derandomised wherever ``CI`` is set, as Hypothesis does."""
    return settings(max_examples=MANY if is_long_run() else usual, deadline=None)


def is_long_run() -> bool:
    """``make fuzz`` runs, and not the tests."""
    return settings.get_current_profile_name() == LONG_RUN


@contextmanager
def quick(seconds: float = SECONDS) -> Iterator[None]:
    """One case costs no more processor time than this, whatever else runs here."""
    gc.disable()
    began = time.thread_time()
    try:
        yield
        took = time.thread_time() - began
    finally:
        gc.enable()
    assert took <= seconds, f"{took:.3f} s of processor time"


@contextmanager
def lean(memory: int = MEMORY) -> Iterator[None]:
    """One case costs no more memory than this."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak <= memory, f"{peak} bytes"


@contextmanager
def cheap() -> Iterator[None]:
    """One case is quick and lean, both at once."""
    with lean(), quick():
        yield


@st.composite
def spoilt(draw: st.DrawFn, corpus: tuple[bytes, ...] = CORPUS) -> bytes:
    """A real message in which pieces were replaced, repeated, put in or left out."""
    data = draw(st.sampled_from(corpus))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(data)))
        end = min(len(data), at + draw(st.sampled_from((0, 0, 1, 4, 40, 400))))
        piece = draw(_pieces) or data[at:end]
        data = data[:at] + piece * draw(st.sampled_from((1, 1, 1, 2, 300))) + data[end:]
    return data[:LARGEST]
