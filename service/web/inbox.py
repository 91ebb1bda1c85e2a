"""A centre's inbox in words: whom to contact, what is new, what was dealt with of late."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import assert_never

from alerts.disclosure.alerts import LATE, WITHDRAWAL
from alerts.model.alert import Notice, NoticeStatus, Task, TaskCode, TaskStatus
from alerts.model.events import Answer
from alerts.model.register import Registration
from alerts.model.site import NoticeEvent, Site
from service.web import contact
from service.web.queries.bedsides import OPEN
from service.web.queries.inboxes import Item
from service.web.words import Clock

SEEN = ("We have seen this", "seen")
SPOKE = ("Spoke to them", "contacted")
TRIED = ("No reply", "no-reply")
DECLINED = ("Said no thanks", "declined")
ANSWERS = {
    "seen": Answer.SEEN,
    "contacted": Answer.CONTACTED,
    "no-reply": Answer.NO_REPLY,
    "declined": Answer.DECLINED,
}
_SAID = {
    Answer.SEEN: "Seen",
    Answer.CONTACTED: "Spoke to them",
    Answer.NO_REPLY: "No reply",
    Answer.DECLINED: "Said no thanks",
}


@dataclass(frozen=True, slots=True)
class Card:
    """One item. ``edge``: late, due, gone or empty; ``facts`` are pairs of word and value."""

    id: str
    seen: int
    """How often it was answered when this was printed."""
    name: str
    head: str
    edge: str = ""
    clock: str = ""
    by: str = ""
    stop: str = ""
    """What comes before all else: that nobody is to act."""
    meta: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    buttons: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Cards:
    """The parts of the inbox, in the order in which they are read."""

    urgent: tuple[Card, ...]
    stopped: tuple[Card, ...]
    """Nobody is to act on what was sent before."""
    to_contact: tuple[Card, ...]
    news: tuple[Card, ...]
    handled: tuple[Card, ...]


@dataclass(frozen=True, slots=True)
class Paper:
    """What every card is written on: the site, the time and the notices that stand around."""

    site: Site
    clock: Clock
    told: dict[str, Notice]


def cards(items: tuple[Item, ...], site: Site, clock: Clock) -> Cards:
    """One card a carer and stay, with the newest; what it overtakes is not stated any more."""
    told = {i.alert.id: i.alert for i in items if isinstance(i.alert, Notice)}
    paper = Paper(site, clock, told)
    asked: list[tuple[str, Card]] = []
    news: list[Card] = []
    handled: list[Card] = []
    followed: set[str | None] = set()
    for item in items:
        if isinstance(item.alert, Task) and item.alert.code is TaskCode.CONTACT_CARER:
            if item.alert.status.value in OPEN:
                due_at = item.alert.due_at
                asked.append((f"{due_at or '~'}", _contact(item, item.alert, paper)))
                followed.add(item.alert.focus)
            elif item.alert.status is TaskStatus.COMPLETED:
                handled.append(_done(item, clock))
                followed.add(item.alert.focus)
    for item in _newest(items):
        if isinstance(item.alert, Notice) and item.alert.id not in followed:
            into = handled if item.alert.seen_at else news
            into.append(_news(item, item.alert, paper))
    by_due = [card for _, card in sorted(asked, key=lambda dated: dated[0])]
    return Cards(
        urgent=tuple(card for card in by_due if card.clock == "late"),
        to_contact=tuple(card for card in by_due if card.clock != "late"),
        stopped=tuple(card for card in reversed(news) if card.stop),
        news=tuple(card for card in reversed(news) if not card.stop),
        handled=tuple(reversed(handled)),
    )


def thread(items: Iterable[Item], about: Item) -> tuple[Item, ...]:
    """Every notice about the same carer and stay that stands, the oldest first."""
    pair = (about.alert.stay, about.alert.registration)
    return tuple(
        i
        for i in items
        if isinstance(i.alert, Notice)
        and (i.alert.stay, i.alert.registration) == pair
        and i.alert.status is NoticeStatus.COMPLETED
    )


def _newest(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """Of each carer and stay the newest notice, in the order of the items."""
    found = {(i.alert.stay, i.alert.registration): thread(items, i)[-1:] for i in items}
    newest = {item.alert.id for last in found.values() for item in last}
    return tuple(item for item in items if item.alert.id in newest)


def _contact(item: Item, task: Task, paper: Paper) -> Card:
    clock, name = paper.clock, _name(item.registration)
    told = paper.told.get(task.focus or "")
    left = f" on {clock.half_day(told.happened_at)}" if told and told.happened_at else ""
    is_late = clock.is_late(task.due_at)
    words = clock.due(task.due_at) if task.due_at else ""
    tries = [a for a in item.answers if a.answer is Answer.NO_REPLY]
    return Card(
        id=task.id,
        seen=len(item.answers),
        name=name,
        head=f"{name}: the person they help left hospital{left}",
        edge="late" if is_late else "due",
        clock=("late" if is_late else "due") if words else "",
        by=words.replace("Overdue since", "Contact was due"),
        meta=(
            *((LATE,) if task.late else ()),
            *(f"First try {clock.time(a.at)}, no reply" for a in tries[:1]),
        ),
        facts=_facts(item, paper.site),
        buttons=(*(() if item.answers else (SEEN,)), SPOKE, TRIED, DECLINED),
    )


def _news(item: Item, notice: Notice, paper: Paper) -> Card:
    name = _name(item.registration)
    is_withdrawn = notice.event is NoticeEvent.WITHDRAWN or item.is_shut
    is_gone = notice.event is NoticeEvent.CANCELLED
    return Card(
        id=notice.id,
        seen=len(item.answers),
        name=name,
        head=name if is_withdrawn else _head(notice, name, paper),
        edge="gone" if is_gone and not is_withdrawn else "",
        stop=WITHDRAWAL if is_withdrawn else "",
        meta=() if is_withdrawn else (_meta(notice, paper),),
        facts=() if is_gone and not is_withdrawn else _facts(item, paper.site, not is_withdrawn),
        buttons=() if notice.seen_at else (SEEN,),
    )


def _head(notice: Notice, name: str, paper: Paper) -> str:
    clock = paper.clock
    match notice.event:
        case NoticeEvent.PLANNED | NoticeEvent.DATE_CHANGED:
            if notice.planned_on is None or notice.planned_on < clock.today:
                return f"{name}: the planned date has passed"
            now = "now " if notice.event is NoticeEvent.DATE_CHANGED else ""
            day = clock.short_day(notice.planned_on)
            return f"{name}: the person they help is {now}planned to leave hospital on {day}"
        case NoticeEvent.DISCHARGED:
            on = f" on {clock.half_day(notice.happened_at)}" if notice.happened_at else ""
            return f"{name}: the person they help left hospital{on}"
        case NoticeEvent.CANCELLED:
            return f"Cancelled: {name}. {_undone(_answered(notice, paper))}"
        case NoticeEvent.WITHDRAWN:
            return name
        case _:
            assert_never(notice.event)


def _meta(notice: Notice, paper: Paper) -> str:
    clock = paper.clock
    if notice.event is NoticeEvent.CANCELLED:
        times = [clock.time(n.decided_at) for n in _answered(notice, paper)]
        replaced = f"Replaces the notice of {' and of '.join(times)}. " if times else ""
        return f"{replaced}Nothing to do"
    word = "Changed" if notice.event is NoticeEvent.DATE_CHANGED else "Sent"
    late = f". {LATE}" if notice.late else ""
    return f"{word} {clock.time(notice.decided_at)}{late}"


def _answered(notice: Notice, paper: Paper) -> list[Notice]:
    found = [paper.told[n] for n in notice.in_response_to if n in paper.told]
    return sorted(found, key=lambda n: n.decided_at)


def _undone(earlier: Iterable[Notice]) -> str:
    events = {n.event for n in earlier}
    if events == {NoticeEvent.DISCHARGED}:
        return "The discharge did not happen"
    if events and NoticeEvent.DISCHARGED not in events:
        return "There is no planned date now"
    return "What we sent is not so any more"


def _done(item: Item, clock: Clock) -> Card:
    last = item.answers[-1] if item.answers else None
    said = f"{_SAID.get(last.answer, 'Done')}, {clock.time(last.at)}, {last.by}" if last else "Done"
    name = _name(item.registration)
    return Card(
        id=item.alert.id,
        seen=len(item.answers),
        name=name,
        head=f"{name}: contact after leaving hospital",
        edge="gone",
        meta=(said,),
    )


def _name(registration: Registration | None) -> str:
    if registration is None:
        return "A carer who is no longer on your register"
    young = ", young carer" if registration.carer.is_young else ""
    return f"{registration.carer.given} {registration.carer.family}{young}"


def _facts(item: Item, site: Site, with_carer: bool = True) -> tuple[tuple[str, str], ...]:
    registration = item.registration if with_carer else None
    facts: list[tuple[str, str]] = []
    if registration is not None:
        carer = registration.carer
        facts += [
            ("Contact", contact.who(registration)),
            ("How", contact.how(carer)),
            ("When", _begun(carer.contact_times or "any time")),
        ]
        if registration.preferred_service and not carer.is_young:
            facts.append(("Asks for", _begun(registration.preferred_service)))
        if registration.has_emergency_plan:
            facts.append(("Plan", "You hold an emergency plan"))
    hospital = site.hospital(item.hospital)
    if hospital is not None:
        phone = f", {hospital.hub_phone}" if hospital.hub_phone else ""
        facts.append(("Hospital", f"{hospital.name} discharge hub{phone}"))
    return tuple(facts)


def _begun(words: str) -> str:
    """With a capital, as the first words of a line."""
    return words[:1].upper() + words[1:]
