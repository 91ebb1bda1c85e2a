"""Every row that can be measured is in the bench's table, and no other."""

import re
from pathlib import Path

from bench.__main__ import ROWS

README = Path(__file__).resolve().parents[2] / "bench" / "README.md"


def test_the_table_names_every_row_once_in_its_order():
    assert re.findall(r"^\| `([a-z-]+)` \|", README.read_text(), re.MULTILINE) == list(ROWS)
