"""What was doubtful in a message or a stay: an enum with its place, never a patient's value."""

from dataclasses import dataclass
from enum import StrEnum


class DoubtKind(StrEnum):
    """Kinds of doubt, shown at the engineers' desk and counted per feed."""

    TIME_UNREADABLE = "time-unreadable"
    TIME_AHEAD = "time-ahead"
    TIME_MISSING = "time-missing"
    HOUR_TWICE = "hour-twice"
    HOUR_SKIPPED = "hour-skipped"
    DATE_UNREADABLE = "date-unreadable"
    CODE_UNKNOWN = "code-unknown"
    NUMBER_INVALID = "number-invalid"
    NUMBER_UNVERIFIED = "number-unverified"
    NUMBER_EXPIRED = "number-expired"
    NUMBERS_CONFLICT = "numbers-conflict"
    NUMBER_GUESSED = "number-guessed"
    NUMBER_PADDED = "number-padded"
    VISIT_NUMBER_PLACEHOLDER = "visit-number-placeholder"
    PLACE_INCOMPLETE = "place-incomplete"
    SEGMENT_REPEATED = "segment-repeated"
    VALUES_CONFLICT = "values-conflict"
    STRUCTURE_FOR_TRIGGER = "structure-for-trigger"
    EXTRA_START_BLOCK = "extra-start-block"
    BYTES_REPLACED = "bytes-replaced"
    CHARSET_DIFFERS = "charset-differs"
    LINE_JOINED = "line-joined"
    SENSITIVITY_UNKNOWN = "sensitivity-unknown"
    DEATH_UNCLEAR = "death-unclear"
    DISCHARGE_WITHOUT_A03 = "discharge-without-a03"
    UNCERTAIN_ADMISSION = "uncertain-admission"
    UNCERTAIN_PLAN = "uncertain-plan"
    UNCERTAIN_DISCHARGE = "uncertain-discharge"
    MOVED_AFTER_LEAVING = "moved-after-leaving"
    CANCELLED_UNKNOWN_EVENT = "cancelled-unknown-event"


@dataclass(frozen=True, slots=True)
class Doubt:
    """One doubt; ``where`` is a field's name such as ``PV2-9``, empty where there is none."""

    kind: DoubtKind
    where: str = ""
