"""A register file to registrations: all rows or none, every fault by line and column."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Protocol, TypeVar

from alerts.model.identity import Identifier, IdentifierKind
from alerts.model.register import CaredFor, Carer, Registration, Sharing
from mapping import register_cells as cells
from mapping.register_cells import CellFault

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RegisterTerms:
    """What a file is read against."""

    centres: tuple[str, ...]
    synthetic: bool
    today: date
    only_centre: str | None = None


@dataclass(frozen=True, slots=True)
class RowFault:
    """One fault: the line of the file (the header is line 1), the column, what to do."""

    line: int
    column: str
    reason: str


@dataclass(frozen=True, slots=True)
class RegisterFile:
    """What a file holds; with any fault, none of its rows may be used."""

    rows: tuple[Registration, ...]
    faults: tuple[RowFault, ...]


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
OPTIONAL = (
    "carer_birth_date",
    "carer_identifier",
    "carer_phone",
    "carer_email",
    "carer_postcode",
    "contact_by",
    "contact_times",
    "format",
    "language",
    "main_carer",
    "young_carer",
    "at_school",
    "patient_postcode",
    "emergency_plan",
    "support_plan",
    "passport_scheme",
    "passport_number",
    "passport_expires",
    "passport_topics",
    "preferred_service",
    "wants_feedback",
    "review_on",
    "ended_on",
)
_CONTACT_BY = {word: word for word in ("phone", "sms", "email", "letter", "none")}
_FORMATS = {w: w for w in ("standard", "large-print", "easy-read", "braille", "audio", "bsl")}
_TOPICS = ("medication", "diagnosis", "prognosis", "discharge")
_SHARING = {sharing.value: sharing for sharing in Sharing}
_LONGEST_ROW = 10_000
_NOBODY = CaredFor(Identifier(IdentifierKind.LOCAL, ""), "", "", date.min)
"""Stands in a row that has faults, so that all of them are found; such a row is never used."""


class Reader(Protocol):
    """The part of ``csv.reader`` that is used."""

    line_num: int

    def __iter__(self) -> Iterator[list[str]]:
        """The records."""
        ...


def read(data: bytes, terms: RegisterTerms) -> RegisterFile:
    """Every row, or every fault of every row."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        line = data[: err.start].count(b"\n") + 1
        return _refused(line, "", "is not UTF-8; save the file as CSV UTF-8")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [cell.strip() for cell in next(reader)]
    except StopIteration:
        return _refused(1, "", "the file is empty; its first line must name the columns")
    except csv.Error as err:
        return _refused(1, "", f"is not CSV: {err}")
    faults = tuple(_faults_of_header(header))
    return RegisterFile((), faults) if faults else _rows(reader, header, terms)


def _rows(reader: Reader, header: list[str], terms: RegisterTerms) -> RegisterFile:
    faults: list[RowFault] = []
    rows: list[Registration] = []
    seen: dict[tuple[str, str], int] = {}
    line = reader.line_num + 1
    try:
        for record in reader:
            row = _Row(line, header, record, terms, faults)
            found = row.registration() if record else None
            if found is not None:
                first = seen.setdefault((found.centre, found.registration_id), line)
                if first != line:
                    row.fault("registration_id", f"stands on line {first} too; keep one of them")
                rows.append(found)
            line = reader.line_num + 1
    except csv.Error as err:
        faults.append(RowFault(line, "", f"is not CSV: {err}; the rest was not read"))
    return RegisterFile(() if faults else tuple(rows), tuple(faults))


def _faults_of_header(header: list[str]) -> Iterator[RowFault]:
    known = (*REQUIRED, *OPTIONAL)
    for name in REQUIRED:
        if name not in header:
            yield RowFault(1, name, "is missing; add the column")
    for position, name in enumerate(header, start=1):
        if name not in known:
            shown = name if name.isidentifier() and len(name) < 64 else f"column {position}"
            yield RowFault(1, shown, "is not a column of the register file; remove it")
        elif name in header[: position - 1]:
            yield RowFault(1, name, "is there twice; remove one")


def _refused(line: int, column: str, reason: str) -> RegisterFile:
    return RegisterFile((), (RowFault(line, column, reason),))


class _Row:
    """One line: reads cells and collects what is wrong with them."""

    def __init__(
        self,
        line: int,
        header: list[str],
        record: list[str],
        terms: RegisterTerms,
        faults: list[RowFault],
    ) -> None:
        self._line, self._terms, self._faults = line, terms, faults
        self._before = len(faults)
        self._cells: Mapping[str, str] = {
            name: cell.strip() for name, cell in zip(header, record, strict=False)
        }
        if record and len(record) != len(header):
            self.fault("", f"has {len(record)} cells, the header has {len(header)}")
        if sum(len(cell) for cell in record) > _LONGEST_ROW:
            self.fault("", f"is longer than {_LONGEST_ROW} characters; is a quote missing?")

    def fault(self, column: str, reason: str) -> None:
        """One more thing to mend."""
        self._faults.append(RowFault(self._line, column, reason))

    def must(self, column: str, parse: Callable[[str], T]) -> T | None:
        """A cell that may not be empty; None after a fault."""
        if not self._cells.get(column):
            self.fault(column, "is empty; it is required")
            return None
        return self.may(column, parse)

    def may(self, column: str, parse: Callable[[str], T]) -> T | None:
        """A cell that may be empty; None if it is, or after a fault."""
        cell = self._cells.get(column)
        if not cell:
            return None
        try:
            return parse(cell)
        except CellFault as fault:
            self.fault(column, str(fault))
            return None

    def registration(self) -> Registration | None:
        """The whole row, None if anything is wrong with it."""
        centre = self.must("centre", self._centre)
        registration_id = self.must("registration_id", cells.code)
        carer, patient = self._carer(), self._patient()
        relationship = self.must("relationship", cells.relationship)
        hospital = self.must("carer_agrees_hospital", cells.yes_no)
        events = self.must("carer_agrees_events", cells.yes_no)
        sharing = self.must("patient_agrees_sharing", cells.one_of(_SHARING))
        registered = self.must("registered_on", cells.past_day(self._terms.today))
        found = Registration(
            registration_id=registration_id or "",
            centre=centre or "",
            carer=carer,
            patient=patient or _NOBODY,
            relationship=relationship or "",
            agrees_hospital=bool(hospital),
            agrees_events=bool(events),
            sharing=sharing or Sharing.UNKNOWN,
            registered_on=registered or date.min,
            topics=self.may("passport_topics", cells.some_of(_TOPICS)) or (),
            is_main=self.may("main_carer", cells.yes_no),
            has_emergency_plan=self.may("emergency_plan", cells.yes_no),
            has_support_plan=self.may("support_plan", cells.yes_no),
            passport_scheme=self.may("passport_scheme", cells.words),
            passport_number=self.may("passport_number", cells.words),
            passport_expires_on=self.may("passport_expires", cells.day),
            preferred_service=self.may("preferred_service", cells.words),
            wants_feedback=self.may("wants_feedback", cells.yes_no),
            review_on=self.may("review_on", cells.day),
            ended_on=self.may("ended_on", cells.day),
        )
        return found if len(self._faults) == self._before else None

    def _carer(self) -> Carer:
        return Carer(
            given=self.must("carer_given", cells.words) or "",
            family=self.must("carer_family", cells.words) or "",
            birth_date=self.may("carer_birth_date", cells.past_day(self._terms.today)),
            identifier=self.may("carer_identifier", cells.identifier(self._terms.synthetic)),
            phone=self.may("carer_phone", cells.phone),
            email=self.may("carer_email", cells.email),
            postcode=self.may("carer_postcode", cells.postcode),
            contact_by=self.may("contact_by", cells.one_of(_CONTACT_BY)),
            contact_times=self.may("contact_times", cells.words),
            format=self.may("format", cells.one_of(_FORMATS)),
            language=self.may("language", cells.language),
            is_young=self.may("young_carer", cells.yes_no),
            at_school=self.may("at_school", cells.yes_no),
        )

    def _patient(self) -> CaredFor | None:
        number = self.must("patient_identifier", cells.identifier(self._terms.synthetic))
        given = self.must("patient_given", cells.words)
        family = self.must("patient_family", cells.words)
        born = self.must("patient_birth_date", cells.past_day(self._terms.today))
        postcode = self.may("patient_postcode", cells.postcode)
        if number is None or not given or not family or born is None:
            return None
        return CaredFor(number, given, family, born, postcode)

    def _centre(self, cell: str) -> str:
        wanted = self._terms.only_centre
        if wanted is not None and cell != wanted:
            raise CellFault(f"must be {wanted}, as --centre says")
        if cell not in self._terms.centres:
            raise CellFault("is not a centre of the site file; check its code")
        return cell
