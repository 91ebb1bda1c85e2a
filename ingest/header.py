"""The few facts of a message header that an acknowledgement and the journal need."""

import string
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple
from zlib import crc32

LANES = 64
MAX_SEGMENTS = 2_000
MAX_SEPARATORS = 50_000
_BOM = b"\xef\xbb\xbf"
_SIGNS = frozenset(string.punctuation) - {'"'}
"""What may separate; two quotation marks are HL7's null."""
_USUAL = "^~\\&"
_LENGTHS = (len(_USUAL), len("^~\\&#"))
_LAST_FIELD = 18

AckMode = Literal["auto", "original", "enhanced"]


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a message is refused: a code of HL7 table 0357, our words, and where, as PID^1^3."""

    code: int
    text: str
    location: str


@dataclass(frozen=True, slots=True)
class FeedRule:
    """What the door must know of a feed (site file); ``certificate_names`` empty: any sender's."""

    name: str
    sending_application: str = "*"
    sending_facility: str = "*"
    ack_mode: AckMode = "auto"
    processing_id: str = "P"
    refuse_unusable: bool = False
    certificate_names: tuple[str, ...] = ()
    ways: frozenset[str] = frozenset()
    """Ways without a certificate that may speak for it all the same: ``folder``, ``kafka``."""


class Header(NamedTuple):
    """MSH as sent; absent fields are empty. Bytes that are not UTF-8 are kept as surrogates."""

    field_separator: str = "|"
    encoding: str = _USUAL
    sending_application: str = ""
    sending_facility: str = ""
    receiving_application: str = ""
    receiving_facility: str = ""
    sent_at: str = ""
    message_type: str = ""
    trigger: str = ""
    structure: str = ""
    control_id: str = ""
    processing_id: str = ""
    version: str = ""
    accept_ack: str = ""
    application_ack: str = ""
    charset: str = ""

    @property
    def application(self) -> str:
        """MSH-3 by its first component that is there: namespace, else OID."""
        return _first(self.sending_application, self.encoding[0])

    @property
    def facility(self) -> str:
        """MSH-4 by its first component that is there: namespace, else OID."""
        return _first(self.sending_facility, self.encoding[0])

    @property
    def sender(self) -> str:
        """Who sent it, the part of a message's identity that is not the control id."""
        return f"{self.application}|{self.facility}"


class Unattributable(Exception):
    """The block has no header that could be answered properly; it is refused and kept."""

    def __init__(self, fault: Fault, header: Header) -> None:
        """``header`` holds what could be read, the control id above all."""
        super().__init__(fault.text)
        self.fault = fault
        self.header = header


def read_header(block: bytes) -> Header:
    """MSH of a block with any line end, with or without a byte order mark."""
    segment = first_segment(block)
    if not segment.startswith(b"MSH"):
        raise Unattributable(Fault(100, "no MSH segment", "MSH^1"), Header())
    separator = chr(segment[3]) if len(segment) > len("MSH") else ""
    if separator not in _SIGNS:
        raise Unattributable(Fault(100, "no field separator", "MSH^1^1"), Header())
    fields = segment.decode("utf-8", "surrogateescape").split(separator, _LAST_FIELD)
    fields += [""] * (_LAST_FIELD - len(fields))
    is_possible = _may_encode(fields[1], separator)
    while not is_possible and fields[2] and _SIGNS.issuperset(fields[2]):
        fields.append(fields.pop(2)[:0])  # the separator stood among the encoding characters
    header = _header(fields, separator, fields[1] if is_possible else None)
    if not is_possible:
        raise Unattributable(Fault(100, "impossible encoding characters", "MSH^1^2"), header)
    for number, name in ((9, "message type"), (10, "control id")):
        if fields[number - 1].strip() in ("", '""'):
            raise Unattributable(Fault(101, f"no {name}", f"MSH^1^{number}"), header)
    return header


def first_segment(block: bytes) -> bytes:
    """The bytes before the first line end."""
    if not block.startswith(b"MSH"):
        block = block.lstrip().removeprefix(_BOM).lstrip()
    carriage = block.find(b"\r")
    feed = block.find(b"\n", 0, carriage if carriage >= 0 else None)
    end = feed if feed >= 0 else carriage
    return block[:end] if end >= 0 else block


def normalise(block: bytes) -> bytes:
    """For reading only: CR line ends, no byte order mark, nothing before the first segment."""
    text = block.lstrip().removeprefix(_BOM).lstrip()
    return text.replace(b"\r\n", b"\r").replace(b"\n", b"\r") if b"\n" in text else text


def feed_for(header: Header, rules: Sequence[FeedRule]) -> FeedRule | None:
    """The most specific rule that fits the sender; of equals the first."""
    sign = header.encoding[0]
    applications = _names_in(header.sending_application, sign)
    facilities = _names_in(header.sending_facility, sign)
    fitting = [
        rule
        for rule in rules
        if rule.sending_application in applications and rule.sending_facility in facilities
    ]
    if len(fitting) == 1:
        return fitting[0]
    return max(fitting, key=_how_specific, default=None)


def lane_of(block: bytes, header: Header) -> int:
    """A number below LANES, the same for all messages with the same first patient identifier."""
    separator = header.field_separator.encode()
    start = max(block.find(b"\rPID" + separator), block.find(b"\nPID" + separator))
    if start < 0:
        return 0
    fields = block[start + 1 : start + 1_024].split(separator, 4)
    if len(fields) <= len(("PID", 1, 2)):
        return 0
    identifier = fields[3].splitlines()[0] if fields[3] else b""
    for sign in header.encoding[:2]:
        identifier = identifier.split(sign.encode(), 1)[0]
    return crc32(identifier) % LANES if identifier else 0


def crowding(block: bytes, header: Header) -> str | None:
    """Why a block would be too dear to parse, by counting bytes alone; None if it is not."""
    size = len(block)
    if size <= MAX_SEGMENTS:
        return None  # it has not so many bytes
    segments = block.count(b"\r") + block.count(b"\n") - block.count(b"\r\n")
    if segments > MAX_SEGMENTS:
        return f"more than {MAX_SEGMENTS} segments"
    if size <= MAX_SEPARATORS:
        return None
    signs = {header.field_separator, *header.encoding, "|", *_USUAL}
    if sum(block.count(sign.encode()) for sign in signs) > MAX_SEPARATORS:
        return f"more than {MAX_SEPARATORS} separators"
    return None


def headers_in(block: bytes) -> int:
    """How many MSH segments a block with a readable header holds."""
    if block.find(b"MSH", 4) < 0:
        return 1
    return 1 + block.count(b"\rMSH", 1) + block.count(b"\nMSH", 1)


def printable(text: str, limit: int) -> str:
    """Text any database stores and any terminal prints, cut to ``limit`` characters."""
    cut = text[:limit]
    if cut.isascii() and cut.isprintable():
        return cut
    return "".join(sign if sign.isprintable() else "?" for sign in cut)


def _names_in(sent: str, sign: str) -> tuple[str, ...]:
    """What a feed may call a sender: any component of the HD, and ``*``."""
    return ("*", sent, *sent.split(sign)) if sign in sent else ("*", sent)


def _first(sent: str, sign: str) -> str:
    return next(filter(None, sent.split(sign)), "") if sign in sent else sent


def _may_encode(encoding: str, separator: str) -> bool:
    return len(encoding) in _LENGTHS and _are_signs(encoding, separator)


@lru_cache(maxsize=64)
def _are_signs(encoding: str, separator: str) -> bool:
    signs = set(encoding)
    return len(signs) == len(encoding) and signs <= _SIGNS and separator not in signs


def _header(fields: list[str], separator: str, encoding: str | None) -> Header:
    """``encoding`` None: the usual characters, and the usual separator if it is one of them."""
    signs = encoding or _USUAL
    kind = (*fields[8].split(signs[0], 3), "", "", "")
    return Header(
        field_separator=separator if separator not in signs else "|",
        encoding=signs,
        sending_application=fields[2],
        sending_facility=fields[3],
        receiving_application=fields[4],
        receiving_facility=fields[5],
        sent_at=fields[6],
        message_type=kind[0],
        trigger=kind[1],
        structure=kind[2],
        control_id=fields[9],
        processing_id=fields[10].split(signs[0], 1)[0].strip(),
        version=fields[11].split(signs[0], 1)[0].strip(),
        accept_ack=fields[14].strip(),
        application_ack=fields[15].strip(),
        charset=fields[17],
    )


def _how_specific(rule: FeedRule) -> int:
    return 2 * (rule.sending_application != "*") + (rule.sending_facility != "*")
