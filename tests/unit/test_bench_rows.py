"""A figure beside its baseline: ratios, targets, and what is printed and kept."""

import json
from io import StringIO

import pytest
from rich.console import Console

from bench.rows import Row, keep, show

PLAIN = Row("door, 1 sender", "journal only", ours=500.0, theirs=1_000.0)


@pytest.mark.parametrize(
    ("row", "is_met"),
    [
        (PLAIN, None),  # no target, nothing to reach
        (Row("a", "b", 500, 1_000, wanted_ratio=0.5), True),  # on the line
        (Row("a", "b", 499, 1_000, wanted_ratio=0.5), False),
        (Row("a", "b", 1_500, 9_000, wanted_rate=1_500), True),
        (Row("a", "b", 1_499, 9_000, wanted_rate=1_500), False),
        (Row("a", "b", 2_000, 9_000, wanted_ratio=0.5, wanted_rate=1_500), False),  # both count
        (Row("a", "b", 150, 40, unit="MB", most=150), True),  # less is better
        (Row("a", "b", 151, 40, unit="MB", most=150), False),
        (Row("a", "b", 1_201, 1_000, unit="µs", most_ratio=1.2), False),
    ],
)
def test_a_target_is_met_from_its_value_on(row, is_met):
    assert row.is_met is is_met


def test_a_baseline_that_did_nothing_gives_no_ratio():
    assert Row("a", "b", ours=5.0, theirs=0.0).ratio == 0.0


def test_the_table_shows_both_figures_and_the_ratio():
    out = StringIO()
    show(
        [Row("door, 64 senders", "1 kB fdatasync", 50_000, 100, 100.0, p99=104_512.0)],
        Console(file=out, width=100),
    )
    for words in ("door, 64 senders", "1 kB fdatasync", "50,000", "104,512", "500.00", "100 x met"):
        assert words in out.getvalue()


def test_rows_are_kept_as_flat_objects(tmp_path):
    keep([PLAIN], tmp_path / "figures.json")
    (kept,) = json.loads((tmp_path / "figures.json").read_text())
    assert kept["ratio"] == 0.5
    assert kept["is_met"] is None
    assert all(not isinstance(value, dict | list) for value in kept.values())


def test_another_unit_is_shown_with_its_figures():
    out = StringIO()
    show([Row("start", "bare", 1.5, 0.25, unit="s", most=2.0)], Console(file=out, width=100))
    for words in ("1.5 s", "0.25 s", "≤ 2 s met"):
        assert words in out.getvalue()
