"""One row of a register file as a Registration, or what is wrong with it, column by column."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import TypeAlias, TypeVar

from alerts.model.register import CaredFor, Carer, Registration
from mapping.register_cells import (
    CONTACT_WAYS,
    FORMATS,
    Unfit,
    any_date,
    birth_date,
    doubt,
    email,
    identifier,
    language,
    one_of,
    past_date,
    phone,
    relationship,
    sharing,
    text,
    topics,
    yes_or_no,
)

T = TypeVar("T")
Cells: TypeAlias = Mapping[str, str]
"""The cells of one row by column; the empty ones are left out."""

REQUIRED = (
    "registration_id",
    "centre",
    "carer_given",
    "carer_family",
    "relationship",
    "patient_identifier",
    "patient_given",
    "patient_family",
    "patient_birth_date",
    "carer_agrees_hospital",
    "carer_agrees_events",
    "patient_agrees_sharing",
    "registered_on",
)


@dataclass(frozen=True, slots=True)
class RegisterTerms:
    """What a file is checked against."""

    centres: tuple[str, ...]
    """Codes of the site file."""
    today: date
    synthetic: bool = False
    """Take CHI numbers of an impossible birth month too."""
    only_centre: str | None = None
    """Refuse rows of any other centre."""


@dataclass(frozen=True, slots=True)
class CellFault:
    """What is wrong with the cell of one column; the reason never quotes it."""

    column: str
    reason: str


class Rows:
    """The columns with what reads them, for one file's terms."""

    def __init__(self, terms: RegisterTerms) -> None:
        self._terms = terms
        self._number = partial(identifier, synthetic=terms.synthetic)
        self._born = partial(birth_date, today=terms.today)
        self.columns = self._columns()

    def faults(self, cells: Cells) -> list[CellFault]:
        """All that is wrong with a row."""
        return list(self._cell_faults(cells)) or list(_joint_faults(cells))

    def doubts(self, cells: Cells) -> list[CellFault]:
        """What is doubtful in a row without faults; it is taken all the same."""
        found = ((column, doubt(column, cell)) for column, cell in cells.items())
        return [CellFault(column, reason) for column, reason in found if reason is not None]

    def registration(self, cells: Cells) -> Registration:
        """The registration of a row without faults."""
        return Registration(
            registration_id=cells["registration_id"],
            centre=cells["centre"],
            carer=self._carer(cells),
            patient=self._cared_for(cells),
            relationship=relationship(cells["relationship"]),
            agrees_hospital=yes_or_no(cells["carer_agrees_hospital"]),
            agrees_events=yes_or_no(cells["carer_agrees_events"]),
            sharing=sharing(cells["patient_agrees_sharing"]),
            registered_on=any_date(cells["registered_on"]),
            topics=_maybe(topics, cells, "passport_topics") or (),
            is_main=_maybe(yes_or_no, cells, "main_carer"),
            has_emergency_plan=_maybe(yes_or_no, cells, "emergency_plan"),
            has_support_plan=_maybe(yes_or_no, cells, "support_plan"),
            passport_scheme=cells.get("passport_scheme"),
            passport_number=cells.get("passport_number"),
            passport_expires_on=_maybe(any_date, cells, "passport_expires"),
            preferred_service=cells.get("preferred_service"),
            wants_feedback=_maybe(yes_or_no, cells, "wants_feedback"),
            review_on=_maybe(any_date, cells, "review_on"),
            ended_on=_maybe(any_date, cells, "ended_on"),
        )

    def _carer(self, cells: Cells) -> Carer:
        return Carer(
            given=cells["carer_given"],
            family=cells["carer_family"],
            birth_date=_maybe(self._born, cells, "carer_birth_date"),
            identifier=_maybe(self._number, cells, "carer_identifier"),
            phone=cells.get("carer_phone"),
            email=cells.get("carer_email"),
            postcode=cells.get("carer_postcode"),
            contact_by=cells.get("contact_by"),
            contact_times=cells.get("contact_times"),
            format=cells.get("format"),
            language=cells.get("language"),
            is_young=_maybe(yes_or_no, cells, "young_carer"),
            at_school=_maybe(yes_or_no, cells, "at_school"),
        )

    def _cared_for(self, cells: Cells) -> CaredFor:
        return CaredFor(
            identifier=self._number(cells["patient_identifier"]),
            given=cells["patient_given"],
            family=cells["patient_family"],
            birth_date=self._born(cells["patient_birth_date"]),
            postcode=cells.get("patient_postcode"),
        )

    def _columns(self) -> dict[str, Callable[[str], object]]:
        """Every column we know; the order is that of the faults of one row."""
        words = ("passport_scheme", "passport_number", "preferred_service", "contact_times")
        flags = ("main_carer", "young_carer", "at_school", "emergency_plan", "support_plan")
        return {
            "registration_id": text,
            "centre": self._centre,
            "carer_given": text,
            "carer_family": text,
            "relationship": relationship,
            "patient_identifier": self._number,
            "patient_given": text,
            "patient_family": text,
            "patient_birth_date": self._born,
            "carer_agrees_hospital": yes_or_no,
            "carer_agrees_events": yes_or_no,
            "patient_agrees_sharing": sharing,
            "registered_on": partial(past_date, today=self._terms.today),
            "carer_birth_date": self._born,
            "carer_identifier": self._number,
            "carer_phone": phone,
            "carer_email": email,
            "carer_postcode": text,
            "contact_by": partial(one_of, choices=CONTACT_WAYS),
            "format": partial(one_of, choices=FORMATS),
            "language": language,
            "patient_postcode": text,
            "passport_expires": any_date,
            "passport_topics": topics,
            "wants_feedback": yes_or_no,
            "review_on": any_date,
            "ended_on": any_date,
            **dict.fromkeys(words, text),
            **dict.fromkeys(flags, yes_or_no),
        }

    def _centre(self, cell: str) -> str:
        if cell not in self._terms.centres:
            raise Unfit("is not the code of a centre in the site file")
        if self._terms.only_centre not in (None, cell):
            raise Unfit(f"is another centre; only rows of {self._terms.only_centre} are taken now")
        return cell

    def _cell_faults(self, cells: Cells) -> Iterator[CellFault]:
        for column, reader in self.columns.items():
            if column not in cells:
                continue
            try:
                reader(text(cells[column]))
            except Unfit as unfit:
                yield CellFault(column, str(unfit))
        yield from (CellFault(c, "is empty; it is required") for c in REQUIRED if c not in cells)


def _joint_faults(cells: Cells) -> Iterator[CellFault]:
    """What two sound cells of one row cannot both say; ISO dates compare as text."""
    if cells.get("carer_identifier") == cells["patient_identifier"]:
        yield CellFault("carer_identifier", "is the patient's; nobody is their own carer")
    if "ended_on" in cells and cells["ended_on"] < cells["registered_on"]:
        yield CellFault("ended_on", "is before registered_on")


def _maybe(reader: Callable[[str], T], cells: Cells, column: str) -> T | None:
    return reader(cells[column]) if column in cells else None
