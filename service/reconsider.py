"""Ask the rules about one stay and keep what they answer: the one way to a Task or notice."""

import json
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from alerts.decide import Ground, Situation, Unsaid, Verdict, decide
from alerts.delivery import INBOX, SMTP, route
from alerts.disclosure.alerts import Telling, disclose
from alerts.matching import binding, match, subjects_of
from alerts.model.alert import (
    Alert,
    Match,
    MatchDecision,
    MatchGrade,
    Notice,
    NoticeStatus,
    RecipientKind,
    Task,
    TaskStatus,
)
from alerts.model.disclosed import DisclosedNotice, DisclosedTask
from alerts.model.doubts import Doubt
from alerts.model.site import Site
from alerts.model.stay import Stay
from alerts.policy import Policy
from alerts.rules.results import TOO_OLD, WAITS
from alerts.settling import Pace, is_old_news, waits_until
from alerts.store import alerts as alert_store
from alerts.store import identity as identity_store
from alerts.store import outbox, register, suppressions
from alerts.store import stays as stay_store
from alerts.store.write_buffer import WriteBuffer
from alerts.telling import Cause, Held, facts_of, is_news, is_over
from ingest import feed_activity
from mapping.fhir import communication, task
from mapping.fhir.systems import Claims
from service import outcomes
from service.metrics import Metrics

_COUNTED = {TOO_OLD: "too-old", WAITS: "waits"}
"""How a reason is counted; every other is ``barred``, so that no figure says which gate it was."""
_OF_RENDERING = frozenset({"meta", "text", "lastModified"})
"""What differs between two renderings of the same thing."""


@dataclass(frozen=True, slots=True)
class Occasion:
    """What made us think again: a journal entry, a person, or (neither) a clock."""

    learned_at: datetime
    entry: int | None = None
    actor: str | None = None
    happened_at: datetime | None = None
    """EVN-2, else MSH-7, of a message; None for persons and clocks."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it, for the engineers' page."""

    words: str
    grounds: tuple[Ground, ...]
    has_news: bool = True
    """There may be something to carry."""
    doubts: tuple[Doubt, ...] = ()
    """What was doubtful in the message, and then in the stay."""

    def as_json(self) -> str:
        """Grounds and doubts as the journal keeps them."""
        return outcomes.as_text(self.grounds, self.doubts)


@dataclass(frozen=True, slots=True)
class Desk:
    """What reconsidering needs besides the stay; for one transaction."""

    site: Site
    policy: Policy
    now: datetime
    metrics: Metrics
    shelf: stay_store.Shelf
    register: register.Candidates
    known: identity_store.Known
    held: dict[str, tuple[Held, ...]]
    """Of stays that were looked up together; each is good until the stay is told something."""
    writes: WriteBuffer
    has_hospital_server: bool = False
    paces: dict[str, Pace] = field(default_factory=dict)
    """What each feed sends just now, of those that were asked about."""


def reconsider(
    tx: Connection, desk: Desk, stay: Stay, last_order: str, occasion: Occasion
) -> Outcome:
    """Decide what should stand for this stay, keep it, queue it, and remember when to ask again."""
    matches, decisions = matches_of(desk, stay)
    held = _take_held(tx, desk, stay)
    told_at = _old_news_at(desk, stay, occasion)
    settles_at = None if told_at is None else _settles_at(tx, desk, stay, told_at)
    raised = tuple(each.alert for each in held)
    here = outbox.here(tx, stay.id) if raised else outbox.Here()
    verdict = decide(
        Situation(
            stay=stay,
            matches=matches,
            raised=raised,
            decisions=decisions,
            policy=desk.policy,
            site=desk.site,
            now=desk.now,
            unsent=here.unsent,
            in_doubt=here.in_doubt,
            settles_at=settles_at,
        )
    )
    unsaid = _kept_unsaid(tx, desk, stay, verdict, occasion)
    old_news_at = None if settles_at is None else told_at
    ahead = stay_store.Ahead(verdict.wake_at, old_news_at, len(verdict.unsaid))
    desk.shelf.save(stay, last_order, ahead)
    by_key = {m.registration.key: m for m in matches}
    known = {each.alert.id: each for each in held}
    turn, has_news = _Turn(tx, desk, occasion), False
    for alert in verdict.standing:
        found = by_key.get(alert.registration or "")
        registration = found.registration if found else None
        telling = Telling(stay, registration, desk.site, desk.now, raised, is_theirs(found))
        has_news |= _tell(turn, alert, known.get(alert.id), telling)
    if not verdict.standing:
        desk.held[stay.id] = held
    return Outcome(_words(verdict, unsaid), verdict.grounds, has_news)


def _take_held(tx: Connection, desk: Desk, stay: Stay) -> tuple[Held, ...]:
    """What is held about the stay; what was looked up is not good once it is told something."""
    held = desk.held.pop(stay.id, None)
    if held is None:
        desk.writes.flush_of((stay.id,))
        held = alert_store.raised_for(tx, (stay.id,))[stay.id]
    return held


def _old_news_at(desk: Desk, stay: Stay, occasion: Occasion) -> datetime | None:
    """When the last old news of the stay came; a fresh message ends the wait, nothing else does."""
    if occasion.happened_at is None:
        known = desk.shelf.load(stay.id)
        return None if known is None else known.old_news_at
    is_old = is_old_news(occasion.happened_at, desk.now, desk.policy)
    return occasion.learned_at if is_old else None


def _settles_at(tx: Connection, desk: Desk, stay: Stay, told_at: datetime) -> datetime | None:
    """When to look again whether all of it was heard; None once it was."""
    if stay.feed not in desk.paces:
        desk.paces[stay.feed] = Pace(*feed_activity.pace(tx, stay.feed, desk.now))
    return waits_until(told_at, desk.paces[stay.feed], desk.now, desk.policy)


def _kept_unsaid(
    tx: Connection, desk: Desk, stay: Stay, verdict: Verdict, occasion: Occasion
) -> tuple[Unsaid, ...]:
    """Keep why what would be due is not said; what of it is new."""
    known = desk.shelf.load(stay.id)
    if not verdict.unsaid and (known is None or not known.unsaid):
        return ()
    new = suppressions.keep(tx, stay.id, verdict.unsaid, desk.now, occasion.entry)
    for unsaid in new:
        code, why = unsaid.suppressed.code, unsaid.suppressed.why
        kind = _COUNTED.get(why, "barred")
        desk.metrics.suppressed.labels(outcomes.label_of(code), kind).inc()
    return new


def is_theirs(match: Match | None) -> bool:
    """The registration is surely this patient's, stands, and may be told to the hospital."""
    if match is None or match.grade is not MatchGrade.CERTAIN:
        return False
    return match.registration.agrees_hospital and not match.ended


def matches_of(desk: Desk, stay: Stay) -> tuple[tuple[Match, ...], tuple[MatchDecision, ...]]:
    """The patient beside everybody on the register that it might be, and what binds them."""
    candidates = desk.register.of(stay.patient)
    if not candidates:
        return (), ()
    said = desk.register.decisions(tuple(c.key for c in candidates))
    subjects = subjects_of(stay)
    matches = match(stay.patient, subjects, candidates, said, desk.now)
    return matches, binding(said, subjects)


@dataclass(frozen=True, slots=True)
class _Turn:
    """One stay being decided: where it is kept, and what made us decide it."""

    tx: Connection
    desk: Desk
    occasion: Occasion

    @property
    def cause(self) -> Cause:
        """What made the versions of this turn."""
        if self.occasion.entry is not None:
            return Cause.MESSAGE
        return Cause.CLOCK if self.occasion.actor is None else Cause.PERSON


def _tell(turn: _Turn, alert: Alert, held: Held | None, telling: Telling) -> bool:
    """Tell its reader anew where what it holds is not what would be disclosed now."""
    disclosed = disclose(alert, telling)
    facts = facts_of(disclosed)
    if held is not None and _is_as_told(turn, alert, held, facts, disclosed):
        return False
    version = 1 if held is None else held.version + 1
    rendered = _rendered(disclosed, turn.desk.site)
    told = alert_store.Version(
        version=version,
        facts=facts,
        rendered=rendered,
        cause=turn.cause,
        at=turn.desk.now,
        by=turn.occasion.actor,
        entry=turn.occasion.entry,
    )
    turn.desk.writes.record(alert, told)
    _send(turn, alert, version)
    return True


def _is_as_told(
    turn: _Turn, alert: Alert, held: Held, facts: str, disclosed: DisclosedTask | DisclosedNotice
) -> bool:
    """Nothing new for the reader; what only we know of it is kept all the same."""
    if not held.facts and is_over(alert) and alert.status is held.alert.status:
        alert_store.adopt(turn.tx, held, facts)  # other words alone are no news of what is over
    elif not held.facts:
        stands = alert_store.rendered(turn.tx, alert.id, held.version)
        if _says(stands or "{}") != _says(_rendered(disclosed, turn.desk.site)):
            return False
        alert_store.adopt(turn.tx, held, facts)
    elif is_news(held, alert, facts):
        return False
    if alert != held.alert:
        alert_store.note(turn.tx, alert)
    return True


def _says(rendered: str) -> dict[str, object]:
    """A rendering without what changes with the clock."""
    return {k: v for k, v in json.loads(rendered).items() if k not in _OF_RENDERING}


def _send(turn: _Turn, alert: Alert, version: int) -> None:
    """Queue a version for its reader; what was not sent yet and is not to be, stays here."""
    tx, desk, entry = turn.tx, turn.desk, turn.occasion.entry
    if isinstance(alert, Notice) and alert.status is not NoticeStatus.COMPLETED:
        outbox.withdraw(tx, alert.id, desk.now)
    if isinstance(alert, Notice) and alert.status is NoticeStatus.NOT_DONE:
        return
    if isinstance(alert, Task) and _is_taken_back(alert):
        outbox.withdraw(tx, alert.id, desk.now)
        if not outbox.is_out(tx, alert.id):
            return  # the centre never had it
    way = route(alert.recipient, desk.site, desk.has_hospital_server)
    if way.channel == SMTP and version > 1 and outbox.is_out(tx, alert.id):
        return  # an e-mail holds a link only: it leads to the version that stands
    desk.writes.put(
        outbox.Posting(
            alert=alert.id,
            stay=alert.stay,
            kind=kind_of(alert),
            version=version,
            recipient=alert.recipient,
            route=way,
            entry=entry,
            is_sent=isinstance(alert, Notice) and way.channel == INBOX,
        )
    )
    code = alert.code if isinstance(alert, Task) else alert.event
    desk.metrics.decided.labels(kind_of(alert), outcomes.label_of(code)).inc()


def _is_taken_back(task: Task) -> bool:
    """A centre's Task that is not to be done: what waits of it says that it is, and must not go."""
    return task.recipient.kind is RecipientKind.CENTRE and task.status is TaskStatus.CANCELLED


def kind_of(alert: Alert) -> str:
    """The FHIR resource that carries it."""
    return "Task" if isinstance(alert, Task) else "Communication"


def _rendered(disclosed: DisclosedTask | DisclosedNotice, site: Site) -> str:
    claims = Claims(site.claim_draft_profiles, site.chi_system)
    if isinstance(disclosed, DisclosedTask):
        return task.render(disclosed, claims)
    return communication.render(disclosed, claims)


def _words(verdict: Verdict, unsaid: tuple[Unsaid, ...]) -> str:
    """What came of it in one line, and what newly did not; without a person in it."""
    tasks = [f"Task {t.code.value} {t.status.value}" for t in verdict.tasks]
    notices = [f"notice {n.event.value} {n.status.value}" for n in verdict.notices]
    kept_back = [f"{u.suppressed.code.value} not told: {u.suppressed.words}" for u in unsaid]
    return ", ".join(tasks + notices + kept_back) or "No change for anybody"
