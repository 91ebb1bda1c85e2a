"""Any number of realistic hospital stays from a seed: bytes in time order, and what they mean.

Imports none of our packages, so that it can judge them.
"""

import csv
import heapq
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import count
from random import Random
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")
MOST_PEOPLE = 500_000
"""As many numbers of the NHS test range as this numbering gives."""
FIRST = datetime(2026, 11, 2, 0, 0, tzinfo=UTC)
WARDS = ("M7A", "M4", "M12", "M12", "M4", "M9")
_GIVEN = ("Agnes", "Alan", "Bessie", "Colin", "Doris", "Fiona", "Grant", "Hugh", "Isobel", "James")
_FAMILY = ("Aird", "Baird", "Carswell", "Finlay", "Gow", "Hamill", "Kerr", "Laing", "Muir", "Orr")
_COLUMNS = (
    *("registration_id", "centre", "carer_given", "carer_family", "relationship"),
    *("patient_identifier", "patient_given", "patient_family", "patient_birth_date"),
    *("carer_agrees_hospital", "carer_agrees_events", "patient_agrees_sharing", "registered_on"),
)


@dataclass(frozen=True, slots=True)
class Traffic:
    """What kind of hospital: the same traffic always gives the same messages."""

    seed: int = 1
    stays: int = 1_000
    registered: int = 1_000
    """People on the register; see ``register_csv``."""
    share: float = 0.04
    """Part of the stays whose patient has a registered carer."""
    admissions_a_day: int = 600
    first: datetime = FIRST
    """When the first day begins."""
    pace: int = 1
    """Stays are so many times shorter than they are."""


@dataclass(frozen=True, slots=True)
class Person:
    """A patient; those below ``Traffic.registered`` have a carer on the register."""

    number: int
    nhs: str
    given: str
    family: str
    born_on: date


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one message says."""

    trigger: str
    at: datetime
    feed: str
    control_id: str
    visit: str
    nhs: str
    ward: str
    planned_on: date | None
    is_registered: bool
    died: bool


@dataclass(slots=True)
class _Stay:
    """A stay while its messages are written."""

    person: Person
    feed: str
    visit: str
    admitted_at: datetime
    is_registered: bool
    ward: str
    dies: bool
    planned_on: date | None = None


def messages(traffic: Traffic) -> Iterator[tuple[bytes, Meaning]]:
    """Every message of every stay, in time order over all stays."""
    random = Random(traffic.seed)  # noqa: S311 - a seed, no secret
    apart = 86_400 / traffic.admissions_a_day
    numbers = count(1)
    waiting: list[tuple[datetime, int, str, _Stay]] = []
    order = count()
    at = traffic.first
    for index in range(traffic.stays):
        at += timedelta(seconds=random.expovariate(1) * apart)
        while waiting and waiting[0][0] <= at:
            yield _written(heapq.heappop(waiting), next(numbers), random)
        stay = _stay(traffic, index, at, random)
        for moment, trigger in _course(stay, random, traffic.pace):
            heapq.heappush(waiting, (moment, next(order), trigger, stay))
    while waiting:
        yield _written(heapq.heappop(waiting), next(numbers), random)


def register_csv(traffic: Traffic) -> str:
    """The register file of the people who have a carer."""
    out = io.StringIO(newline="")
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(_COLUMNS)
    for number in range(traffic.registered):
        one = person(number)
        rows.writerow(
            (
                *(f"S-{number:07d}", "LANCARERS", _GIVEN[number % 7], one.family, "FAMMEMB"),
                *(f"nhs:{one.nhs}", one.given, one.family, one.born_on.isoformat()),
                *("yes", "yes", "full", "2024-05-20"),
            )
        )
    return out.getvalue()


@lru_cache(maxsize=100_000)
def person(number: int) -> Person:
    """The same number is always the same person."""
    spread = number * 7_919
    born_on = date(1925, 1, 1) + timedelta(days=spread % 25_000)
    given, family = _GIVEN[spread % len(_GIVEN)], _FAMILY[spread // 13 % len(_FAMILY)]
    return Person(number, nhs_number(number), given, family, born_on)


def nhs_number(number: int) -> str:
    """A number of the 999 test range with its check digit (NHS Data Dictionary, modulus 11)."""
    if not 0 <= number < MOST_PEOPLE:
        raise ValueError(f"there are {MOST_PEOPLE} people at most")
    # Two neighbours never both lack a check digit.
    for body in (f"999{2 * number:06d}", f"999{2 * number + 1:06d}"):
        weighed = sum(
            int(digit) * weight for digit, weight in zip(body, range(10, 1, -1), strict=True)
        )
        check = -weighed % 11
        if check < 10:
            return f"{body}{check}"
    raise AssertionError("neighbours differ by two, so one of them has a check digit")


def _stay(traffic: Traffic, index: int, at: datetime, random: Random) -> _Stay:
    is_registered = traffic.registered > 0 and random.random() < traffic.share
    if is_registered:
        number = random.randrange(traffic.registered)
    else:
        number = random.randrange(traffic.registered, MOST_PEOPLE)
    feed = "itk" if index % 4 == 3 else "pas"
    visit = f"V{traffic.seed}{index:08d}"
    ward, dies = random.choice(WARDS), random.random() < 0.015
    return _Stay(person(number), feed, visit, at, is_registered, ward, dies)


def _course(stay: _Stay, random: Random, pace: int) -> Iterator[tuple[datetime, str]]:
    """The moments of one stay: about five messages over some days."""
    admitted_at = stay.admitted_at
    yield admitted_at, "A01"
    length = timedelta(hours=6 + random.expovariate(1) * 60) / pace
    if random.random() < 0.03:
        yield admitted_at + timedelta(hours=1) / pace, "A11"
        return
    for trigger, chance in (("A08", 0.9), ("A02", 0.5), ("A16", 0.7), ("A08", 0.8), ("A25", 0.04)):
        if random.random() < chance:
            yield admitted_at + length * random.uniform(0.05, 0.95), trigger
    left_at = admitted_at + length
    yield left_at, "A03"
    if random.random() < 0.02 and not stay.dies:
        yield left_at + timedelta(minutes=20) / pace, "A13"
        yield left_at + timedelta(hours=5) / pace, "A03"


def _written(
    due: tuple[datetime, int, str, _Stay], number: int, random: Random
) -> tuple[bytes, Meaning]:
    at, _, trigger, stay = due
    at = at.replace(microsecond=0)
    before = stay.ward
    if trigger == "A02":
        stay.ward = random.choice(WARDS)
    elif trigger == "A25":
        stay.planned_on = None
    elif trigger == "A16" or (trigger in ("A01", "A08") and random.random() < 0.3):
        stay.planned_on = at.astimezone(LONDON).date() + timedelta(days=random.randrange(1, 4))
    meaning = Meaning(
        trigger=trigger,
        at=at,
        feed=stay.feed,
        control_id=f"S{number:09d}",
        visit=stay.visit,
        nhs=stay.person.nhs,
        ward=stay.ward,
        planned_on=stay.planned_on if trigger not in ("A03", "A11") else None,
        is_registered=stay.is_registered,
        died=stay.dies and trigger == "A03",
    )
    return _raw(meaning, stay, before), meaning


def _raw(meaning: Meaning, stay: _Stay, before: str) -> bytes:
    """One message of about seven hundred bytes in the dialect of its feed."""
    one, moment, trigger = stay.person, stamp(meaning.at), meaning.trigger
    is_pas = meaning.feed == "pas"
    application, tail = ("TRAK", "AL|NE") if is_pas else ("ITKPAS", "||GBR|UNICODE|||iTKv1.0")
    kind, local = ("^NH", f"LH{one.number:06d}^^^LANMR^MR") if is_pas else ("", "")
    left = moment if trigger == "A03" else ""
    method = ("4" if meaning.died else "1") if left else ""
    planned = f"{meaning.planned_on:%Y%m%d}" if meaning.planned_on else ""
    segments = [
        f"MSH|^~\\&|{application}|L302H|THINKCARER|L302H|{moment}||ADT^{trigger}"
        f"|{meaning.control_id}|P|2.4|||{tail}",
        f"EVN|{trigger}|{moment}||||{moment}",
        f"PID|1||{one.nhs}^^^NHS{kind}{'~' if local else ''}{local}||{one.family}^{one.given}^^^Mr"
        f"||{one.born_on:%Y%m%d}|U|||{one.number % 99 + 1} Sample Street^^Airdrie^^ML6 0XX"
        f"||01698 000{one.number % 1000:03d}",
        f"NK1|1|{one.family}^Jean|SPS|{one.number % 99 + 1} Sample Street^^Airdrie^^ML6 0XX"
        f"|07700 900{one.number % 1000:03d}||N",
        f"PV1|1|I|{stay.ward}^R{one.number % 6}^B{one.number % 28}^L302H|21||"
        f"{before}^^^L302H|C3000001^Sample^Consultant|||300|||||||||{meaning.visit}"
        f"|||||||||||||||||{method}|{'19' if left and not meaning.died else ''}|||||||"
        f"{stamp(stay.admitted_at)}|{left}",
        f"PV2||||||||{moment}|{planned}",
        "ZU8||||0",
    ]
    return ("\r".join(segments) + "\r").encode()


def stamp(at: datetime) -> str:
    """As a feed writes it: London time, to the second."""
    return f"{at.astimezone(LONDON):%Y%m%d%H%M%S}"
