"""One figure beside its baseline, as a row of a table or of JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

A_SECOND = "/s"


@dataclass(frozen=True, slots=True)
class Row:
    """A figure of ours and of a baseline, measured in the same run; messages a second, usually."""

    figure: str
    baseline: str
    ours: float
    theirs: float
    wanted_ratio: float | None = None
    wanted_rate: float | None = None
    p99: float | None = None
    """Microseconds from sent to answered, where somebody waits for an answer."""
    unit: str = A_SECOND
    most: float | None = None
    """What may be needed of the unit, where less is better."""
    most_ratio: float | None = None

    @property
    def ratio(self) -> float:
        """Ours over the baseline."""
        return self.ours / self.theirs if self.theirs else 0.0

    @property
    def is_met(self) -> bool | None:
        """Every target of the row is reached; None where it has none."""
        met = []
        if self.wanted_ratio is not None:
            met.append(self.ratio >= self.wanted_ratio)
        if self.wanted_rate is not None:
            met.append(self.ours >= self.wanted_rate)
        if self.most is not None:
            met.append(self.ours <= self.most)
        if self.most_ratio is not None:
            met.append(self.ratio <= self.most_ratio)
        return all(met) if met else None

    @property
    def target(self) -> str:
        """The targets in words."""
        parts = []
        if self.wanted_ratio is not None:
            parts.append(f"{self.wanted_ratio:g} x")
        if self.wanted_rate is not None:
            parts.append(f"{self.wanted_rate:,.0f}/s")
        if self.most is not None:
            parts.append(f"≤ {self.most:g} {self.unit}")
        if self.most_ratio is not None:
            parts.append(f"≤ {self.most_ratio:g} x")
        return ", ".join(parts)

    def shown(self, value: float) -> str:
        """A value of this row's unit."""
        return f"{value:,.0f}" if self.unit == A_SECOND else f"{value:,.4g} {self.unit}"


_VERDICTS = {True: "met", False: "missed", None: ""}


def show(rows: Sequence[Row], console: Console) -> None:
    """Print the table."""
    title = "Each beside its baseline of the same run; messages a second where no unit is named"
    table = Table(title=title, box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for name in ("figure", "ours", "p99 µs", "beside", "theirs", "ratio", "target"):
        is_text = name in ("figure", "beside", "target")
        table.add_column(name, justify="left" if is_text else "right", no_wrap=True)
    for row in rows:
        table.add_row(
            row.figure,
            row.shown(row.ours),
            f"{row.p99:,.0f}" if row.p99 is not None else "",
            row.baseline,
            row.shown(row.theirs),
            f"{row.ratio:,.2f}",
            f"{row.target} {_VERDICTS[row.is_met]}",
        )
    console.print(table)


def keep(rows: Sequence[Row], file: Path) -> None:
    """Write the rows as an array of flat objects."""
    flat = [asdict(row) | {"ratio": row.ratio, "is_met": row.is_met} for row in rows]
    file.write_text(json.dumps(flat, indent=1) + "\n", encoding="utf-8")
