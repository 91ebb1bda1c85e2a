"""Deaths in every spelling, and what no table knows: gates close, a person is asked."""

import pytest

from alerts.model.doubts import Doubt, DoubtKind
from mapping.hl7.events import Dialect
from tests.support.adt_text import PAS, a_message, a_segment, read

SCOTTISH = Dialect("pas", death_methods=frozenset({"4", "5", "40", "41", "42", "43"}))
OWN = Dialect("pas", death_methods=frozenset({"4", "5", "DX"}))

SAID = [
    # PID-29, PID-30, PV1-36, PV1-37, dialect, died, unclear, comment
    ("", "T", "", "", PAS, True, False, "true in one letter"),
    ("", "true", "", "", PAS, True, False, "true"),
    ("", "1", "", "", PAS, True, False, "a digit"),
    ("", "RIP", "", "", PAS, True, False, "words"),
    ("", "DTH", "", "", PAS, True, False, "words"),
    ("", "N~Y", "", "", PAS, True, False, "the strictest of two"),
    ("", "0", "", "", PAS, False, False, "lives"),
    ("", "DECEASED?", "", "", PAS, None, True, "somebody is not sure"),
    ("", "not deceased", "", "", PAS, None, True, "words that nobody can weigh"),
    ("", "Q", "", "", PAS, None, True, "a code of no table"),
    ("00000000", "", "", "", PAS, None, True, "a date that is filled up"),
    ("", "", "42", "", SCOTTISH, True, False, "a Scottish discharge type"),
    ("", "", "40", "79", SCOTTISH, True, False, "with the destination"),
    ("", "", "42", "", PAS, None, False, "no discharge method of England"),
    ("", "", "11", "42", SCOTTISH, None, False, "42 in the destination's field is a place"),
    ("", "", "dx", "", OWN, True, False, "what the site says"),
    ("", "", "RIP", "", PAS, True, False, "words"),
    ("", "", "DTH", "19", PAS, True, False, "words beside a destination"),
    ("", "", "Died?", "", PAS, None, True, "somebody is not sure"),
    ("", "", "Expired", "", PAS, None, True, "it reads like a death"),
    ("", "", "1", "Mortuary", PAS, None, True, "so does a place"),
    ("", "", "1~4", "19", PAS, True, False, "a second repetition"),
    ("", "", "Ripley ward", "", PAS, None, False, "part of another word"),
]


@pytest.mark.parametrize(
    ("date", "flag", "method", "place", "dialect", "died", "unclear", "comment"), SAID
)
def test_a_death_is_seen_however_it_is_spelled(
    date, flag, method, place, dialect, died, unclear, comment
):
    message = a_message("A03", pid={"f29": date, "f30": flag}, pv1={"f36": method, "f37": place})
    event = read(message, dialect)
    assert (event.died, event.death_unclear) == (died, unclear), comment
    kinds = {doubt.kind for doubt in event.doubts}
    assert (DoubtKind.DEATH_UNCLEAR in kinds) is unclear, comment


def test_a_death_in_a_second_segment_is_seen():
    message = a_message("A08", a_segment("PID", f3="9990000018^^^NHS", f30="Y"))
    event = read(message)
    assert event.died is True
    assert Doubt(DoubtKind.SEGMENT_REPEATED, "PID") in event.doubts
