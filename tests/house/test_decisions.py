"""Every decision is recorded on one page with what it costs."""

import re
from typing import cast

import pytest

from tests.support.tree import ROOT, pyproject

RECORDS = sorted((ROOT / "docs/adr").glob("*.md"))
HEADINGS = ("## Context", "## Decision", "## Consequences")


def test_decisions_are_numbered_without_a_gap():
    assert [file.name[:4] for file in RECORDS] == [f"{n:04}" for n in range(1, len(RECORDS) + 1)]


@pytest.mark.parametrize("record", [file.name for file in RECORDS])
def test_a_decision_has_its_context_and_consequences_on_one_page(record: str):
    lines = (ROOT / "docs/adr" / record).read_text().splitlines()
    assert [line for line in lines if line.startswith("## ")] == list(HEADINGS)
    assert len(lines) <= 60


@pytest.mark.parametrize("record", [file.name for file in RECORDS])
def test_a_decision_is_in_the_list(record: str):
    assert f"adr/{record}" in (ROOT / "docs/README.md").read_text()


def test_every_dependency_has_its_reason():
    record = "".join(
        file.read_text() for file in RECORDS if "dependenc" in file.name or "depend-on" in file.name
    )
    declared = cast("list[str]", pyproject()["project"]["dependencies"])
    names = {re.split(r"[\[>=; ]", each, maxsplit=1)[0] for each in declared}
    rows = set(re.findall(r"^\| ([\w.-]+)(?: \([^)]*\))? \| ", record, re.MULTILINE)) - {"package"}
    assert not rows - names, "no longer used"
    assert not {name for name in names - rows if name not in record.lower()}, "without a reason"
