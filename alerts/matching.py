"""Is this patient the person on the register: certain, doubtful, or not at all."""

import unicodedata
from collections.abc import Collection, Sequence
from datetime import date, datetime
from functools import lru_cache
from hashlib import sha256

from alerts.hours import local_date
from alerts.model.alert import Agreement, Evidence, Match, MatchDecision, MatchGrade
from alerts.model.identity import Identifier, IdentifierKind, Patient
from alerts.model.placeholders import (
    is_placeholder_date,
    is_placeholder_name,
    is_placeholder_number,
)
from alerts.model.register import CaredFor, Registration
from alerts.model.stay import Stay

_IGNORED = dict.fromkeys(
    map(ord, " -'`\u00b4\u2018\u2019\u02bc\u2032\u2010\u2011\u2012\u2013\u2014")
)
_KEY_PART = 90


def match(
    patient: Patient,
    subjects: Collection[str],
    candidates: Sequence[Registration],
    decisions: Sequence[MatchDecision],
    now: datetime,
) -> tuple[Match, ...]:
    """The candidates that are or may be this patient, ended registrations marked, by key.

    An answer counts where it was given about one of ``subjects`` (``subjects_of`` the stay), about
    this registration and this evidence, and was not taken back (ADR 0021).
    """
    today = local_date(now)
    said = {(d.registration, d.fingerprint): d for d in binding(decisions, subjects)}
    found = []
    for registration in sorted(candidates, key=lambda c: c.key):
        evidence = compare(patient, registration.patient, today)
        grade = _grade(patient, registration.patient, evidence)
        if grade is None:
            continue
        fingerprint = fingerprint_of(patient, registration.patient, today)
        decision = said.get((registration.key, fingerprint))
        if decision is not None and not decision.is_same:
            continue
        ended_on = registration.ended_on
        found.append(
            Match(
                registration=registration,
                grade=MatchGrade.CERTAIN if decision else grade,
                evidence=evidence,
                fingerprint=fingerprint,
                confirmed=decision is not None,
                ended=ended_on is not None and ended_on <= today,
            )
        )
    return tuple(found)


def binding(
    decisions: Sequence[MatchDecision], subjects: Collection[str]
) -> tuple[MatchDecision, ...]:
    """The answers about these subjects that stand, the oldest first."""
    bound = (d for d in decisions if d.subject in subjects and d.taken_back_at is None)
    return tuple(sorted((d for d in bound if d.subject), key=lambda d: (d.at, d.id)))


def subject_of(stay: Stay) -> str:
    """Whom an answer about this stay binds: the patient where the hospital's own number says who
    it is, else this stay alone."""
    has_own = any(i.kind is IdentifierKind.LOCAL for i in stay.patient.identifiers)
    return stay.patient_id if has_own and stay.patient_id else stay.id


def subjects_of(stay: Stay) -> frozenset[str]:
    """Whose answers count for this stay: those about its patient, and those about itself."""
    return frozenset({stay.id, subject_of(stay)})


def compare(patient: Patient, person: CaredFor, today: date) -> tuple[Evidence, ...]:
    """Each piece of evidence, as a coordinator sees it; what stands for nobody is not known."""
    return (
        Evidence("identifier", _numbers_agree(patient, person.identifier, today)),
        Evidence("status", _status_agrees(patient, person.identifier, today)),
        Evidence("family", _agree(_family(patient.family), _family(person.family))),
        Evidence("given", _agree(_given(patient.given), _given(person.given))),
        Evidence("birth-date", _agree(_born(patient.birth_date), _born(person.birth_date))),
        Evidence("postcode", _agree(_folded(patient.postcode), _folded(person.postcode))),
    )


def name_key(family: str, given: str) -> str:
    """Family and first given name, folded and cut to fit a column: for searching."""
    return f"{fold_name(family)[:_KEY_PART]}|{(_first(given) or '')[:_KEY_PART]}"


@lru_cache(maxsize=4096)
def fold_name(name: str) -> str:
    """Without case, accents, hyphens, apostrophes and spaces."""
    apart = unicodedata.normalize("NFKD", name.casefold())
    bare = "".join(c for c in apart if not unicodedata.combining(c) and not c.isspace())
    return bare.translate(_IGNORED)


def fingerprint_of(patient: Patient, person: CaredFor, today: date) -> str:
    """Digest of what was compared on both sides: an answer holds while it stays the same."""
    numbers = sorted(
        f"{i.kind}:{i.authority}:{i.value}:{i.verified and _is_valid(i, today)}"
        for i in patient.identifiers
        if i.kind is not IdentifierKind.LOCAL or _same_kind(i, person.identifier)
    )
    wanted = person.identifier
    sides = (
        *numbers,
        "",
        name_key(patient.family or "", patient.given or ""),
        str(patient.birth_date),
        f"{wanted.kind}:{wanted.authority}:{wanted.value}",
        name_key(person.family, person.given),
        str(person.birth_date),
    )
    return sha256("\x1f".join(sides).encode()).hexdigest()


def _grade(patient: Patient, person: CaredFor, evidence: tuple[Evidence, ...]) -> MatchGrade | None:
    number, status, family, given, born, _ = (e.agreement for e in evidence)
    named = family is Agreement.SAME and given is Agreement.SAME
    same_person = named and born is Agreement.SAME
    if number is Agreement.SAME and status is not Agreement.DIFFERENT and same_person:
        return MatchGrade.CERTAIN
    has_number = any(_is_number(i, person.identifier) for i in patient.identifiers)
    return MatchGrade.DOUBTFUL if has_number or same_person else None


def _numbers_agree(patient: Patient, wanted: Identifier, today: date) -> Agreement:
    given = [i for i in patient.identifiers if not is_placeholder_number(i.value)]
    # One that has run out is heard only where there is none that holds today.
    numbers = [i for i in given if _is_valid(i, today)]
    ours = {i.value for i in numbers if _same_kind(i, wanted)}
    ours = ours or {i.value for i in given if _same_kind(i, wanted)}
    if not ours or is_placeholder_number(wanted.value):
        return Agreement.NOT_KNOWN
    # Two NHS or two CHI numbers cannot both be the patient's.
    is_torn = any(
        len({i.value for i in numbers if i.kind is kind}) > 1
        for kind in (IdentifierKind.NHS, IdentifierKind.CHI)
    )
    return Agreement.SAME if ours == {wanted.value} and not is_torn else Agreement.DIFFERENT


def _status_agrees(patient: Patient, wanted: Identifier, today: date) -> Agreement:
    numbers = [i for i in patient.identifiers if _is_number(i, wanted)]
    statuses = [i.verified and _is_valid(i, today) for i in numbers]
    if not statuses:
        return Agreement.NOT_KNOWN
    return Agreement.SAME if all(statuses) else Agreement.DIFFERENT


def _same_kind(one: Identifier, other: Identifier) -> bool:
    return (one.kind, one.authority) == (other.kind, other.authority) or (
        one.kind is other.kind and one.kind is not IdentifierKind.LOCAL
    )


def _is_number(one: Identifier, other: Identifier) -> bool:
    is_nobodys = is_placeholder_number(one.value)
    return one.value == other.value and _same_kind(one, other) and not is_nobodys


def _is_valid(number: Identifier, today: date) -> bool:
    """CX-7 and CX-8 are the first and the last day on which it holds."""
    starts, ends = number.valid_from, number.valid_until
    return (starts is None or starts <= today) and (ends is None or today <= ends)


def _agree(ours: object, theirs: object) -> Agreement:
    if ours is None or theirs is None:
        return Agreement.NOT_KNOWN
    return Agreement.SAME if ours == theirs else Agreement.DIFFERENT


def _born(born: date | None) -> date | None:
    return None if born is None or is_placeholder_date(born) else born


def _family(name: str | None) -> str | None:
    return None if name is None or is_placeholder_name(name) else _folded(name)


def _given(name: str | None) -> str | None:
    return None if name is None or is_placeholder_name(name, is_given=True) else _first(name)


def _folded(name: str | None) -> str | None:
    return fold_name(name) or None if name else None


def _first(given: str | None) -> str | None:
    """The first word, parted by spaces only, folded."""
    words = given.split() if given else []
    return fold_name(words[0]) or None if words else None
