"""One small hospital with its receivers, and what a bystander who saw everything knows is true."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from alerts.delivery import Accepted, Parcel, Receipt, Unavailable
from alerts.hours import local_date
from alerts.model.alert import OPEN_STATUSES, Task, TaskCode
from alerts.model.events import FactKind, FactRecorded
from alerts.model.register import Registration, Sharing
from alerts.store import claims
from service.database import Database, Rank
from service.dispatch import Hand, Outlet, deliver_next
from service.match_answers import decide_match
from service.pipeline import record_entry
from service.site import load_site
from tests.support.adt import LONDON, Adt
from tests.support.line import TestLine
from tests.support.people import JEAN

Resource = Mapping[str, Any]
HOSPITAL, CENTRE = "fhir", "fhir:LANCARERS"
LIVE = ("M7A", "M4")
PLAN = ("planned", "date-changed")
OPEN = ("requested", "received", "accepted", "in-progress", "on-hold")
STRANGER = Registration(
    registration_id="R-9",
    centre="LANCARERS",
    carer=replace(JEAN.carer, given="Wilma"),
    patient=replace(
        JEAN.patient,
        identifier=replace(JEAN.patient.identifier, value="9990000026"),
        given="Morag",
        family="Other",
        birth_date=date(1950, 1, 1),
    ),
    relationship="DAU",
    agrees_hospital=True,
    agrees_events=True,
    sharing=Sharing.FULL,
    registered_on=date(2026, 3, 3),
)


OF_JOHN = replace(
    STRANGER,
    registration_id="R-J",
    patient=replace(
        JEAN.patient,
        identifier=replace(JEAN.patient.identifier, value="9990000042"),
        given="John",
        family="Namesake",
        birth_date=date(1950, 5, 5),
    ),
)


@dataclass
class Receiver:
    """A FHIR server that now and then is away, or takes a thing and loses the answer."""

    held: dict[str, Resource] = field(default_factory=dict)
    mood: str = "well"
    may_state: Callable[[Resource], bool] = lambda _body: True
    wrongly: list[str] = field(default_factory=list)
    """What arrived though it might not leave at that moment."""
    patience: timedelta = timedelta(seconds=30)

    def send(self, parcel: Parcel) -> Receipt:
        body = json.loads(parcel.payload)
        if not self.may_state(body):
            self.wrongly.append(f"{parcel.kind} {body['status']} was sent and might not be")
        if self.mood in ("well", "answer lost"):
            self.held[body["id"]] = body
        if self.mood == "well":
            return Accepted("taken")
        return Unavailable("no answer", is_in_doubt=self.mood != "away")

    def fault(self) -> str:
        return ""

    def close(self) -> None:
        pass


@dataclass
class Truth:
    """What holds for Hugh Carswell and his wife, by whoever saw all of it."""

    visit: str = ""
    in_hospital: bool = False
    left_at: datetime | None = None
    is_called_off: bool = False
    ward: str = "M7A"
    planned: date | None = None
    died: bool = False
    hiding: str = "0"
    discretion: bool = False
    agrees_hospital: bool = True
    agrees_events: bool = True
    sharing: Sharing = Sharing.FULL
    has_ended: bool = False
    is_of_hugh: bool = True
    carer: str = "Jean"

    @property
    def is_restricted(self) -> bool:
        return self.hiding != "0" or self.discretion

    @property
    def ward_may_know(self) -> bool:
        return self.agrees_hospital and self.is_of_hugh and not self.has_ended

    @property
    def centre_may_know(self) -> bool:
        agreed = self.agrees_events and self.sharing is Sharing.FULL
        return agreed and self.ward_may_know and not self.died and not self.is_restricted

    def registration(self) -> Registration:
        person = JEAN.patient if self.is_of_hugh else STRANGER.patient
        return replace(
            JEAN,
            carer=replace(JEAN.carer, given=self.carer),
            patient=person,
            agrees_hospital=self.agrees_hospital,
            agrees_events=self.agrees_events,
            sharing=self.sharing,
            ended_on=date(2026, 11, 1) if self.has_ended else None,
        )


class World:
    """The line with two receivers, played by hand; ``truth`` is kept beside it."""

    def __init__(self, database: Database) -> None:
        site = load_site(None)
        centres = tuple(
            replace(c, channel="fhir", fhir_url="https://centre.example/fhir")
            if c.code == "LANCARERS"
            else c
            for c in site.centres
        )
        feeds = tuple(replace(f, sending_application="*") for f in site.feeds[:1])
        self.line = TestLine(database, site=replace(site, centres=centres, feeds=feeds))
        self.line.line = replace(self.line.line, has_hospital_server=True)
        self.truth = Truth()
        self.receivers = {HOSPITAL: Receiver(), CENTRE: Receiver(may_state=self.may_state)}
        self.hands = {name: (Hand(), Hand()) for name in self.receivers}
        self.visits = 0
        self.is_said = False
        self.left = datetime.min.replace(tzinfo=UTC)
        self.line.registered(JEAN, OF_JOHN)

    @property
    def now(self) -> datetime:
        return self.line.clock.at

    def later(self, hours: float) -> None:
        self.line.clock.at += timedelta(hours=hours)
        self.line.work()

    def message(self, trigger: str, *, without_visit: bool = False, **changes: object) -> None:
        truth, self.line.clock.at = self.truth, self.now + timedelta(minutes=5)
        told = Adt(
            trigger=trigger,
            at=self.now - timedelta(minutes=1),
            visit=truth.visit,
            ward=truth.ward,
            hiding=truth.hiding,
        ).but(**changes)
        raw = told.raw()
        if without_visit:
            kept = [s for s in raw.split(b"\r") if s[:3] not in (b"PV1", b"PV2", b"ZU8")]
            raw = b"\r".join(kept)
        self.line.take(_with_discretion(raw, truth.discretion))

    def leave_typed_late(self) -> None:
        """The discharge is recorded half an hour after it happened."""
        self.left = self.now - timedelta(minutes=30)
        self.line.clock.at += timedelta(minutes=5)
        raw = self._typed("A03", {"PV1": (45, self.left)})
        self.line.take(_with_discretion(raw, self.truth.discretion))

    def come_back(self) -> None:
        """EVN-6 of the cancel is the time of the discharge that it cancels."""
        self.line.clock.at += timedelta(minutes=5)
        raw = self._typed("A13", {"EVN": (6, self.left)})
        self.line.take(_with_discretion(raw, self.truth.discretion))

    def _typed(self, trigger: str, times: Mapping[str, tuple[int, datetime]]) -> bytes:
        truth = self.truth
        told = Adt(
            trigger=trigger,
            at=self.now - timedelta(minutes=1),
            visit=truth.visit,
            ward=truth.ward,
            hiding=truth.hiding,
        )
        segments = told.raw().split(b"\r")
        for n, segment in enumerate(segments):
            field_of = times.get(segment[:3].decode())
            if field_of:
                place, at = field_of
                fields = segment.split(b"|") + [b""] * 46
                fields[place] = f"{at.astimezone(LONDON):%Y%m%d%H%M%S}".encode()
                segments[n] = b"|".join(fields).rstrip(b"|")
        return b"\r".join(segments)

    def stranger_under_the_same_number(self) -> None:
        """Another hospital's system gives the same visit number to somebody else."""
        self.line.clock.at += timedelta(minutes=5)
        other = Adt(
            at=self.now - timedelta(minutes=1),
            visit=self.truth.visit or "V1",
            number="9990000034",
            family="Third",
            given="Sam",
            born="19610303",
            ward="M4",
        )
        self.line.take(other.raw().replace(b"|TRAK|L302H|", b"|EDSYS|OTHER|", 1))

    def john_comes(self, number: str) -> None:
        """One of two men of the same name and birth date, known by a local number alone."""
        self.line.clock.at += timedelta(minutes=5)
        john = Adt(
            at=self.now - timedelta(minutes=1),
            visit=f"J{number}",
            number=number,
            family="Namesake",
            given="John",
            born="19500505",
            ward="M4",
            planned=local_date(self.now) + timedelta(days=3),
        )
        self.line.take(john.raw().replace(b"^^^NHS^NH", b"^^^LAN^MR"))

    def say_same(self) -> None:
        """A coordinator says of the first who is asked about that it is he, and of no other."""
        asked = [
            a
            for a in self.line.alerts()
            if isinstance(a, Task)
            and a.code is TaskCode.CONFIRM_MATCH
            and a.status in OPEN_STATUSES
        ]
        if asked:
            decide_match(self.line.line, "A. Coordinator", asked[0].id, is_same=not self.is_said)
            self.is_said = True
            self.line.work()

    def may_state(self, body: Resource) -> bool:
        """Whether the centre may be told this now: nothing else leaves, whatever was decided."""
        if body["resourceType"] != "Communication" or body["status"] != "completed":
            return True
        if body["subject"]["identifier"]["value"] != JEAN.registration_id:
            return True
        return event_of(body) in ("cancelled", "withdrawn") or self.truth.centre_may_know

    def register(self) -> None:
        self.line.registered(self.truth.registration())

    def press(self, fact: FactKind) -> None:
        planned = self.truth.planned if fact is FactKind.INFORMED else None
        stay = self.stay_id()
        if stay is not None:
            self.line.clock.at += timedelta(minutes=1)
            told = FactRecorded(fact, JEAN.key, self.now, "S. Mackie", "phone", "Said so", planned)
            record_entry(self.line.line, "S. Mackie", stay, told)
            self.line.work()

    def stay_id(self) -> str | None:
        found = [a for a in self.line.alerts() if a.registration == JEAN.key]
        return found[-1].stay if found else None

    def carry(self, mood: str = "well", times: int = 1, hand: int = 0) -> None:
        for name, receiver in self.receivers.items():
            receiver.mood = mood
            outlet = Outlet(name, receiver)
            for _ in range(times):
                deliver_next(self.line.line, outlet, self.hands[name][hand])

    def take_in_hand(self) -> None:
        """Another carrier claims one at each receiver and dies with it in hand, or not yet."""
        with self.line.database.write(Rank.WORK) as tx:
            for name in self.receivers:
                claims.claim_due(
                    tx, claims.Claim(name, timedelta(seconds=30), 1, self.line.line.under), self.now
                )

    def restart(self) -> None:
        with self.line.database.write(Rank.WORK) as tx:
            claims.release(tx, self.now)

    def settle(self) -> None:
        """Everybody is well again, and everything that waits is carried."""
        self.later(0)
        for _ in range(3):
            if self.unsettled():
                self.later(0.3)
        for _ in range(40):
            before = self.waiting()
            if not before:
                break
            self.carry("well", times=before)
            self.line.clock.at += timedelta(minutes=2)
            self.line.work()

    def waiting(self) -> int:
        return self._count("select count(*) from outbox where state in ('waiting', 'sending')")

    def unsettled(self) -> int:
        """Stays of which old news came that may be followed by newer."""
        return self._count("select count(*) from stay where old_news_at is not null")

    def _count(self, sql: str) -> int:
        with self.line.database.read() as tx:
            return int(tx.exec_driver_sql(sql).scalar_one())

    # What a reader holds.

    def notices(self, registration: str = JEAN.registration_id) -> list[Resource]:
        held = self.receivers[CENTRE].held.values()
        return [
            r
            for r in held
            if r["resourceType"] == "Communication"
            and r["subject"]["identifier"]["value"] == registration
        ]

    def standing(self, registration: str = JEAN.registration_id) -> list[Resource]:
        """What the centre believes: told, and neither in error nor undone by a correction."""
        told = [n for n in self.notices(registration) if n["status"] == "completed"]
        undone = {
            answered["reference"].partition("/")[2]
            for n in told
            if event_of(n) in ("cancelled", "withdrawn")
            for answered in n.get("inResponseTo", ())
        }
        corrections = ("cancelled", "withdrawn")
        return [n for n in told if n["id"] not in undone and event_of(n) not in corrections]

    def tasks(self, receiver: str, code: str) -> list[Resource]:
        held = self.receivers[receiver].held.values()
        return [
            r
            for r in held
            if r["resourceType"] == "Task" and r["code"]["coding"][0]["code"] == code
        ]


def _with_discretion(raw: bytes, is_asked: bool) -> bytes:
    """PV1-16 in every message, as hospitals send it: VIP, or null."""
    segments = raw.split(b"\r")
    for n, segment in enumerate(segments):
        if segment.startswith(b"PV1"):
            fields = segment.split(b"|")
            fields += [b""] * (20 - len(fields))
            fields[16] = b"VIP" if is_asked else b'""'
            segments[n] = b"|".join(fields)
    return b"\r".join(segments)


def event_of(notice: Resource) -> str:
    return str(notice["category"][0]["coding"][0]["code"])


def a_day_ahead(world: World, days: int) -> date:
    return local_date(world.now) + timedelta(days=days)
