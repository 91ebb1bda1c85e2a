"""What should stand for a stay now, compared with what was raised before."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from alerts.hours import at_hour
from alerts.model.alert import OPEN_STATUSES, Alert, Match, Notice, Task, TaskCode
from alerts.rules import RULES, STAY_RULES
from alerts.rules.gates import Ground, grounds
from alerts.rules.situation import Case, Situation, Whereabouts, whereabouts

__all__ = ["Ground", "Situation", "Verdict", "decide"]

_NOBODY = Ground("Same person as on the register?", "no", "nobody on the register fits")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What stands, what of it is new or changed, as whole records, and when to ask again."""

    tasks: tuple[Task, ...]
    notices: tuple[Notice, ...]
    wake_at: datetime | None
    grounds: tuple[Ground, ...]
    standing: tuple[Alert, ...] = ()
    """Everything that was ever raised for the stay, as it stands now."""


def decide(situation: Situation) -> Verdict:
    """Ask every rule; asked again without news, the answer is that nothing changes."""
    cases = _cases(situation)
    if not cases and not situation.raised:
        return Verdict((), (), None, (_NOBODY,))
    where = whereabouts(situation.site, situation.stay.place)
    ruled = tuple(_ruled(case) for case in cases)
    standing = {a.id: a for a in situation.raised}
    for case in ruled:
        standing |= {a.id: a for a in case.alerts}
    for rule in STAY_RULES:
        standing |= {a.id: a for a in rule(situation, where, ruled)}
    before = {a.id: a for a in situation.raised}
    changed = [a for a in standing.values() if before.get(a.id) != a]
    return Verdict(
        tasks=tuple(a for a in changed if isinstance(a, Task)),
        notices=tuple(a for a in changed if isinstance(a, Notice)),
        wake_at=_wake_at(situation, standing),
        grounds=tuple(g for case in cases for g in grounds(case)) or (_NOBODY,),
        standing=tuple(standing.values()),
    )


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


def _ruled(case: Case) -> Case:
    """The case after every rule of the nation had its say."""
    for rule in RULES[case.situation.site.nation]:
        answered = {a.id: a for a in rule(case)}
        if answered:
            known = {a.id: a for a in case.alerts}
            case = replace(case, alerts=tuple((known | answered).values()))
    return case


def _wake_at(situation: Situation, standing: dict[str, Alert]) -> datetime | None:
    tasks = [a for a in standing.values() if isinstance(a, Task) and a.status in OPEN_STATUSES]
    times = [t.due_at for t in tasks if t.due_at is not None]
    left_at = situation.stay.discharged_at
    if left_at is not None and any(t.code is TaskCode.CONFIRM_MATCH for t in tasks):
        # A doubt about somebody who left is dropped once it is no news any more.
        times.append(left_at + timedelta(hours=situation.policy.stale_after, seconds=1))
    times += [at_hour(day, 0) for match in situation.matches for day in _last_days(match)]
    return min((t for t in times if t > situation.now), default=None)


def _last_days(match: Match) -> Iterator[date]:
    """Days on which an agreement is another than the day before."""
    registration = match.registration
    if registration.ended_on is not None:
        yield registration.ended_on
    if registration.passport_expires_on is not None:
        yield registration.passport_expires_on + timedelta(days=1)
