"""A carer centre's register file: every row a Registration, or every fault with line and column."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from alerts.model.register import Registration
from mapping.register_rows import REQUIRED, Cells, RegisterTerms, Rows

__all__ = ["RegisterFile", "RegisterTerms", "RowFault", "read"]

ROW = "row"
"""Stands for a column in faults of a whole line."""

_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_SAVE_AS = "is not UTF-8 text; save the file as CSV UTF-8"


@dataclass(frozen=True, slots=True)
class RowFault:
    """What is wrong with one cell; ``line`` is the line of the file on which its row begins."""

    line: int
    column: str
    reason: str
    """Follows the column's name; says what to write and never quotes the cell."""


@dataclass(frozen=True, slots=True)
class RegisterFile:
    """The sound rows and all the faults; whoever imports takes the rows only if there are none."""

    rows: tuple[Registration, ...]
    faults: tuple[RowFault, ...]
    doubts: tuple[RowFault, ...] = ()
    """What stands for a person who is not known, in rows that are taken."""


@dataclass(frozen=True, slots=True)
class _Record:
    line: int
    cells: list[str]


def read(data: bytes, terms: RegisterTerms) -> RegisterFile:
    """All rows and all faults of a file; a file with a fault is to be refused as a whole."""
    if data.startswith(_UTF_16):
        return RegisterFile((), (RowFault(1, ROW, _SAVE_AS),))
    rows = Rows(terms)
    faults = _encoding_faults(data)
    records = _records(data.decode("utf-8-sig", errors="replace"), faults)
    header = next(records, _Record(1, []))
    header_faults = list(_header_faults(header, rows))
    faults += header_faults
    found: list[Registration] = []
    doubts: list[RowFault] = []
    for cells, line in _named(records, header, rows, faults):
        wrong = [RowFault(line, f.column, f.reason) for f in rows.faults(cells)]
        faults += [f for f in wrong if f.column in header.cells]
        if not wrong and not header_faults:
            found.append(rows.registration(cells))
            doubts += [RowFault(line, d.column, d.reason) for d in rows.doubts(cells)]
    in_order = sorted(faults, key=lambda fault: fault.line)
    return RegisterFile(tuple(found), tuple(in_order), tuple(doubts))


def _encoding_faults(data: bytes) -> list[RowFault]:
    faults = []
    for line, raw in enumerate(data.splitlines(), start=1):
        try:
            raw.decode("utf-8")
        except UnicodeDecodeError:
            faults.append(RowFault(line, ROW, _SAVE_AS))
    return faults


def _records(text: str, faults: list[RowFault]) -> Iterator[_Record]:
    """The rows with the line on which each begins; blank lines hold nothing and are passed over."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            reason = 'has quotes that do not fit; a quote inside a cell is written ""'
            faults.append(RowFault(line, ROW, reason))
            continue
        if cells:
            yield _Record(line, cells)


def _header_faults(header: _Record, rows: Rows) -> Iterator[RowFault]:
    names = header.cells
    if not set(names) & set(REQUIRED):
        reason = "does not name the columns; the first row must, with commas between"
        yield RowFault(header.line, ROW, reason)
        return
    for name in REQUIRED:
        if name not in names:
            yield RowFault(header.line, name, "is missing; the column is required")
    for place, name in enumerate(names):
        if name not in rows.columns:
            yield RowFault(header.line, _shown(name, place), "is not the name of a column we know")
        elif name in names[:place]:
            yield RowFault(header.line, name, "stands twice in the first row")


def _shown(name: str, place: int) -> str:
    """It may be a person's name, should the first row hold more than a header."""
    is_column = "_" in name and name.isidentifier() and len(name) <= 40
    return name if is_column else f"column {place + 1}"


def _named(
    records: Iterator[_Record], header: _Record, rows: Rows, faults: list[RowFault]
) -> Iterator[tuple[Cells, int]]:
    """The rows with their cells named; a row without shape, or with an id again, is a fault."""
    names = header.cells
    if not set(names) & set(REQUIRED):
        return
    seen: dict[tuple[str, str], int] = {}
    for record in records:
        shape = _shape_fault(record.cells, names)
        if shape is not None:
            faults.append(RowFault(record.line, ROW, shape))
            continue
        named = zip(names, record.cells, strict=True)
        cells = {name: cell for name, cell in named if cell and name in rows.columns}
        key = (cells.get("centre", ""), cells.get("registration_id", ""))
        first = seen.setdefault(key, record.line)
        if first != record.line and all(key):
            reason = f"stands on line {first} already, for the same centre"
            faults.append(RowFault(record.line, "registration_id", reason))
        yield cells, record.line


def _shape_fault(cells: Sequence[str], names: Sequence[str]) -> str | None:
    if not any(cells):
        return "is empty; delete it"
    if len(cells) != len(names):
        return f"has {len(cells)} cells and the first row {len(names)}"
    return None
