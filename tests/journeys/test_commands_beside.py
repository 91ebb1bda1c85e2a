"""Commands that people type beside the service: what they print when not all is well."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import insert

from ingest.journal import journal
from service.database import connect
from tests.support.adt import Adt
from tests.support.databases import sqlite_copy
from tests.support.forked import ROOT
from tests.support.running_service import RunningService, send_one

ONE, TWO = Adt(control_id="ONE").raw(), Adt(control_id="TWO").raw()
LONGER_THAN_A_TRANSACTION_STANDS_IDLE = 6.0
"""Seconds; PostgreSQL ends it after five."""
LONG_ID = "a-control-id-that-no-table-of-80-columns-holds-" + "9" * 60


@pytest.fixture
def service(migrated_sqlite: Path, tmp_path: Path) -> Iterator[RunningService]:
    made = RunningService(tmp_path, sqlite_copy(migrated_sqlite, tmp_path))
    yield made
    made.end()


def test_a_file_without_a_message_stops_the_sending_before_it_begins(service: RunningService):
    service.start()
    good = _file(service, "good.hl7", ONE)
    for content in (b"", b"not HL7 at all", b"PK\x03\x04 a zip", ONE.decode().encode("utf-16")):
        bad = _file(service, "bad.hl7", content)
        done = _send(service, good, bad)
        assert done == (
            1,
            "",
            f"{bad}: there is no HL7 message in it (no line begins with MSH); nothing was sent.\n",
        )
    assert service.rows("journal") == []


def test_what_of_a_file_was_not_sent_is_told_and_ends_with_1(service: RunningService):
    service.start()
    note = _file(service, "note.hl7", b"a note\r" + ONE)
    short = _file(service, "short.hl7", b"BHS|^~\\&\r" + TWO + b"BTS|2\r")
    code, printed, told = _send(service, note, short)
    assert (code, printed) == (1, "AA 2\n")
    assert f"{note}: text before the first MSH was not sent." in told
    assert f"{short}: the batch says 2 messages, and 1 came." in told


def test_a_sending_that_stops_says_how_many_were_not_tried(service: RunningService):
    to = f"127.0.0.1:{service.mllp_port}"
    code, printed, told = _send(service, _file(service, "day.hl7", ONE + TWO + ONE))
    assert (code, printed) == (1, "Nothing.\n")
    assert told.strip() == (
        f"Stopped at ONE: no answer from {to} (ConnectionRefusedError). 0 accepted; this one and "
        f"the 2 after it were not sent. See that the service runs at {to}, then send the same "
        "files again."
    )


def test_each_entry_that_is_not_requeued_has_its_reason(service: RunningService):
    service.start()
    stranger = ONE.replace(b"|TRAK|", b"|STRANGER|", 1)
    assert stranger != ONE
    send_one(service.mllp_port, [stranger])
    service.stop()
    done = service.command("journal", "requeue", "1", "9")
    assert (done.returncode, done.stdout) == (1, "0 requeued.\n")
    assert "1: still no feed of the site file names its sender.\n" in done.stderr
    assert "9: there is no such entry.\n" in done.stderr


def test_nothing_is_cut_off_in_a_pipe_and_flags_are_shown(service: RunningService):
    service.start()
    first, other = (Adt(control_id=LONG_ID, visit=v).raw() for v in ("V1", "V2"))
    send_one(service.mllp_port, [first, other])
    service.settings = {**service.settings, "COLUMNS": "80", "TZ": "UTC"}
    head, *lines = service.command("journal").stdout.splitlines()
    assert "flags" not in head
    rows = service.rows("journal")
    assert len(lines) == len(rows) == 2
    for line, row in zip(lines, rows, strict=True):
        assert LONG_ID in line
        assert str(row["received_at"])[:19].replace("T", " ") + " " in line
    assert "control-id-reused" in service.command("journal", "show", "2").stdout


def test_what_was_doubtful_in_a_message_is_shown_in_words(service: RunningService):
    service.start()
    send_one(service.mllp_port, [Adt(extra=("PV2|||||||||04/12/2026",)).raw()])
    service.settle()
    shown = json.loads(service.command("journal", "show", "1", "--json").stdout)
    assert shown[0]["doubts"] == "PV2-9 is no possible date in HL7's form, YYYYMMDD"


@pytest.mark.postgresql
def test_a_reader_in_no_hurry_gets_the_whole_list(postgresql_url: str, tmp_path: Path):
    service = RunningService(tmp_path, postgresql_url)
    names = ("source", "peer", "sender", "trigger", "digest", "feed")
    row = dict.fromkeys(names, "") | {"received_at": datetime.now(UTC), "lane": 1, "size": 1}
    with connect(postgresql_url) as database, database.write() as tx:
        rows = [row | {"control_id": f"C{n}", "state": "settled"} for n in range(2_000)]
        tx.execute(insert(journal), [each | {"answer": b""} for each in rows])
    asked = [sys.executable, "-m", "service", "journal", "--json"]
    with subprocess.Popen(asked, cwd=ROOT, env=service.environ, stdout=subprocess.PIPE) as listing:
        assert listing.stdout
        first = listing.stdout.read(1)
        time.sleep(LONGER_THAN_A_TRANSACTION_STANDS_IDLE)
        assert len(json.loads(first + listing.stdout.read())) == 2_000
    assert listing.returncode == 0


def _send(service: RunningService, *files: str) -> tuple[int, str, str]:
    done = service.command("send", *files, "--to", f"127.0.0.1:{service.mllp_port}")
    return done.returncode, done.stdout, done.stderr


def _file(service: RunningService, name: str, content: bytes) -> str:
    file = service.folder / name
    file.write_bytes(content)
    return str(file)
