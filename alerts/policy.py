"""Every number that a rule uses, with its unit and where it comes from."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, replace


class PolicyInvalid(Exception):
    """A policy value has an unknown name or is out of range; correct it in the site file."""


def _number(default: float, unit: str, source: str) -> float:
    value: float = field(default=default, metadata={"unit": unit, "source": source})
    return value


@dataclass(frozen=True, slots=True)
class Policy:
    """The numbers in force for one decision."""

    stale_after: float = _number(
        24,
        "hours",
        "Service rule: older news is decided once it has settled, so that a backlog says only "
        "what is true at its end.",
    )
    settle_after: float = _number(
        0.25,
        "hours",
        "Service rule: old news has settled when none of the stay came for so long, and its feed "
        "has caught up or fallen silent.",
    )
    discharged_within: float = _number(
        72,
        "hours",
        "Service rule: a discharge that became known late is told for so long, marked late; "
        "after that a call by the centre comes too late to help.",
    )
    ask_within: float = _number(
        24,
        "hours",
        "Triangle of Care: identify carers at first contact or as soon as possible; "
        "a day after admission is this service's reading of it.",
    )
    notice: float = _number(
        24,
        "hours",
        "South Lanarkshire's advice to carers asks for a day's notice; the Carers (Scotland) "
        "Act 2016 s.28 says as soon as reasonably practicable and names no number.",
    )
    retell_within: float = _number(
        4,
        "hours",
        "Service rule: a date so near that no full notice is left is told within four hours.",
    )
    contact_within_days: float = _number(
        2, "working days", "Service rule: the centre rings the carer soon after discharge."
    )
    working_day_ends: float = _number(
        17, "o'clock, local time", "Opening hours of carer centres: Monday to Friday, 9 to 5."
    )
    long_stay: float = _number(
        24,
        "hours",
        "Service rule: after a shorter stay a missed carer is rung, but not urgently.",
    )
    correct_for: float = _number(
        30,
        "days",
        "Service rule: for so long after the end of a stay what was told is put right when an "
        "agreement ends; a wrong person and a restriction are put right for as long as it is kept.",
    )
    planned_hour: float = _number(
        12, "o'clock, local time", "A planned date without an hour counts to noon."
    )


@dataclass(frozen=True, slots=True)
class PolicyNumber:
    """One number as the engineers' page shows it."""

    name: str
    value: float
    default: float
    unit: str
    source: str


def policy_from(overrides: Mapping[str, float]) -> Policy:
    """The defaults with a site's own values in place of some."""
    known = {f.name for f in fields(Policy)}
    unknown = sorted(set(overrides) - known)
    if unknown:
        raise PolicyInvalid(f"there is no policy value named {', '.join(unknown)}")
    below = sorted(name for name, value in overrides.items() if not 0 <= value < 10_000)
    if below:
        raise PolicyInvalid(f"out of range (0 to 9,999): {', '.join(below)}")
    late = [name for name in ("working_day_ends", "planned_hour") if overrides.get(name, 0) >= 24]
    if late:
        raise PolicyInvalid(f"not an hour of the day: {', '.join(late)}")
    return replace(Policy(), **overrides)


def explain(policy: Policy) -> tuple[PolicyNumber, ...]:
    """Every number in force beside its default, unit and source."""
    return tuple(
        PolicyNumber(
            name=f.name,
            value=getattr(policy, f.name),
            default=0.0 if f.default is MISSING else f.default,
            unit=f.metadata["unit"],
            source=f.metadata["source"],
        )
        for f in fields(Policy)
    )
