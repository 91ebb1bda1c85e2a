"""What a file holds: one message or a batch (HL7 v2 ch. 2.10.3), nothing of it lost."""

import re
from dataclasses import dataclass

from ingest.header import normalise

_ENVELOPE = re.compile(rb"(FHS|BHS|BTS|FTS)(?=[^A-Za-z0-9]|$)")
_FRAMING = b"\x0b\x1c"


@dataclass(frozen=True, slots=True)
class Parts:
    """The blocks in order, what stands before the first message among them as one of its own.

    ``complaint`` says in words where the file's own count is another, else it is empty.
    """

    blocks: tuple[bytes, ...]
    complaint: str = ""


def parts_of(data: bytes) -> Parts:
    """The messages of a file; a file of one message is that message, byte for byte."""
    lines = _lines(data)
    starts = [n for n, line in enumerate(lines) if line.startswith(b"MSH")]
    has_envelope = any(_ENVELOPE.match(line) for line in lines)
    if len(starts) <= 1 and not has_envelope:
        return Parts((data,))
    before = _before(lines)
    messages = split(data)
    complaint = _complaint(lines, len(messages))
    blocks = [_block(before)] if before else []
    blocks += messages
    if complaint:  # an entry that no reader takes for a message, so that a person sees it
        blocks.append(_block([line for line in lines if _ENVELOPE.match(line)]))
    return Parts(tuple(blocks), complaint)


def has_text_before(data: bytes) -> bool:
    """Whether something that is no envelope stands before the first message."""
    return bool(_before(_lines(data)))


def split(data: bytes) -> list[bytes]:
    """The messages of a file or batch, with CR line ends and without FHS, BHS, BTS and FTS."""
    messages: list[list[bytes]] = []
    for line in _lines(data):
        if _ENVELOPE.match(line):
            continue
        if line.startswith(b"MSH"):
            messages.append([])
        if messages:
            messages[-1].append(line)
    return [_block(message) for message in messages]


def _lines(data: bytes) -> list[bytes]:
    text = normalise(data.translate(None, _FRAMING))
    return [line for line in re.split(rb"\r+", text) if line]


def _before(lines: list[bytes]) -> list[bytes]:
    first = next((n for n, line in enumerate(lines) if line.startswith(b"MSH")), None)
    return [line for line in lines[:first] if not _ENVELOPE.match(line)]


def _block(lines: list[bytes]) -> bytes:
    return b"\r".join(lines) + b"\r"


def _complaint(lines: list[bytes], found: int) -> str:
    """BTS-1 counts the messages of each batch; a file that was cut off has fewer, or no FTS."""
    told = [_count(line) for line in lines if line.startswith(b"BTS")]
    counted = [n for n in told if n is not None]
    if counted and sum(counted) != found:
        return f"the batch says {sum(counted)} messages, and {found} came"
    for opening, closing in ((b"FHS", b"FTS"), (b"BHS", b"BTS")):
        if _how_many(lines, opening) > _how_many(lines, closing):
            return f"{closing.decode()} is missing: the end of the file may be too"
    return ""


def _count(line: bytes) -> int | None:
    digits = line[4:].split(line[3:4], 1)[0] if len(line) > len("BTS|") else b""
    return int(digits) if digits.isdigit() and len(digits) < 10 else None


def _how_many(lines: list[bytes], segment: bytes) -> int:
    return sum(line.startswith(segment) for line in lines)
