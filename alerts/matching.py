"""Is this patient the person on the register: certain, doubtful, or not at all."""

import unicodedata
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from hashlib import sha256

from alerts.hours import local_date
from alerts.model.alert import Agreement, Evidence, Match, MatchDecision, MatchGrade
from alerts.model.identity import Identifier, IdentifierKind, Patient
from alerts.model.register import CaredFor, Registration

_IGNORED = dict.fromkeys(
    map(ord, " -'`\u00b4\u2018\u2019\u02bc\u2032\u2010\u2011\u2012\u2013\u2014")
)
_KEY_PART = 90


def match(
    patient: Patient,
    candidates: Sequence[Registration],
    decisions: Sequence[MatchDecision],
    now: datetime,
) -> tuple[Match, ...]:
    """The candidates that are or may be this patient, ended registrations marked, by key."""
    said = {(d.registration, d.fingerprint): d for d in sorted(decisions, key=lambda d: d.at)}
    today = local_date(now)
    found = []
    for registration in sorted(candidates, key=lambda c: c.key):
        evidence = compare(patient, registration.patient)
        grade = _grade(patient, registration.patient, evidence)
        if grade is None:
            continue
        fingerprint = fingerprint_of(patient, registration.patient)
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


def compare(patient: Patient, person: CaredFor) -> tuple[Evidence, ...]:
    """Each piece of evidence, as a coordinator sees it."""
    return (
        Evidence("identifier", _numbers_agree(patient, person.identifier)),
        Evidence("status", _status_agrees(patient, person.identifier)),
        Evidence("family", _agree(_folded(patient.family), _folded(person.family))),
        Evidence("given", _agree(_first(patient.given), _first(person.given))),
        Evidence("birth-date", _agree(patient.birth_date, person.birth_date)),
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


def fingerprint_of(patient: Patient, person: CaredFor) -> str:
    """Digest of what was compared on both sides: an answer holds while it stays the same."""
    numbers = sorted(
        f"{i.kind}:{i.authority}:{i.value}:{i.verified}"
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


def _numbers_agree(patient: Patient, wanted: Identifier) -> Agreement:
    ours = {i.value for i in patient.identifiers if _same_kind(i, wanted)}
    if not ours:
        return Agreement.NOT_KNOWN
    # Two NHS or two CHI numbers cannot both be the patient's.
    is_torn = any(
        len({i.value for i in patient.identifiers if i.kind is kind}) > 1
        for kind in (IdentifierKind.NHS, IdentifierKind.CHI)
    )
    return Agreement.SAME if ours == {wanted.value} and not is_torn else Agreement.DIFFERENT


def _status_agrees(patient: Patient, wanted: Identifier) -> Agreement:
    statuses = [i.verified for i in patient.identifiers if _is_number(i, wanted)]
    if not statuses:
        return Agreement.NOT_KNOWN
    return Agreement.SAME if all(statuses) else Agreement.DIFFERENT


def _same_kind(one: Identifier, other: Identifier) -> bool:
    return (one.kind, one.authority) == (other.kind, other.authority) or (
        one.kind is other.kind and one.kind is not IdentifierKind.LOCAL
    )


def _is_number(one: Identifier, other: Identifier) -> bool:
    return one.value == other.value and _same_kind(one, other)


def _agree(ours: object, theirs: object) -> Agreement:
    if ours is None or theirs is None:
        return Agreement.NOT_KNOWN
    return Agreement.SAME if ours == theirs else Agreement.DIFFERENT


def _folded(name: str | None) -> str | None:
    return fold_name(name) or None if name else None


def _first(given: str | None) -> str | None:
    """The first word, parted by spaces only, folded."""
    words = given.split() if given else []
    return fold_name(words[0]) or None if words else None
