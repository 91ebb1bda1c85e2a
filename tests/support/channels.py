"""A receiver whose answers a test has written down."""

from dataclasses import dataclass, field
from datetime import timedelta

from alerts.delivery import Accepted, Parcel, Receipt


@dataclass
class Scripted:
    """Answers what was written down, in order, then takes everything."""

    answers: list[Receipt | Exception] = field(default_factory=list)
    carried: list[Parcel] = field(default_factory=list)
    patience: timedelta = timedelta(seconds=30)
    is_closed: bool = False

    def send(self, parcel: Parcel) -> Receipt:
        self.carried.append(parcel)
        answer = self.answers.pop(0) if self.answers else Accepted("taken")
        if isinstance(answer, Exception):
            raise answer
        return answer

    def fault(self) -> str:
        return ""

    def close(self) -> None:
        self.is_closed = True
