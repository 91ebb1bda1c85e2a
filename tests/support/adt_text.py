"""ADT messages as text, segment by segment, for tests of reading."""

from datetime import UTC, datetime

from alerts.model.events import AdtEvent
from mapping.hl7.events import Dialect, read_event

ARRIVED = datetime(2026, 3, 2, 10, 20, tzinfo=UTC)
PAS = Dialect("pas")


def a_segment(name, **fields):
    """``a_segment("PV2", f9="20260306")`` is ``PV2|||||||||20260306``."""
    by_number = {int(key[1:]): value for key, value in fields.items()}
    return "|".join(
        [name, *(by_number.get(n, "") for n in range(1, max(by_number, default=0) + 1))]
    )


def a_message(trigger="A01", *extra, version="2.4", charset="", evn=None, pid=None, pv1=None):
    msh = f"MSH|^~\\&|TRAK|L302H|||20260302101500||ADT^{trigger}|C1|P|{version}||||||{charset}"
    return "\r".join(
        [
            msh,
            a_segment("EVN", **({"f2": "20260302101400"} | (evn or {}))),
            a_segment(
                "PID", **({"f3": "9990000018^^^NHS^NH", "f5": "Ogilvie^Mairi"} | (pid or {}))
            ),
            a_segment("PV1", **({"f2": "I", "f3": "M7A^2^4^L302H", "f19": "V1"} | (pv1 or {}))),
            *extra,
        ]
    )


def read(message, dialect=PAS):
    event = read_event(message.encode(), dialect, ARRIVED)
    assert isinstance(event, AdtEvent)
    return event
