"""The bytes of an acknowledgement, from templates; original and enhanced mode."""

import re
from datetime import datetime
from functools import lru_cache
from typing import Literal, NamedTuple

from ingest.header import Fault, Header

Mode = Literal["original", "enhanced"]
Letter = Literal["R", "E"]
MAX_ECHO = 2_000
_MAX_FIELD = 227
"""The longest MSH-3 any version allows; longer ones are cut in the answer."""
_WANTS_COMMIT_ACK = frozenset({"AL", "SU", "ER"})
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
_FRAMING = re.compile(r"[\x00-\x08\x0a-\x1f]")
_NO_SIGNS = str.maketrans("", "", "-:T")
_OLD_ERR = re.compile(r"2\.[0-4](\.|$)")
_MEANINGS = {
    100: "Segment sequence error",
    101: "Required field missing",
    102: "Data type error",
    103: "Table value not found",
    104: "Value too long",
    200: "Unsupported message type",
    201: "Unsupported event code",
    202: "Unsupported processing id",
    203: "Unsupported version id",
    204: "Unknown key identifier",
    207: "Application internal error",
}
"""HL7 table 0357."""


class Stamp(NamedTuple):
    """What makes one answer its own: when, its control id, and the mode the sender expects."""

    at: datetime
    control_id: str
    mode: Mode


def mode_for(header: Header, ack_mode: str) -> Mode:
    """``auto``: enhanced when MSH-15 asks for a commit acknowledgement, else original."""
    if ack_mode == "enhanced" or (ack_mode == "auto" and header.accept_ack in _WANTS_COMMIT_ACK):
        return "enhanced"
    return "original"


def accept(header: Header, stamp: Stamp) -> bytes:
    """AA or CA: the message is safe on disk, whatever is in it."""
    return _answer(header, stamp, "A", "")


def refuse(header: Header, stamp: Stamp, letter: Letter, fault: Fault) -> bytes:
    """AR or CR, AE or CE, with an ERR segment in the form of the message's version."""
    return _answer(header, stamp, letter, _err(header, fault))


def _answer(header: Header, stamp: Stamp, letter: str, err: str) -> bytes:
    bar = header.field_separator
    code = ("C" if stamp.mode == "enhanced" else "A") + letter
    back = (
        "MSH",
        header.encoding,
        _field(header.receiving_application),
        _field(header.receiving_facility),
        _field(header.sending_application),
        _field(header.sending_facility),
        _instant(stamp.at),
        "",
        _kind(header),
        stamp.control_id,
        _field(header.processing_id),
        _field(header.version),
    )
    text = f"{bar.join(back)}\rMSA{bar}{code}{bar}{echo(header)}\r{err}"
    return text.encode("utf-8", "surrogateescape")


def echo(header: Header) -> str:
    """MSH-10 as MSA-2 gives it back: byte for byte, for engines compare.

    Only what would end the segment or the frame is left out, and what no engine counts to.
    """
    control_id = header.control_id[:MAX_ECHO]
    return control_id if control_id.isprintable() else _FRAMING.sub("", control_id)


@lru_cache(maxsize=4)  # what is stored together has one time
def _instant(at: datetime) -> str:
    """UTC, as HL7 writes it."""
    return at.isoformat(timespec="seconds").translate(_NO_SIGNS)


def _kind(header: Header) -> str:
    trigger = header.trigger
    if not trigger.isalnum():
        trigger = "".join(sign for sign in trigger if sign.isalnum())
    trigger = trigger[:8]
    return header.encoding[0].join(("ACK", trigger, "ACK")) if trigger else "ACK"


def _field(value: str) -> str:
    cut = value[:_MAX_FIELD]
    return cut if cut.isprintable() else _CONTROLS.sub("", cut)


def _err(header: Header, fault: Fault) -> str:
    bar, hat, *rest = header.field_separator, *header.encoding
    ampersand = rest[2] if len(rest) > len("~\\") else "&"
    meaning = _MEANINGS.get(fault.code, _MEANINGS[207])
    where = fault.location.replace("^", hat)
    if _OLD_ERR.match(header.version):
        coded = ampersand.join((str(fault.code), meaning, "HL70357"))
        padding = hat * (2 - fault.location.count("^"))
        return f"ERR{bar}{where}{padding}{hat}{coded}\r"
    coded = hat.join((str(fault.code), meaning, "HL70357"))
    words = re.sub(r"[^\w .,:-]", "", fault.text)
    return f"ERR{bar}{bar}{where}{bar}{coded}{bar}E{bar * 4}{words}\r"
