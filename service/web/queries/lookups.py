"""What the register was found to hold about patients for whom no ward was asked anything."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection

from alerts.matching import match, subjects_of
from alerts.model.alert import MatchGrade
from alerts.model.stay import Stay
from alerts.store import register
from service.web.access import Viewer


class Lookup(StrEnum):
    """What a ward may be told of the register beside a patient without a carer to involve."""

    NO_ONE = "no-one"
    """Looked up now, and nobody is there whom the hospital may know of."""
    CHECKING = "checking"
    """A person has to say whether it is the same person."""
    NOT_KNOWN = "not-known"
    """Somebody is there, and nothing was decided about it yet."""


def looked_up(
    _viewer: Viewer, tx: Connection, stays: Sequence[Stay], now: datetime
) -> Mapping[str, Lookup]:
    """By stay id; nothing but the answer leaves here."""
    candidates = register.Candidates(tx)
    candidates.fetch(stay.patient for stay in stays)
    found = {stay.id: candidates.of(stay.patient) for stay in stays}
    keys = sorted({r.key for those in found.values() for r in those})
    said = register.decisions(tx, keys)
    answers = {}
    for stay in stays:
        matches = match(stay.patient, subjects_of(stay), found[stay.id], said, now)
        # Who does not want the hospital to know is nobody here, and no word betrays them.
        grades = {m.grade for m in matches if not m.ended and m.registration.agrees_hospital}
        if MatchGrade.CERTAIN in grades:
            answers[stay.id] = Lookup.NOT_KNOWN
        else:
            answers[stay.id] = Lookup.CHECKING if grades else Lookup.NO_ONE
    return answers
