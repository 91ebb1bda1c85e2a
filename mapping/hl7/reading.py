"""What reading one message needs, and the doubts it gathers."""

from dataclasses import dataclass, field
from datetime import datetime

from alerts.model.doubts import Doubt, DoubtKind
from mapping.hl7.dialect import Dialect


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading one message needs, and the doubts it gathers."""

    dialect: Dialect
    arrived_at: datetime
    doubts: list[Doubt] = field(default_factory=list)

    def doubt(self, kind: DoubtKind, where: str = "") -> None:
        """Something in the message is doubtful; ``where`` is a field's name."""
        self.doubts.append(Doubt(kind, where))
