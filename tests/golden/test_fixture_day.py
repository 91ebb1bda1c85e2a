"""Golden twins: what each message of the fixture day becomes, word for word.

``UPDATE_GOLDEN=1`` writes them anew; read the difference before you keep it.
"""

import json
import os
from pathlib import Path

import pytest

from service.database import connect
from tests.support.databases import sqlite_copy
from tests.support.fixture_day import (
    EXPECTED,
    a_line_with_the_register,
    newest,
    play,
    what_came_of_it,
)


@pytest.fixture(scope="module")
def day(
    migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, object]]:
    """Each message's name with what came of it."""
    played = {}
    with connect(sqlite_copy(migrated_sqlite, tmp_path_factory.mktemp("day"))) as database:
        line = a_line_with_the_register(database)
        seen = newest(line)
        for message in play(line):
            played[message.name] = what_came_of_it(line, *seen)
            seen = newest(line)
    return played


def test_every_message_of_the_fixture_day_becomes_its_golden_twin(
    day: dict[str, dict[str, object]],
):
    if os.environ.get("UPDATE_GOLDEN"):
        for name, outcome in day.items():
            file = EXPECTED / f"{name}.json"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(outcome, indent=1, ensure_ascii=False) + "\n")
    wrong = {
        name: outcome
        for name, outcome in day.items()
        if json.loads((EXPECTED / f"{name}.json").read_text()) != outcome
    }
    assert not wrong, json.dumps(wrong, indent=1)[:4000]


def test_every_golden_twin_has_its_message(day: dict[str, dict[str, object]]):
    twins = {str(f.relative_to(EXPECTED).with_suffix("")) for f in EXPECTED.glob("*/*.json")}
    assert twins == set(day)


def test_every_message_ends_in_one_row_or_is_a_repeat(day: dict[str, dict[str, object]]):
    for name, outcome in day.items():
        rows = outcome["journal"]
        assert isinstance(rows, list)
        assert len(rows) <= 1, name
        assert all(row["state"] != "waiting" for row in rows), name
