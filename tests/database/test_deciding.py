"""A register is shown at once, whoever is concerned is decided again, and kills lose nothing."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select, text

from alerts.model.identity import IdentifierKind
from alerts.model.register import CaredFor, Registration
from alerts.store import imports, register, requests
from alerts.store.tables import registration
from ingest import failpoints
from service import deciding
from service.database import Database, connect
from service.pipeline import Progress, set_aside
from service.running import ALL_ROLES, Running
from service.settings import Settings
from tests.support.adt import Adt
from tests.support.line import TestLine
from tests.support.people import JEAN
from tests.support.records import a_number

HUGH = Adt()
MORAG = CaredFor(a_number("9990000026", IdentifierKind.NHS), "Morag", "Other", date(1950, 1, 1))


class Killed(BaseException):
    """What a kill is to the transaction in hand."""


@pytest.fixture
def line(database: Database) -> TestLine:
    return TestLine(database)


@pytest.fixture(autouse=True)
def _disarm():
    yield
    failpoints.arm(None)


def _rows(count: int, since: int = 0) -> list[Registration]:
    return [
        replace(JEAN, registration_id=f"M{number}", patient=MORAG)
        for number in range(since, since + count)
    ]


def _seen(line: TestLine) -> int:
    with line.database.read() as tx:
        chosen = select(func.count()).select_from(registration).where(register.STANDS)
        return int(tx.execute(chosen).scalar_one())


def _strike(point: str, times: int = 1) -> Callable[[str], None]:
    passed = []

    def struck(name: str) -> None:
        passed.append(name)
        if name == point and passed.count(point) == times:
            raise Killed

    return struck


@pytest.mark.parametrize("times", [1, 3])
def test_a_kill_while_rows_are_taken_in_leaves_nothing_to_be_seen(line: TestLine, times: int):
    line.registered(JEAN)
    failpoints.arm(_strike("rows-brought", times))
    changed = replace(JEAN, ended_on=date(2020, 1, 1))
    with pytest.raises(Killed):
        deciding.import_register(line.line, [changed, *_rows(900)])
    failpoints.arm(None)
    assert _seen(line) == 1
    while deciding.go_on(line.line):
        assert _seen(line) == 1
    with line.database.read() as tx:
        assert tx.execute(text("select count(*) from registration")).scalar_one() == 1
        assert register.get(tx, JEAN.key) == JEAN
    assert deciding.import_register(line.line, [changed, *_rows(900)]).new == 900
    assert _seen(line) == 901


def test_an_import_that_fell_silent_is_undone_by_whoever_comes_next(line: TestLine):
    with line.database.write() as tx:
        known = imports.begin(tx, line.clock.at)
        assert known is not None
        imports.bring(tx, known, _rows(3), line.clock.at)
    assert not deciding.go_on(line.line)
    waiting = threading.Thread(target=lambda: deciding.import_register(line.line, [JEAN]))
    waiting.start()
    waiting.join(0.3)
    assert waiting.is_alive()
    line.clock.at += timedelta(seconds=61)
    waiting.join(20)
    assert not waiting.is_alive()
    assert _seen(line) == 1
    with pytest.raises(imports.Overtaken), line.database.write() as tx:
        imports.show(tx, known, (), line.clock.at)


@pytest.mark.parametrize("point", ["register-shown", "import-step", "requests-decided"])
def test_a_kill_after_it_is_shown_is_gone_on_from_by_the_worker(line: TestLine, point: str):
    line.take(HUGH)
    failpoints.arm(_strike(point))
    with pytest.raises(Killed):
        deciding.import_register(line.line, [*_rows(450), JEAN])
    failpoints.arm(None)
    if point == "register-shown":  # the transaction that shows was killed: nobody saw anything
        assert _seen(line) == 0
        deciding.import_register(line.line, [*_rows(450), JEAN], wait=False)
    line.work()
    assert _seen(line) == 451
    assert any(told.startswith("involve-carer ") for told in line.told())
    with line.database.read() as tx:
        assert requests.waiting(tx) == 0
        assert tx.execute(text("select count(*) from register_import where state not in "
                               "('done', 'undone')")).scalar_one() == 0  # fmt: skip


def test_readers_see_all_of_an_import_or_nothing_while_it_is_taken_in(line: TestLine):
    line.registered(*_rows(1000))
    seen = []
    watch = deciding.Watch(taken=lambda _done: seen.append(_seen(line)))
    changed = [replace(row, ended_on=date(2020, 1, 1)) for row in _rows(1000)]
    imported = deciding.import_register(line.line, [*changed, *_rows(500, since=1000)], watch)
    assert (imported.new, imported.changed, imported.same) == (500, 1000, 0)
    assert set(seen) == {1000}
    assert len(seen) == 8
    assert _seen(line) == 1500


def test_progress_tells_what_is_taken_in_and_which_stays_are_decided(line: TestLine):
    line.take(HUGH)
    told: list[tuple[int, ...]] = []
    watch = deciding.Watch(lambda done: told.append((done,)), lambda *both: told.append(both))
    deciding.import_register(line.line, [JEAN], watch)
    assert told == [(1,), (1, 1)]


def test_every_stay_is_found_however_many_rows_there_are_in_whatever_order(line: TestLine):
    odd = [
        replace(JEAN, registration_id=name, patient=MORAG)
        for number in range(150)
        for name in (f"a{number}", f"A{number}", f"é-{number}")
    ]
    line.registered(*odd, JEAN)
    line.take(HUGH)
    assert any(told.startswith("involve-carer ") for told in line.told())
    ended = [replace(row, ended_on=date(2020, 1, 1)) for row in (*odd, JEAN)]
    deciding.import_register(line.line, ended)
    assert "involve-carer ward:L302H/M7A cancelled" in line.told()


def test_without_waiting_the_worker_decides(line: TestLine):
    line.take(HUGH)
    deciding.import_register(line.line, [JEAN], wait=False)
    assert not any(told.startswith("involve-carer ") for told in line.told())
    line.work()
    assert any(told.startswith("involve-carer ") for told in line.told())


@pytest.mark.parametrize(
    "changed",
    [
        replace(JEAN, patient=MORAG),
        replace(JEAN, ended_on=date(2020, 1, 1)),
    ],
)
def test_a_correction_reaches_a_stay_that_has_ended(line: TestLine, changed: Registration):
    line.registered(JEAN)
    line.take(HUGH, HUGH.later("A03", 4))
    before = line.told()
    assert any(told.startswith("contact-carer ") for told in before)
    deciding.import_register(line.line, [changed])
    assert not [told for told in line.told() if told in before and told.endswith("requested")]


def test_a_stay_that_a_bug_meets_is_set_aside_alone_and_the_others_are_decided(line: TestLine):
    line.take(HUGH, HUGH.but(visit="V2", number="9990000034", family="Weir"))
    with line.database.write() as tx:
        bad = tx.execute(text("select id from stay order by id")).scalars().first()
        tx.execute(text("update stay set body = '{}' where id = :bad"), {"bad": bad})
        ids = list(tx.execute(text("select id from stay")).scalars())
        requests.request(tx, ids, requests.Why.MATCH, line.clock.at)
    progress = Progress()
    for _ in range(20):
        set_aside(line.line, progress)
        try:
            deciding.decide_next(line.line, progress)
        except Exception as failure:  # noqa: BLE001 - as the worker does
            progress.failure = failure
    with line.database.read() as tx:
        left = tx.execute(text("select stay from decide_request")).scalars().all()
        assert left == [bad]
        assert not requests.is_any_due(tx, line.clock.at)
        assert requests.is_any_due(tx, line.clock.at + timedelta(minutes=16))


@pytest.mark.postgresql
def test_an_admission_and_an_import_at_the_same_moment_do_not_miss_each_other(
    postgresql_url: str,
):
    with connect(postgresql_url) as database:
        line = TestLine(database)
        line.take_in(HUGH)
        importing = threading.Thread(target=lambda: deciding.import_register(line.line, [JEAN]))

        def struck(name: str) -> None:
            if name == "batch-decided":
                failpoints.arm(None)
                importing.start()  # decided without the register, and not committed yet
                importing.join(0.3)
                assert importing.is_alive()

        failpoints.arm(struck)
        line.work()
        importing.join(20)
        assert not importing.is_alive()
        assert any(told.startswith("involve-carer ") for told in line.told())


def test_another_site_file_has_what_is_open_decided_at_start(database: Database, tmp_path):
    line = TestLine(database)
    wards = tuple(replace(ward, live=False) for ward in line.site.wards)
    quiet = TestLine(database, site=replace(line.site, wards=wards))
    settings = Settings.load(
        {"THINKCARER_DATABASE_URL": "sqlite:///x" if _is_sqlite(database) else "postgresql://x/x"},
        False,
    )
    Running(settings, database, quiet.line, ALL_ROLES)._prepare()
    quiet.registered(JEAN)
    quiet.take(HUGH)
    assert not any(told.startswith("involve-carer ") for told in quiet.told())
    line.clock.at = quiet.clock.at
    Running(settings, database, line.line, ALL_ROLES)._prepare()
    with database.read() as tx:
        assert requests.waiting(tx) == 1
    line.work()
    assert any(told.startswith("involve-carer ") for told in line.told())
    Running(settings, database, line.line, ALL_ROLES)._prepare()
    with database.read() as tx:
        assert requests.waiting(tx) == 0


def _is_sqlite(database: Database) -> bool:
    with database.read() as tx:
        return tx.dialect.name == "sqlite"
