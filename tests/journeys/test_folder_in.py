"""The drop folder: still files are taken whole, nothing else is, and nothing is lost."""

import gzip
import io
import os
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ingest.folder import DONE, REFUSED, STILL_FOR, Watching
from ingest.receive import Origin, receive
from service.database import connect
from service.logs import ALLOWED
from tests.support.databases import sqlite_copy
from tests.support.door import an_admission
from tests.support.taking import Taking, until

LIMIT = 50_000
ONE, TWO = an_admission(control_id="ONE"), an_admission(control_id="TWO")


@pytest.fixture
def taking(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Taking]:
    with connect(sqlite_copy(migrated_sqlite, tmp_path)) as database:
        yield Taking(database)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "drop"
    made.mkdir()
    return made


def test_a_file_is_taken_once_it_is_still_and_then_moved(taking: Taking, folder: Path):
    (folder / "one.hl7").write_bytes(ONE)
    watching = Watching(folder, taking.door, LIMIT)
    assert watching.look(100.0) == 0
    assert watching.look(100.0 + STILL_FOR - 0.1) == 0
    assert watching.look(100.0 + STILL_FOR) == 1
    [row] = taking.rows()
    assert (row.control_id, row.state, row.source) == ("ONE", "waiting", "folder:one.hl7")
    assert (folder / DONE / "one.hl7").read_bytes() == ONE
    assert not (folder / "one.hl7").exists()


def test_a_file_that_still_grows_is_left_alone(taking: Taking, folder: Path):
    file = folder / "day.hl7"
    watching = Watching(folder, taking.door, LIMIT)
    file.write_bytes(ONE[:20])
    watching.look(0.0)
    file.write_bytes(ONE)
    assert watching.look(STILL_FOR) == 0
    assert taking.rows() == []
    assert watching.look(2 * STILL_FOR) == 1
    assert [row.control_id for row in taking.rows()] == ["ONE"]


@pytest.mark.parametrize("name", ["one.hl7.part", "one.tmp", ".one.hl7", "one", "one.txt"])
def test_names_in_progress_and_of_others_are_left_alone(taking: Taking, folder: Path, name: str):
    (folder / name).write_bytes(ONE)
    assert _looked(Watching(folder, taking.door, LIMIT)) == 0
    assert (folder / name).exists()


def test_an_empty_file_waits(taking: Taking, folder: Path):
    (folder / "one.hl7").touch()
    assert _looked(Watching(folder, taking.door, LIMIT)) == 0


def test_a_batch_is_taken_in_order_and_its_count_is_held_against_it(taking: Taking, folder: Path):
    good = b"FHS|^~\\&\rBHS|^~\\&\r" + ONE + TWO + b"BTS|2\rFTS|1\r"
    short = b"BHS|^~\\&\r" + an_admission(control_id="THREE") + b"BTS|9\r"
    (folder / "a.hl7").write_bytes(good)
    (folder / "b.hl7").write_bytes(short)
    os.utime(folder / "a.hl7", (1, 1))
    _looked(Watching(folder, taking.door, LIMIT))
    assert [(row.control_id, row.state) for row in taking.rows()] == [
        ("ONE", "waiting"),
        ("TWO", "waiting"),
        ("THREE", "waiting"),
        ("", "parked"),
    ]
    assert taking.counts.counted["folder_refused"] == 1
    assert (folder / DONE / "b.hl7").exists()


def test_what_stands_before_the_first_message_is_kept_too(taking: Taking, folder: Path):
    (folder / "a.hl7").write_bytes(b"a note to the reader\r" + ONE + TWO)
    _looked(Watching(folder, taking.door, LIMIT))
    assert [row.state for row in taking.rows()] == ["parked", "waiting", "waiting"]


@pytest.mark.parametrize("name", ["day.zip", "day.hl7", "day.hl7.gz"])
def test_an_archive_is_never_unpacked_and_a_person_is_told(taking: Taking, folder: Path, name: str):
    packed = io.BytesIO()
    if name.endswith("gz"):
        packed.write(gzip.compress(ONE * 100))
    else:
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("../../escaped.hl7", ONE)
            archive.writestr("bomb.hl7", b"\0" * 50_000_000)
    (folder / name).write_bytes(packed.getvalue())
    _looked(Watching(folder, taking.door, LIMIT))
    [row] = taking.rows()
    assert (row.state, row.source) == ("parked", f"folder:{name}")
    assert row.reason == "an archive, which is never unpacked"
    assert (folder / REFUSED / name).exists()
    assert not list(folder.parent.rglob("escaped.hl7"))


def test_links_are_not_followed_and_not_touched(taking: Taking, folder: Path, tmp_path: Path):
    secret = tmp_path / "secret.txt"
    secret.write_bytes(ONE)
    (folder / "soft.hl7").symlink_to(secret)
    (folder / "up.hl7").symlink_to("../secret.txt")
    os.link(secret, folder / "hard.hl7")
    os.mkfifo(folder / "pipe.hl7")
    watching = Watching(folder, taking.door, LIMIT)
    assert _looked(watching) == 0
    _looked(watching)
    assert taking.rows() == []
    assert taking.counts.counted["folder_refused"] == 4
    assert secret.read_bytes() == ONE


def test_a_file_that_becomes_a_link_between_look_and_open_is_not_read(
    taking: Taking, folder: Path, tmp_path: Path
):
    (tmp_path / "secret.txt").write_bytes(ONE)
    (folder / "one.hl7").write_bytes(TWO)

    class Swapping(Watching):
        def _take(self, name: str) -> None:
            (folder / name).unlink()
            (folder / name).symlink_to(tmp_path / "secret.txt")
            super()._take(name)

    _looked(Swapping(folder, taking.door, LIMIT))
    assert taking.rows() == []
    assert (tmp_path / "secret.txt").read_bytes() == ONE


def test_what_is_written_to_a_file_after_it_was_read_is_read_too(taking: Taking, folder: Path):
    (folder / "day.hl7").write_bytes(ONE)

    class Late(Watching):
        def _store(self, parts, origin):
            super()._store(parts, origin)
            if len(parts.blocks) == 1:
                with (folder / "day.hl7").open("ab") as file:
                    file.write(TWO)

    watching = Late(folder, taking.door, LIMIT)
    _looked(watching)
    assert (folder / "day.hl7").exists()
    _looked(watching)
    assert [row.control_id for row in taking.rows()] == ["ONE", "TWO"]
    assert not (folder / "day.hl7").exists()


def test_a_message_over_the_limit_is_parked_and_the_rest_is_taken(taking: Taking, folder: Path):
    big = an_admission(control_id="BIG") + b"ZZZ|" + b"x" * LIMIT + b"\r"
    (folder / "day.hl7").write_bytes(ONE + big + TWO)
    _looked(Watching(folder, taking.door, LIMIT))
    assert {row.control_id: row.state for row in taking.rows()} == {
        "ONE": "waiting",
        "BIG": "parked",
        "TWO": "waiting",
    }


def test_a_file_stays_until_its_last_message_is_safe(taking: Taking, folder: Path):
    (folder / "day.hl7").write_bytes(ONE + TWO)
    with _watching(taking, folder) as watching:
        taking.is_down = True
        until(lambda: watching.fault() is not None)
        assert "journal cannot store" in (watching.fault() or "")
        assert (folder / "day.hl7").exists()
        taking.is_down = False
        taking.wait_for(2)
        until(lambda: (folder / DONE / "day.hl7").exists())
        until(lambda: watching.fault() is None)


def test_a_file_that_was_stored_and_not_moved_has_one_effect(taking: Taking, folder: Path):
    receive(ONE, Origin("10.0.0.1"), taking.door)
    (folder / "one.hl7").write_bytes(ONE.rstrip(b"\r") + b"\r\n")
    with capture_logs() as told:
        _looked(Watching(folder, taking.door, LIMIT))
    assert [(row.control_id, row.repeats) for row in taking.rows()] == [("ONE", 1)]
    done = {"event": "file_done", "source": "folder:one.hl7", "messages": 1, "repeats": 1}
    assert done | {"log_level": "info"} in told
    assert set(done) <= ALLOWED


def test_two_watchers_of_one_folder_do_no_harm(taking: Taking, folder: Path):
    names = [f"{n:03d}" for n in range(30)]
    with _watching(taking, folder), _watching(taking, folder):
        for name in names:
            (folder / f"{name}.part").write_bytes(an_admission(control_id=name))
            (folder / f"{name}.part").rename(folder / f"{name}.hl7")
        rows = taking.wait_for(30)
        until(lambda: len(list((folder / DONE).glob("*.hl7"))) == 30)
    assert sorted(row.control_id for row in rows) == names


def test_a_second_file_of_the_same_name_overwrites_nothing(taking: Taking, folder: Path):
    for content in (ONE, TWO):
        (folder / "one.hl7").write_bytes(content)
        _looked(Watching(folder, taking.door, LIMIT))
    kept = {file.read_bytes() for file in (folder / DONE).iterdir()}
    assert kept == {ONE, TWO}


def test_a_folder_that_goes_away_is_said(taking: Taking, folder: Path):
    with _watching(taking, folder) as watching:
        folder.rmdir()
        until(lambda: "cannot be used" in (watching.fault() or ""))
        folder.mkdir()
        (folder / "one.hl7").write_bytes(ONE)
        taking.wait_for(1)
    assert watching.fault() is None


def test_a_fault_of_the_folder_is_logged_once_with_its_name(taking: Taking, folder: Path):
    looks = []

    class Counting(Watching):
        def look(self, now: float) -> int:
            looks.append(now)
            return super().look(now)

    folder.rmdir()
    watching = Counting(folder, taking.door, LIMIT)
    with capture_logs() as told:
        watching.start()
        until(lambda: len(looks) == 3)
        watching.stop()
    [fault] = told
    assert (fault["event"], fault["source"]) == ("folder_failed", f"folder:{folder}")
    assert "No such file or directory" in fault["reason"]
    assert "this user must read and write it" in fault["reason"]


def _looked(watching: Watching) -> int:
    watching.look(time.monotonic())
    return watching.look(time.monotonic() + STILL_FOR)


@contextmanager
def _watching(taking: Taking, folder: Path) -> Iterator[Watching]:
    watching = Watching(folder, replace(taking.door), LIMIT)
    watching.start()
    try:
        yield watching
    finally:
        watching.stop()
