"""FHIR search parameters as conditions on our table (FHIR R4 search, 3.1.1)."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, and_, select

from alerts.store.tables import alert as alert_table
from alerts.store.tables import stay as stay_table
from mapping.fhir import systems

_DESKS = {
    systems.WARD: "ward",
    systems.BASE + "Id/hospital": "coordinator",
    systems.BASE + "Id/centre": "centre",
}


class WantedWrong(Exception):
    """A search parameter cannot be understood."""


def token_of(text: str) -> tuple[str | None, str]:
    """``system|value``, ``|value`` or ``value``."""
    system, bar, value = text.rpartition("|")
    return (system if bar else None), value


def instant_of(text: str) -> datetime:
    """A FHIR instant or date; a date without a zone is read as UTC."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError as err:
        raise WantedWrong("A date must look like 2026-11-23 or 2026-11-23T08:00:00Z.") from err
    return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)


def _id(text: str) -> ColumnElement[bool]:
    return alert_table.c.id.in_(text.split(","))


def _status(text: str) -> ColumnElement[bool]:
    return alert_table.c.status.in_(text.split(","))


def _code(text: str) -> ColumnElement[bool]:
    wanted = [token_of(part) for part in text.split(",")]
    ours = [value for system, value in wanted if system in (None, "", systems.CARER_TASK)]
    return alert_table.c.code.in_(ours)


def _desk(text: str) -> ColumnElement[bool]:
    system, value = token_of(text)
    same = alert_table.c.recipient == value
    return (
        same
        if system is None
        else and_(same, alert_table.c.recipient_kind == _DESKS.get(system, ""))
    )


def _person(text: str) -> ColumnElement[bool]:
    """By the subject that the resource itself names, so that a search tells nothing more."""
    system, value = token_of(text)
    if system is None:
        return alert_table.c.subject.endswith(f"|{value}", autoescape=True)
    return alert_table.c.subject == f"{system}|{value}"


def _stay(text: str) -> ColumnElement[bool]:
    system, value = token_of(text)
    if system not in (None, "", systems.VISIT):
        return alert_table.c.id == ""
    of_visit = select(stay_table.c.id).where(stay_table.c.visit == value)
    return and_(alert_table.c.stay.in_(of_visit), alert_table.c.recipient_kind != "centre")


def _focus(text: str) -> ColumnElement[bool]:
    return alert_table.c.focus == text.removeprefix("Communication/")


def _at(column: ColumnElement[datetime]) -> Callable[[str], ColumnElement[bool]]:
    def condition(text: str) -> ColumnElement[bool]:
        prefix, rest = text[:2], text[2:]
        match prefix:
            case "gt":
                return column > instant_of(rest)
            case "ge":
                return column >= instant_of(rest)
            case "lt":
                return column < instant_of(rest)
            case "le":
                return column <= instant_of(rest)
        bare = text.removeprefix("eq")
        start = instant_of(bare)
        length = timedelta(days=1) if len(bare) == len("2026-11-23") else timedelta(seconds=1)
        return and_(column >= start, column < start + length)

    return condition


CRITERIA: Mapping[str, Callable[[str], ColumnElement[bool]]] = {
    "_id": _id,
    "status": _status,
    "code": _code,
    "owner:identifier": _desk,
    "recipient:identifier": _desk,
    "patient:identifier": _person,
    "subject:identifier": _person,
    "encounter:identifier": _stay,
    "focus": _focus,
    "authored-on": _at(alert_table.c.authored_at),
    "sent": _at(alert_table.c.authored_at),
    "_lastUpdated": _at(alert_table.c.updated_at),
}
