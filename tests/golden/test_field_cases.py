"""Messages as senders in the field really write them, and what stands for everybody in the end."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerts.model.alert import Task
from mapping.register_csv import RegisterTerms, read
from service.database import connect
from service.probe import LONDON
from service.site import load_site
from tests.support.databases import sqlite_copy
from tests.support.line import TestLine

CASES = Path(__file__).resolve().parents[2] / "fixtures" / "cases"
EXPECTED = json.loads((CASES / "expect.json").read_text())
NOW = datetime(2026, 12, 1, 15, 0, tzinfo=UTC)


@pytest.mark.parametrize("case", EXPECTED, ids=lambda case: case["file"].removesuffix(".hl7"))
def test_a_case_of_the_field_ends_as_it_must(case, migrated_sqlite: Path, tmp_path: Path):
    with connect(sqlite_copy(migrated_sqlite, tmp_path)) as database:
        line = a_line(database)
        for message in messages(case):
            line.take(message)
            line.clock.at += timedelta(seconds=1)
        stands = standing(line, case["registration"])
        newest = max(line.entries(), key=lambda entry: entry.id)
    assert [want for want in case["want"] if not is_there(want, stands)] == [], stands
    assert [no for no in case["no"] if is_there(no, stands)] == [], stands
    if case["journal"]:
        assert newest.state in case["journal"].split("|")


def test_every_file_of_the_folder_is_a_case():
    assert {path.name for path in CASES.glob("*.hl7")} == {case["file"] for case in EXPECTED}


def a_line(database):
    line = TestLine(database, site=load_site(CASES / "site.toml"))
    centres = tuple(centre.code for centre in line.site.centres)
    terms = RegisterTerms(centres=centres, synthetic=True, today=NOW.date())
    found = read((CASES / "register.csv").read_bytes(), terms)
    assert found.faults == ()
    line.clock.at = NOW - timedelta(minutes=1)
    line.registered(*found.rows)
    line.clock.at = NOW
    return line


def messages(case):
    """``{T-30}`` is half an hour ago, ``{D+2}`` the day after tomorrow."""
    text = re.sub(r"\{([TD])([+-]\d+)\}", moment, (CASES / case["file"]).read_text())
    for message in text.strip().split("\n\n"):
        raw = message.replace("\n", "\r").encode() + b"\r"
        yield b"\x0b" + raw if case["transform"] == "start-block" else raw


def moment(found):
    if found[1] == "T":
        return f"{(NOW + timedelta(minutes=int(found[2]))).astimezone(LONDON):%Y%m%d%H%M%S}"
    return f"{NOW.astimezone(LONDON) + timedelta(days=int(found[2])):%Y%m%d}"


def standing(line, registration):
    """``code:status:state:owner`` of each Task, ``COMM category:status`` of each notice."""
    found = []
    for alert in line.alerts():
        if alert.registration and not alert.registration.endswith(f"/{registration}"):
            continue
        if isinstance(alert, Task):
            found.append(f"{alert.code}:{alert.status}:{alert.state}:{alert.recipient.code}")
        else:
            found.append(f"COMM {alert.event}:{alert.status}")
    return sorted(found)


def is_there(words, stands):
    count, _, rest = words.partition("x ") if re.match(r"\d+x ", words) else ("", "", words)
    return stands.count(rest) == int(count) if count else rest in stands
