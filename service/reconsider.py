"""Ask the rules about one stay and keep what they answer: the one way to a Task or notice."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from alerts.decide import Ground, Situation, Verdict, decide
from alerts.delivery import INBOX, route
from alerts.disclosure import Telling, disclose
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
from alerts.model.register import Registration
from alerts.model.site import Site
from alerts.model.stay import Stay
from alerts.policy import Policy
from alerts.store import alerts as alert_store
from alerts.store import outbox, register
from alerts.store import stays as stay_store
from mapping.fhir import communication, task
from mapping.fhir.systems import Claims
from service import outcomes
from service.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Occasion:
    """What made us think again: a journal entry, a person, or (neither) a clock."""

    learned_at: datetime
    entry: int | None = None
    actor: str | None = None
    happened_at: datetime | None = None
    """When the hospital says that it happened; None for persons and clocks, never stale."""


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
    raised: dict[str, tuple[Alert, ...]]
    """Of stays that were looked up together; each is good until it is asked for."""
    has_hospital_server: bool = False


def reconsider(
    tx: Connection, desk: Desk, stay: Stay, last_order: str, occasion: Occasion
) -> Outcome:
    """Decide what should stand for this stay, keep it, queue it, and remember when to ask again."""
    matches, decisions = matches_of(tx, desk, stay)
    raised = desk.raised.pop(stay.id, None)
    if raised is None:
        raised = alert_store.raised_for(tx, (stay.id,))[stay.id]
    happened = occasion.happened_at
    verdict = decide(
        Situation(
            stay=stay,
            matches=matches,
            raised=raised,
            decisions=decisions,
            policy=desk.policy,
            site=desk.site,
            now=desk.now,
            unsent=frozenset(outbox.unsent(tx, stay.id)) if raised else frozenset(),
            is_stale=happened is not None
            and desk.now - happened > timedelta(hours=desk.policy.stale_after),
        )
    )
    desk.shelf.save(stay, last_order, verdict.wake_at)
    registrations = {m.registration.key: m.registration for m in matches}
    certain = {m.registration.key for m in matches if m.grade is MatchGrade.CERTAIN}
    changed: tuple[Alert, ...] = (*verdict.tasks, *verdict.notices)
    for alert in changed:
        about = registrations.get(alert.registration or "") or _registered(tx, alert)
        is_theirs = alert.registration in certain
        telling = Telling(stay, about, desk.site, desk.now, raised, is_theirs)
        _tell(tx, desk, alert, telling, occasion)
    return Outcome(_words(verdict), verdict.grounds, bool(changed))


def matches_of(
    tx: Connection, desk: Desk, stay: Stay
) -> tuple[tuple[Match, ...], tuple[MatchDecision, ...]]:
    """The patient beside everybody on the register that it might be, and what binds them."""
    candidates = desk.register.of(stay.patient)
    if not candidates:
        return (), ()
    said = register.decisions(tx, tuple(c.key for c in candidates))
    subjects = subjects_of(stay)
    matches = match(stay.patient, subjects, candidates, said, desk.now)
    return matches, binding(said, subjects)


def _tell(tx: Connection, desk: Desk, alert: Alert, telling: Telling, occasion: Occasion) -> None:
    """Keep one new or changed Task or notice and queue its finished bytes."""
    disclosed = disclose(alert, telling)
    rendered = _rendered(disclosed, desk.site)
    version = alert_store.record(tx, alert, rendered, occasion.entry, desk.now)
    if version is None:
        return
    if isinstance(alert, Notice) and alert.status is not NoticeStatus.COMPLETED:
        outbox.withdraw(tx, alert.id, desk.now)
    if isinstance(alert, Notice) and alert.status is NoticeStatus.NOT_DONE:
        return
    if isinstance(alert, Task) and _is_taken_back(alert):
        outbox.withdraw(tx, alert.id, desk.now)
        if not outbox.is_out(tx, alert.id):
            return  # the centre never had it
    way = route(alert.recipient, desk.site, desk.has_hospital_server)
    outbox.put(
        tx,
        outbox.Posting(
            alert=alert.id,
            stay=alert.stay,
            kind=kind_of(alert),
            version=version,
            recipient=alert.recipient,
            route=way,
            payload=rendered,
            entry=occasion.entry,
        ),
        desk.now,
        sent=isinstance(alert, Notice) and way.channel == INBOX,
    )
    code = alert.code if isinstance(alert, Task) else alert.event
    desk.metrics.decided.labels(kind_of(alert), code.value).inc()


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


def _registered(tx: Connection, alert: Alert) -> Registration | None:
    return None if alert.registration is None else register.get(tx, alert.registration)


def _words(verdict: Verdict) -> str:
    """What came of it in one line, without a person in it."""
    tasks = [f"Task {t.code.value} {t.status.value}" for t in verdict.tasks]
    notices = [f"notice {n.event.value} {n.status.value}" for n in verdict.notices]
    return ", ".join(tasks + notices) or "No change for anybody"
