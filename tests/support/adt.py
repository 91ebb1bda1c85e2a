"""ADT messages for tests: fixed defaults, a test states only what matters."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")
_numbers = count(1)


@dataclass(frozen=True)
class Adt:
    """One message of one stay; ``at`` is the event time."""

    trigger: str = "A01"
    at: datetime = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
    visit: str = "V1001"
    number: str = "9990000018"
    family: str = "Carswell"
    given: str = "Hugh"
    born: str = "19480211"
    ward: str = "M7A"
    hospital: str = "L302H"
    planned: date | None = None
    hiding: str | None = "0"
    died: str = ""
    method: str = ""
    control_id: str = ""
    processing_id: str = "P"
    accept_ack: str = ""
    extra: tuple[str, ...] = ()

    def but(self, **changes: object) -> "Adt":
        return replace(self, **changes)

    def later(self, trigger: str, hours: float = 1, **changes: object) -> "Adt":
        return self.but(trigger=trigger, at=self.at + timedelta(hours=hours), **changes)

    def raw(self) -> bytes:
        stamp = f"{self.at.astimezone(LONDON):%Y%m%d%H%M%S}"
        control_id = self.control_id or f"T{next(_numbers):08d}"
        left = stamp if self.trigger == "A03" else ""
        pv1 = _segment(
            "PV1",
            {
                1: "1",
                2: "I",
                3: f"{self.ward}^^B1^{self.hospital}",
                19: self.visit,
                36: self.method,
                44: stamp if self.trigger == "A01" else "",
                45: left,
            },
        )
        pid = _segment(
            "PID",
            {
                1: "1",
                3: f"{self.number}^^^NHS^NH",
                5: f"{self.family}^{self.given}",
                7: self.born,
                30: self.died,
            },
        )
        segments = [
            f"MSH|^~\\&|TRAK|L302H|TC||{stamp}||ADT^{self.trigger}|{control_id}"
            f"|{self.processing_id}|2.4|||{self.accept_ack}",
            f"EVN|{self.trigger}|{stamp}",
            pid,
            pv1,
        ]
        if self.planned is not None:
            segments.append(_segment("PV2", {9: f"{self.planned:%Y%m%d}"}))
        if self.hiding is not None:
            segments.append(_segment("ZU8", {4: self.hiding}))
        return ("\r".join((*segments, *self.extra)) + "\r").encode()


def _segment(name: str, fields: dict[int, str]) -> str:
    last = max((n for n, value in fields.items() if value), default=0)
    return "|".join([name, *(fields.get(n, "") for n in range(1, last + 1))])


def nhs_numbers(how_many: int) -> list[str]:
    """Numbers of the 999 test range with their check digits (modulus 11)."""
    found: list[str] = []
    body = 999_100_000
    while len(found) < how_many:
        weighed = sum(int(sign) * (10 - n) for n, sign in enumerate(str(body)))
        check = (11 - weighed % 11) % 11
        if check < 10:
            found.append(f"{body}{check}")
        body += 1
    return found
