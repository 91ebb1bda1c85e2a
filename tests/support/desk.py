"""Builders with fixed defaults, and a small store of what was raised."""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from alerts.decide import Situation, Verdict, decide
from alerts.hours import LONDON
from alerts.matching import binding, match, subjects_of
from alerts.model.alert import (
    OPEN_STATUSES,
    Alert,
    MatchDecision,
    Notice,
    NoticeStatus,
    Task,
    TaskCode,
)
from alerts.model.events import (
    AdtEvent,
    Answer,
    Answered,
    EventKind,
    FactKind,
    FactRecorded,
    PatientChange,
    PatientClass,
    Place,
    PlannedDate,
    StayEvent,
)
from alerts.model.identity import Identifier, IdentifierKind
from alerts.model.register import CaredFor, Carer, Registration, Sharing
from alerts.model.site import Centre, Feed, Hospital, Nation, NoticeEvent, Site, Ward
from alerts.model.stay import Stay
from alerts.movements import refold
from alerts.policy import policy_from

NUMBER = Identifier(IdentifierKind.NHS, "9990000018")
OTHER_NUMBER = Identifier(IdentifierKind.NHS, "9990000026")
WARD_7A = Place("L302H", "M7A", "1", "B1")
WARD_4 = Place("L302H", "M4", "2", "B7")
SILENT_WARD = Place("L302H", "M9")
STRANGE_WARD = Place("L302H", "ZZ")
MONDAY = datetime(2026, 11, 16, 9, tzinfo=UTC)
"""Nothing special: GMT, no bank holiday near but Scotland's on 30 November."""
ALL_EVENTS = tuple(NoticeEvent)
PATIENT = PatientChange(
    identifiers=(NUMBER,), family="Doig", given="Hugh", birth_date=date(1941, 5, 6)
)


def at(hours: float) -> datetime:
    """So many hours after Monday 16 November 2026, 09:00."""
    return MONDAY + timedelta(hours=hours)


def london(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    """A local time as an instant in UTC."""
    return datetime(year, month, day, hour, minute, tzinfo=LONDON).astimezone(UTC)


def a_site(**changes) -> Site:
    """One hospital with two live wards and a silent one, one centre that listens to all."""
    site = Site(
        name="Test",
        nation=Nation.SCOTLAND,
        default_centre="LANCARERS",
        hospitals=(Hospital("L302H", "Monklands", "01698 000020"),),
        wards=(
            Ward("M7A", "L302H", "Ward 7A"),
            Ward("M4", "L302H", "Ward 4"),
            Ward("M9", "L302H", "Ward 9", live=False),
        ),
        centres=(Centre("LANCARERS", "Lanarkshire Carers", events=ALL_EVENTS),),
        feeds=(Feed("pas"),),
    )
    return replace(site, **changes)


def a_centre(*events: NoticeEvent) -> tuple[Centre, ...]:
    """The centre, listening to these events only."""
    return (Centre("LANCARERS", "Lanarkshire Carers", events=events),)


def a_registration(**changes) -> Registration:
    """Ann looks after Hugh, and everybody agreed to everything."""
    registration = Registration(
        registration_id="R1",
        centre="LANCARERS",
        carer=Carer("Ann", "Smith"),
        patient=CaredFor(NUMBER, "Hugh", "Doig", date(1941, 5, 6)),
        relationship="DAU",
        agrees_hospital=True,
        agrees_events=True,
        sharing=Sharing.FULL,
        registered_on=date(2025, 1, 1),
    )
    return replace(registration, **changes)


def a_message(kind: EventKind, hours: float, **changes) -> AdtEvent:
    """A message of that kind so many hours after Monday 09:00."""
    event = AdtEvent(
        kind=kind,
        occurred_at=at(hours),
        recorded_at=at(hours),
        sent_at=at(hours),
        control_id=f"MSG{int(hours * 10)}",
        feed="pas",
        visit="V1",
        patient=PATIENT,
        place=WARD_7A,
        patient_class=PatientClass.INPATIENT,
        admitted_at=at(0),
    )
    return replace(event, **changes)


def a01(hours: float = 0, **changes) -> AdtEvent:
    """An admission."""
    return a_message(EventKind.ADMITTED, hours, **changes)


def a02(hours: float, place: Place = WARD_4, **changes) -> AdtEvent:
    """A transfer."""
    return a_message(EventKind.TRANSFERRED, hours, place=place, **changes)


def a03(hours: float, **changes) -> AdtEvent:
    """A discharge."""
    return a_message(EventKind.DISCHARGED, hours, **changes)


def a08(hours: float, **changes) -> AdtEvent:
    """An update."""
    return a_message(EventKind.UPDATED, hours, **changes)


def a11(hours: float, **changes) -> AdtEvent:
    """A cancelled admission."""
    return a_message(EventKind.ADMISSION_CANCELLED, hours, **changes)


def a13(hours: float, **changes) -> AdtEvent:
    """A cancelled discharge."""
    return a_message(EventKind.DISCHARGE_CANCELLED, hours, **changes)


def a16(hours: float, on: date, **changes) -> AdtEvent:
    """A planned date of discharge."""
    return a_message(EventKind.DISCHARGE_PLANNED, hours, planned=PlannedDate(on), **changes)


def a25(hours: float, **changes) -> AdtEvent:
    """A cancelled plan."""
    return a_message(EventKind.PLAN_CANCELLED, hours, **changes)


def a_fact(fact: FactKind, hours: float, **changes) -> FactRecorded:
    """A proof that the ward recorded."""
    entry = FactRecorded(fact, "LANCARERS/R1", at(hours), "S. Mackie", "phone", "By phone")
    return replace(entry, **changes)


def all_proofs(hours: float) -> tuple[FactRecorded, ...]:
    """The four proofs at one time."""
    return tuple(
        a_fact(f, hours)
        for f in (FactKind.INFORMED, FactKind.INVITED, FactKind.VIEWS, FactKind.ACCOUNT_TAKEN)
    )


@dataclass
class Desk:
    """Keeps what was raised, as the store does; told each event as it arrives."""

    site: Site = field(default_factory=a_site)
    register: tuple[Registration, ...] = field(default_factory=lambda: (a_registration(),))
    decisions: tuple[MatchDecision, ...] = ()
    policy: dict[str, float] = field(default_factory=dict)
    now: datetime = MONDAY
    settles_at: datetime | None = None
    unsent: frozenset[str] = frozenset()
    in_doubt: frozenset[str] = frozenset()
    events: list[StayEvent] = field(default_factory=list)
    raised: dict[str, Alert] = field(default_factory=dict)
    wake_at: datetime | None = None
    unsaid: dict[str, str] = field(default_factory=dict)
    """What is not said, and why."""

    @property
    def stay(self) -> Stay:
        """The stay of all that arrived."""
        return refold(self.events)

    def tell(self, *events: StayEvent) -> "Desk":
        """Take events in this order of arrival, each decided on its own at its own time."""
        for event in events:
            self.events.append(event)
            when = event.occurred_at if isinstance(event, AdtEvent) else event.at
            self.now = max(self.now, when)
            self.ask()
        return self

    def ask(self, now: datetime | None = None) -> Verdict:
        """Decide again, perhaps at a later time, and prove that asking twice changes nothing."""
        self.now = now or self.now
        verdict = decide(self.situation())
        self.raised |= {a.id: a for a in (*verdict.tasks, *verdict.notices)}
        self.wake_at = verdict.wake_at
        self.unsaid = {u.suppressed.code.value: u.suppressed.words for u in verdict.unsaid}
        again = decide(self.situation())
        assert (again.tasks, again.notices) == ((), ())
        return verdict

    def situation(self) -> Situation:
        """What the rules see."""
        stay = self.stay
        subjects = subjects_of(stay)
        return Situation(
            stay=stay,
            matches=match(stay.patient, subjects, self.register, self.decisions, self.now),
            raised=tuple(self.raised.values()),
            policy=policy_from(self.policy),
            site=self.site,
            now=self.now,
            settles_at=self.settles_at,
            decisions=binding(self.decisions, subjects),
            unsent=self.unsent,
            in_doubt=self.in_doubt,
        )

    def answer(self, alert: Alert, answer: Answer, hours: float) -> "Desk":
        """A person pressed a button."""
        return self.tell(Answered(alert.id, answer, at(hours), "somebody"))

    def tasks(self, code: TaskCode) -> list[Task]:
        """Every Task of that code."""
        return [a for a in self.raised.values() if isinstance(a, Task) and a.code is code]

    def task(self, code: TaskCode) -> Task:
        """The one Task of that code."""
        (found,) = self.tasks(code)
        return found

    def notices(self, event: NoticeEvent) -> list[Notice]:
        """Every notice of that event."""
        return [a for a in self.raised.values() if isinstance(a, Notice) and a.event is event]

    def said(self) -> list[str]:
        """Notices and Tasks in words: ``notice planned completed``, ``involve-carer requested``."""
        words = []
        for alert in self.raised.values():
            if isinstance(alert, Task):
                words.append(f"{alert.code.value} {alert.status.value}")
            else:
                words.append(f"notice {alert.event.value} {alert.status.value}")
        return sorted(words)

    def open_tasks(self) -> set[tuple[str, str, str]]:
        """What desks are asked now: code, registration, recipient and status."""
        return {
            (a.code.value, a.registration or "", f"{a.recipient.code} {a.status.value}")
            for a in self.raised.values()
            if isinstance(a, Task) and a.status in OPEN_STATUSES
        }

    def belief(self) -> dict[str, object]:
        """What the centre believes: the planned date and whether the patient left."""
        told: dict[str, Notice] = {}
        for alert in self.raised.values():
            if not isinstance(alert, Notice) or alert.status is not NoticeStatus.COMPLETED:
                continue
            if alert.event in (NoticeEvent.CANCELLED, NoticeEvent.WITHDRAWN):
                for answered in alert.in_response_to:
                    told.pop(answered, None)
            else:
                told[alert.id] = alert
        events = {n.event for n in told.values()}
        plans = [n.planned_on for n in told.values() if n.planned_on]
        has_left = NoticeEvent.DISCHARGED in events
        return {"has_left": has_left, "planned_on": plans[-1] if plans and not has_left else None}
