"""Bytes of a message to text: character set, line ends, separators, escapes and HL7 null."""

import re
from dataclasses import dataclass
from functools import lru_cache

from alerts.model.doubts import Doubt, DoubtKind
from mapping.hl7.faults import Unreadable

NULL = '""'
"""HL7 v2.4 ch.2.7: two quotation marks ask the receiver to delete what it holds."""

BOM = b"\xef\xbb\xbf"

# HL7 table 0211. "8859/1" feeds send Windows quotation marks, and cp1252 is its superset.
CODECS = {
    "": "utf-8",
    "ASCII": "utf-8",
    "UNICODE": "utf-8",
    "UNICODE UTF-8": "utf-8",
    "UTF-8": "utf-8",
    "8859/1": "cp1252",
    "8859/15": "iso8859-15",
}
CODECS |= {f"8859/{part}": f"iso8859-{part}" for part in range(2, 10)}

REPLACED = Doubt(DoubtKind.BYTES_REPLACED)
_SEGMENT = re.compile(r"[A-Z][A-Z0-9]{2}", re.ASCII)
_MACHINE = frozenset(map(chr, range(32))) - frozenset("\t\n\r")
START_BLOCK = b"\x0b"
_BEFORE = "\r \t\x0b\x0c\ufeff"
"""What may stand before the message and is no part of it."""
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Decoded:
    """A message as text, segments ended by CR; ``doubts`` say what is doubtful in it."""

    text: str
    codecs: tuple[str, ...]
    """What its escapes are in: the message's own character set, then the feed's."""
    doubts: tuple[Doubt, ...] = ()


@dataclass(frozen=True, slots=True)
class Separators:
    """MSH-1 and MSH-2 of one message."""

    field: str
    component: str
    repetition: str
    escape: str
    subcomponent: str


def decode(raw: bytes, fallback: str) -> Decoded:
    """Text of a message; whatever the bytes are, none is lost and nothing is raised."""
    body = raw.removeprefix(BOM)
    declared = _charset(body)
    doubts = []
    if declared not in CODECS:
        doubts.append(Doubt(DoubtKind.CODE_UNKNOWN, "MSH-18"))
    codec = CODECS.get(declared, "utf-8")
    try:
        text = body.decode(codec)
    except UnicodeDecodeError:
        doubts.append(Doubt(DoubtKind.CHARSET_DIFFERS, "MSH-18"))
        codec = fallback
        text = body.decode(fallback, errors="replace")
    if "\x00" in text:  # PostgreSQL stores no NUL
        text = text.replace("\x00", "\ufffd")
    if "\ufffd" in text:
        doubts.append(REPLACED)
    if "\n" in text:
        text = text.replace("\r\n", "\r").replace("\n", "\r")
    if not text.startswith("MSH"):
        text = text.lstrip(_BEFORE)
        if START_BLOCK in body[: max(0, body.find(b"MSH"))]:
            doubts.append(Doubt(DoubtKind.EXTRA_START_BLOCK))
    codecs = (codec,) if codec == fallback else (codec, fallback)
    return Decoded(text, codecs, tuple(doubts))


def _charset(body: bytes) -> str:
    head = body[:2000].lstrip().removeprefix(BOM).lstrip().partition(b"\r")[0].partition(b"\n")[0]
    fields = head.split(head[3:4], 18) if len(head) > 8 else []
    if len(fields) < 18:
        return ""
    first = fields[17].split(fields[1][1:2] or b"~", 1)[0]
    return first.decode("ascii", "replace").strip().upper()


def separators_of(text: str) -> Separators:
    """The separators that a message declares; ``Unreadable`` where they cannot be told apart."""
    if not text.startswith("MSH"):
        raise Unreadable("the message does not begin with MSH", 100)
    field = text[3:4]
    return _separators(field, text[4:12].partition(field)[0] if field else "")


@lru_cache(maxsize=64)
def _separators(field: str, encoding: str) -> Separators:
    signs = field + encoding
    usable = len(encoding) in (4, 5) and len(set(signs)) == len(signs)
    if not usable or any(s.isalnum() or s.isspace() or s == '"' for s in signs):
        raise Unreadable("MSH-1 and MSH-2 do not name usable separators", 100)
    return Separators(field, *encoding[:4])


def lines_of(text: str, field_separator: str) -> tuple[list[str], bool]:
    """Segments, and True where a line was joined to the one before it.

    A carriage return inside a field is data and makes no segment of its own.
    """
    rows: list[list[str]] = []
    joined = False
    for line in text.split("\r"):
        if line[3:4] in (field_separator, "") and _SEGMENT.match(line):
            rows.append([line])
        elif rows and line.strip():
            if len(rows) > 1 and rows[-1] == [rows[-1][0][:3]]:
                word = rows.pop()  # no segment either: a word of a text, such as PV1
                rows[-1] += word
            rows[-1].append(line)  # joined once: adding to a long text each time costs its length
            joined = True
    return ["\n".join(row) if len(row) > 1 else row[0] for row in rows], joined


def declared_version(header: str, separators: Separators) -> str:
    """MSH-12.1 as sent."""
    fields = header.split(separators.field, 12)
    return fields[11].split(separators.component, 1)[0].strip() if len(fields) > 11 else ""


def unescape(value: str, separators: Separators, codecs: tuple[str, ...] = ("utf-8",)) -> str:
    """Decode the escapes of one value that was split already, in linear time.

    What comes out is data, a carriage return or separator too.
    """
    parts = value.split(separators.escape)
    out = [parts[0]]
    at, last = 1, len(parts) - 1
    while at < last:
        meant = _meaning(parts[at], separators, codecs)
        if meant is None:
            out += (separators.escape, parts[at])
            at += 1
        else:
            out += (meant, parts[at + 1])
            at += 2
    if at == last:
        out += (separators.escape, parts[at])
    return "".join(out)


def _meaning(code: str, separators: Separators, codecs: tuple[str, ...]) -> str | None:
    # HL7 UK A.3: these escapes are used; highlighting is dropped, all others stay as they are.
    meant = {
        "F": separators.field,
        "S": separators.component,
        "T": separators.subcomponent,
        "R": separators.repetition,
        "E": separators.escape,
        "H": "",
        "N": "",
        ".br": "\n",
    }.get(code)
    if meant is None and code[:1] == "X" and _HEX.fullmatch(code, 1):
        return _of_bytes(bytes.fromhex(code[1:]), codecs)
    return meant


def _of_bytes(raw: bytes, codecs: tuple[str, ...]) -> str:
    """Text in the message's character set; where that makes signs for machines, UTF-16 units."""
    text = "\ufffd"
    for codec in codecs:
        text = raw.decode(codec, "replace")
        if "\ufffd" not in text:
            break
    if len(raw) % 2 == 0 and not _MACHINE.isdisjoint(text):
        units = raw.decode("utf-16-be", "replace")
        if _MACHINE.isdisjoint(units) and "\ufffd" not in units:
            return units
    return text.replace("\x00", "\ufffd")
