"""Messages that name a structure where the trigger event belongs: ``ADT_A01`` alone in MSH-9."""

import re

from mapping.hl7.message import Message

_STRUCTURE = re.compile(r"ADT_(A[0-9]{2})", re.ASCII)
# HL7 v2.4 to v2.8, table 0354: the events that share a structure with another one.
_SHARED = {
    "A01": ("A01", "A04", "A08", "A13"),
    "A05": ("A05", "A14", "A28", "A31"),
    "A06": ("A06", "A07"),
    "A09": ("A09", "A10", "A11", "A12", "A15"),
    "A21": ("A21", "A22", "A23", "A25", "A26", "A27", "A29", "A32", "A33"),
    "A39": ("A39", "A40", "A41", "A42"),
}


def stands_for_trigger(message: Message) -> bool:
    """MSH-9 names no trigger event where it belongs."""
    trigger = message.first("MSH").text("MSH-9.2").upper()
    return not trigger or trigger.startswith("ADT_")


def trigger_in(message: Message) -> str:
    """The trigger that the structure means, empty where there is none.

    EVN-1 decides between events of one structure, and only between those.
    """
    msh = message.first("MSH")
    for part in ("MSH-9.2", "MSH-9.1", "MSH-9.3"):
        found = _STRUCTURE.fullmatch(msh.text(part).upper())
        if found:
            told = message.first("EVN").text("EVN-1.1").upper()
            return told if told in _SHARED.get(found[1], ()) else found[1]
    return ""
