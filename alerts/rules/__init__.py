"""The rules of each nation, in the order in which they are asked; each sees earlier answers."""

from collections.abc import Callable

from alerts.model.site import Nation
from alerts.rules.bereavement_support import bereavement_support
from alerts.rules.confirm_death import confirm_death
from alerts.rules.confirm_match import confirm_match
from alerts.rules.contact_carer import contact_carer
from alerts.rules.corrections import corrections, last_days, seen
from alerts.rules.involve_carer import involve_carer
from alerts.rules.news import discharged, planned
from alerts.rules.repair_missed import repair_missed
from alerts.rules.results import Result
from alerts.rules.situation import Case, Situation, Whereabouts

_BOTH = (
    corrections,
    planned,
    discharged,
    seen,
    involve_carer,
    repair_missed,
    contact_carer,
    confirm_match,
    last_days,
)

RULES: dict[Nation, tuple[Callable[[Case], tuple[Result, ...]], ...]] = {
    Nation.SCOTLAND: _BOTH,
    Nation.ENGLAND: _BOTH,
}
"""Asked once a registration, in this order (contract §7.1)."""

STAY_RULES: tuple[Callable[[Situation, Whereabouts, tuple[Case, ...]], tuple[Result, ...]], ...] = (
    bereavement_support,
    confirm_death,
)
"""Asked once a stay."""
