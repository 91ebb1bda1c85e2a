"""What the journal keeps of a decision, its grounds and doubts: as text, and back."""

import json
from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache

from alerts.decide import Ground
from alerts.model.alert import TaskCode
from alerts.model.doubts import Doubt, DoubtKind

_DOUBTFUL = "doubtful"
"""In place of a question: the line is a doubt, its kind and its field."""
_BETRAYING: frozenset[StrEnum] = frozenset(
    {DoubtKind.DEATH_UNCLEAR, TaskCode.CONFIRM_DEATH, TaskCode.BEREAVEMENT_SUPPORT}
)
_KINDS = {kind.value: kind for kind in DoubtKind}


@lru_cache(maxsize=256)  # most messages say something of somebody who is not on the register
def as_text(grounds: tuple[Ground, ...], doubts: tuple[Doubt, ...]) -> str:
    """As the journal keeps them."""
    lines = [[g.question, g.answer, g.why] for g in grounds]
    return json.dumps(lines + [[_DOUBTFUL, d.kind.value, d.where] for d in doubts])


def grounds_of(text: str) -> tuple[Ground, ...]:
    """The questions that were asked, with their answers."""
    return tuple(Ground(*line) for line in _lines(text) if line[0] != _DOUBTFUL)


def doubts_of(text: str) -> tuple[Doubt, ...]:
    """What was doubtful; a kind that only another release knows is left out."""
    kept = ((_KINDS.get(kind), where) for name, kind, where in _lines(text) if name == _DOUBTFUL)
    return tuple(Doubt(kind, where) for kind, where in kept if kind is not None)


def label_of(kind: StrEnum) -> str:
    """A kind of doubt, or a code of a Task, as the figures name it: none betrays a death."""
    return "other" if kind in _BETRAYING else kind.value


def _lines(text: str) -> Iterator[tuple[str, str, str]]:
    yield from json.loads(text) if text else ()
