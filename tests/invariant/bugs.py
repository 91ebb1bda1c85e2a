"""Bugs that would let somebody hold what is not so, put in so that the judge can be judged."""

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from alerts import cancels, identity, matching, movements
from alerts.model.site import Nation
from alerts.rules import RULES
from alerts.store import claims, outbox
from mapping.hl7 import events as hl7_events
from service import match_answers, pipeline, reconsider
from service.web.queries import persons

Patch = pytest.MonkeyPatch
corrections: Any = sys.modules["alerts.rules.corrections"]  # the rule has the module's name


def compared_with_the_record(patch: Patch) -> None:
    """Whether it has changed is asked of our own record, not of what was disclosed."""

    def same(_turn: object, alert: object, held: Any, *_rest: object) -> bool:
        return bool(alert == held.alert)

    patch.setattr(reconsider, "_is_as_told", same)


def corrected_while_open_only(patch: Patch) -> None:
    """Nothing is taken back of a stay that has ended."""
    honest = corrections.corrections

    def lazy(case: Any) -> Any:
        return honest(case) if case.stay.is_open else ()

    rules = tuple(lazy if each is honest else each for each in RULES[Nation.SCOTLAND])
    patch.setitem(RULES, Nation.SCOTLAND, rules)


def numbers_without_authority(patch: Patch) -> None:
    """A visit number names one stay, whoever gave it."""

    def any_of_them(event: Any, _patient: str, around: Any) -> Any:
        found = [around.stays[v.stay] for v in around.visits if v.stay in around.stays]
        return next(iter(found), None)

    patch.setattr(identity, "_visited", any_of_them)
    patch.setattr(identity, "is_another", lambda *_: False)


def carer_beside_a_restriction(patch: Patch) -> None:
    """A restriction hides the carer in the Task and forgets the resource beside it."""
    patch.setattr(persons, "_names_carer", lambda *_: True)


def doubtful_ones_repeated(patch: Patch) -> None:
    """What may have arrived is sent again as it was, whatever has changed since."""
    never = outbox.outbox_table.c.in_doubt.is_(False)
    patch.setattr(outbox, "_OVERTAKE", outbox._OVERTAKE.where(never))
    patch.setattr(claims, "_OVERTAKEN_LEFT", claims._OVERTAKEN_LEFT.where(never))
    patch.setattr(claims, "_OVERTAKEN_IN_HAND", claims._OVERTAKEN_IN_HAND.where(never))


def answers_for_a_name(patch: Patch) -> None:
    """An answer about one patient binds everybody of that name and birth date."""

    def named(stay: Any) -> str:
        person = stay.patient
        return f"{person.family}|{person.given}|{person.birth_date}"

    def without_numbers(patient: Any, person: Any, *_rest: Any) -> str:
        return f"{person.family}|{person.birth_date}".ljust(64, "0")

    for module in (matching, match_answers, reconsider):
        if hasattr(module, "subject_of"):
            patch.setattr(module, "subject_of", named)
        if hasattr(module, "subjects_of"):
            patch.setattr(module, "subjects_of", lambda stay: (named(stay),))
        if hasattr(module, "fingerprint_of"):
            patch.setattr(module, "fingerprint_of", without_numbers)


def cancels_sorted_by_what_they_cancel(patch: Patch) -> None:
    """EVN-6 of a cancel is taken for its own time, and pairs with nothing."""
    honest = hl7_events.times_of

    def by_evn_6(*asked: Any) -> Any:
        times = honest(*asked)
        if times.cancels_at is None:
            return times
        return replace(times, occurred_at=times.cancels_at, cancels_at=None)

    patch.setattr(hl7_events, "times_of", by_evn_6)
    patch.setattr(movements, "as_read_now", lambda event: event)
    patch.setattr(cancels, "_named", lambda *_: [])


def deaths_of_persons_unheard(patch: Patch) -> None:
    """A message about the person changes no stay."""
    honest = pipeline._of_person

    def deaf(tx: Any, desk: Any, found: Any, occasion: Any) -> Any:
        return honest(tx, desk, identity.OfPerson(found.event, ()), occasion)

    patch.setattr(pipeline, "_of_person", deaf)


def one_withdrawal_each(patch: Patch) -> None:
    """Each notice is withdrawn by a notice of its own."""
    honest = corrections._correction

    def each(case: Any, event: Any, answered: Any) -> Any:
        return tuple(one for n in answered for one in honest(case, event, (n,)))

    patch.setattr(corrections, "_correction", each)


def staleness_on_the_event(patch: Patch) -> None:
    """What was old when it came is never asked about again."""
    patch.setattr(reconsider, "waits_until", lambda _told, _pace, now, _: now + timedelta(days=999))


BUGS: tuple[Callable[[Patch], None], ...] = (
    compared_with_the_record,
    corrected_while_open_only,
    numbers_without_authority,
    carer_beside_a_restriction,
    doubtful_ones_repeated,
    answers_for_a_name,
    cancels_sorted_by_what_they_cancel,
    deaths_of_persons_unheard,
    one_withdrawal_each,
    staleness_on_the_event,
)
