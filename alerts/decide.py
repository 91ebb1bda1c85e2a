"""What should stand for a stay now, compared with what was raised before."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import assert_never

from alerts.model.alert import Alert, Notice, Task, TaskStatus
from alerts.rules import RULES, STAY_RULES
from alerts.rules.gates import Ground, grounds
from alerts.rules.results import TOO_OLD, WAITS, Raise, Result, Suppress, Wake
from alerts.rules.situation import Case, Situation, Whereabouts, whereabouts

__all__ = ["Ground", "Situation", "Unsaid", "Verdict", "decide"]

_NOBODY = Ground("Same person as on the register?", "no", "nobody on the register fits")
_TOLD = "Told as soon as it is due?"


@dataclass(frozen=True, slots=True)
class Unsaid:
    """What would be due about a carer and is not said, and why."""

    registration: str
    """Registration key, empty where it is about the stay alone."""
    suppressed: Suppress


@dataclass(frozen=True, slots=True)
class Verdict:
    """What stands, what of it is new or changed, as whole records, and when to ask again."""

    tasks: tuple[Task, ...]
    notices: tuple[Notice, ...]
    wake_at: datetime | None
    grounds: tuple[Ground, ...]
    standing: tuple[Alert, ...] = ()
    """Everything that was ever raised for the stay, as it stands now."""
    unsaid: tuple[Unsaid, ...] = ()


def decide(situation: Situation) -> Verdict:
    """Ask every rule; asked again without news, the answer is that nothing changes."""
    cases = _cases(situation)
    if not cases and not situation.raised:
        return Verdict((), (), None, (_NOBODY,))
    hearing = _Hearing(situation)
    ruled = tuple(_ruled(case, hearing) for case in cases)
    where = whereabouts(situation.site, situation.stay.place)
    for rule in STAY_RULES:
        hearing.hear("", rule(situation, where, ruled))
    changed = [a for a in hearing.standing.values() if hearing.before.get(a.id) != a]
    return Verdict(
        tasks=tuple(a for a in changed if isinstance(a, Task)),
        notices=tuple(a for a in changed if isinstance(a, Notice)),
        wake_at=min((t for t in hearing.wakes if t > situation.now), default=None),
        grounds=tuple(g for case in cases for g in _grounds(case, hearing)) or (_NOBODY,),
        standing=tuple(hearing.standing.values()),
        unsaid=tuple(hearing.unsaid.values()),
    )


@dataclass(slots=True)
class _Hearing:
    """What the rules have said so far."""

    situation: Situation
    before: dict[str, Alert] = field(init=False)
    standing: dict[str, Alert] = field(init=False)
    wakes: list[datetime] = field(default_factory=list)
    unsaid: dict[tuple[str, str], Unsaid] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.before = {a.id: a for a in self.situation.raised}
        self.standing = dict(self.before)

    def hear(self, about: str, results: Iterable[Result]) -> tuple[Alert, ...]:
        """Take what one rule says of one registration; the records of it that stand."""
        stand = []
        for result in results:
            match result:
                case Raise():
                    alert, kept_back = result.alert, self._kept_back(result)
                    if kept_back is None:
                        self.standing[alert.id] = alert
                        stand.append(alert)
                    else:
                        self._suppress(about, kept_back)
                case Wake():
                    self.wakes.append(result.at)
                case Suppress():
                    self._suppress(about, result)
                case _:
                    assert_never(result)
        return tuple(stand)

    def _suppress(self, about: str, suppressed: Suppress) -> None:
        self.unsaid[about, suppressed.code] = Unsaid(about, suppressed)

    def _kept_back(self, result: Raise) -> Suppress | None:
        """What would begin, and is too old to, or has to wait until old news has settled."""
        alert, now = result.alert, self.situation.now
        if result.at_once or not _begins(self.before.get(alert.id), alert):
            return None
        code = alert.code if isinstance(alert, Task) else alert.event
        if result.useful_until is not None and now > result.useful_until:
            return Suppress(code, TOO_OLD, now - (result.happened_at or result.useful_until))
        if self.situation.settles_at is None:
            return None
        self.wakes.append(self.situation.settles_at)
        return Suppress(code, WAITS)


def _begins(known: Alert | None, alert: Alert) -> bool:
    if known is None:
        return True
    is_called_off = known.status is TaskStatus.CANCELLED
    return is_called_off and alert.status is not TaskStatus.CANCELLED


def _cases(situation: Situation) -> tuple[Case, ...]:
    matches = {m.registration.key: m for m in situation.matches}
    raised: dict[str, list[Alert]] = {key: [] for key in matches}
    for alert in situation.raised:
        if alert.registration is not None:
            raised.setdefault(alert.registration, []).append(alert)
    if not raised:
        return ()
    where: Whereabouts = whereabouts(situation.site, situation.stay.place)
    return tuple(
        Case(situation, key, matches.get(key), where, tuple(raised[key])) for key in sorted(raised)
    )


def _ruled(case: Case, hearing: _Hearing) -> Case:
    """The case after every rule of the nation had its say."""
    for rule in RULES[case.situation.site.nation]:
        stand = {a.id: a for a in hearing.hear(case.key, rule(case))}
        if stand:
            known = {a.id: a for a in case.alerts}
            case = replace(case, alerts=tuple((known | stand).values()))
    return case


def _grounds(case: Case, hearing: _Hearing) -> tuple[Ground, ...]:
    unsaid = [u.suppressed for u in hearing.unsaid.values() if u.registration == case.key]
    why = "; ".join(f"{s.code.value}: {s.words}" for s in unsaid)
    told = Ground(_TOLD, "no" if unsaid else "yes", why or "nothing is kept back", case.key)
    return (*grounds(case), told)
