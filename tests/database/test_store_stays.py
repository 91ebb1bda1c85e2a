"""Stays and their events, kept and found again."""

import re
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import Connection, event, text

from alerts.model.bodies import stay_from_text
from alerts.model.events import AdtEvent, Answer, Answered, EventKind, FactKind, FactRecorded
from alerts.model.identity import IdentifierKind
from alerts.model.register import CaredFor
from alerts.model.stay import Stay, StayStatus
from alerts.store import alerts as alert_store
from alerts.store import stays
from service.database import Database
from tests.support.outbox_rows import told
from tests.support.records import (
    NOW,
    Learned,
    a_number,
    a_patient,
    a_registration,
    a_stay,
    a_task,
)

FACT = FactRecorded(FactKind.INFORMED, "LANCARERS/R1", NOW, "Nurse Bell", "phone", "By phone")
ANSWER = Answered("task-1", Answer.SEEN, NOW, "Nurse Bell")
MESSAGE = AdtEvent(EventKind.ADMITTED, NOW, NOW, NOW, "C1", "pas", "V1001")


def _keep(tx: Connection, stay: Stay, last_order: str, wake_at: datetime | None) -> None:
    shelf = stays.Shelf(tx)
    shelf.save(stay, last_order, stays.Ahead(wake_at))
    shelf.flush()


def test_what_was_saved_twice_is_written_once_as_it_stands_last(database: Database):
    with database.write() as tx:
        shelf = stays.Shelf(tx)
        shelf.fetch(["stay-1", "stay-2"])
        shelf.save(a_stay(), "order-1", stays.Ahead())
        shelf.save(a_stay(ward="M4"), "order-2", stays.Ahead(NOW, NOW, 2))
        assert shelf.load("stay-1") == (a_stay(ward="M4"), "order-2", NOW, 2)
        assert stays.load(tx, "stay-1") is None
        shelf.flush()
        assert stays.load(tx, "stay-1") == (a_stay(ward="M4"), "order-2", NOW, 2)
        assert shelf.load("stay-2") is None


def test_a_stay_comes_back_as_it_was_kept(database: Database):
    with database.write() as tx:
        _keep(tx, a_stay(), "order-1", None)
    with database.read() as tx:
        assert stays.load(tx, "stay-1") == (a_stay(), "order-1", None, 0)
        assert stays.load(tx, "stay-2") is None


def test_keeping_a_stay_again_replaces_it(database: Database):
    moved = a_stay(ward="M4", status=StayStatus.DISCHARGED)
    with database.write() as tx:
        _keep(tx, a_stay(), "order-1", NOW)
        _keep(tx, moved, "order-2", None)
    with database.write() as tx:
        assert stays.load(tx, "stay-1") == (moved, "order-2", None, 0)
        assert stays.due_to_wake(tx, NOW, 10) == []


def test_only_what_changed_is_written_and_the_row_says_what_was_kept_last(database: Database):
    """SQLite would write the entries of all indexes of the columns that are named."""
    said: list[str] = []
    steps = ((a_stay(ward="M4"), "2", NOW), (a_stay(ward="M4"), "2", None), (a_stay(), "3", NOW))
    with database.write() as tx:
        _keep(tx, a_stay(), "1", NOW)
        event.listen(tx, "before_cursor_execute", lambda *told: said.append(told[2]))
        shelf = stays.Shelf(tx)
        for stay, order, wake_at in steps:
            shelf.save(stay, order, stays.Ahead(wake_at))
            shelf.flush()
        (row,) = tx.execute(text("SELECT ward, last_order, body, version FROM stay"))
        assert stays.due_to_wake(tx, NOW, 1) == ["stay-1"]
    sets = [each.split(" WHERE ")[0] for each in said if each.startswith("UPDATE stay SET ")]
    assert [set(re.findall(r"(\w+)=", each)) for each in sets] == [
        {"ward", "last_order", "body", "version"},
        {"wake_at", "version"},
        {"ward", "last_order", "wake_at", "body", "version"},
    ]
    assert (row.ward, row.last_order, row.version) == ("M7A", "3", 4)
    assert stay_from_text(row.body) == a_stay()


def test_a_stay_of_which_little_is_known_is_kept_too(database: Database):
    bare = replace(
        a_stay(patient=a_patient(identifiers=(), family=None, birth_date=None)),
        place=None,
        last_event_at=None,
    )
    with database.write() as tx:
        _keep(tx, bare, "", None)
        assert stays.load(tx, bare.id) == (bare, "", None, 0)


def test_events_come_by_event_time_and_equal_ones_in_order_of_arrival(database: Database):
    with database.write() as tx:
        shelf = stays.Shelf(tx)
        shelf.append_event("stay-1", "2", ANSWER, Learned(actor="Nurse Bell"))
        shelf.append_event("stay-1", "1", MESSAGE, Learned(entry=7))
        assert shelf.events("stay-1") == [MESSAGE, ANSWER]
        shelf.append_event("stay-1", "2", FACT, Learned(actor="Nurse Bell"))
        shelf.append_event("stay-2", "0", MESSAGE, Learned(entry=8))
        shelf.flush()
    with database.read() as tx:
        assert stays.events(tx, "stay-1") == [MESSAGE, ANSWER, FACT]


def test_what_is_added_to_a_stay_stands_among_what_is_written_of_it(database: Database):
    with database.write() as tx:
        _keep(tx, a_stay(), "2", None)
        shelf = stays.Shelf(tx)
        shelf.append_event("stay-1", "2", ANSWER, Learned(actor="Nurse Bell"))
        shelf.flush()
        later = stays.Shelf(tx)
        later.append_event("stay-1", "2", FACT, Learned(actor="Nurse Bell"))
        later.append_event("stay-1", "1", MESSAGE, Learned(entry=7))
        assert later.events("stay-1") == [MESSAGE, ANSWER, FACT]


def test_stays_wake_when_their_time_has_come_longest_waiting_first(database: Database):
    times = {"late": NOW, "early": NOW - timedelta(hours=1), "future": NOW + timedelta(seconds=1)}
    with database.write() as tx:
        for name, at in times.items():
            _keep(tx, a_stay(id=name), "1", at)
        _keep(tx, a_stay(id="never"), "1", None)
        assert stays.due_to_wake(tx, NOW, 10) == ["early", "late"]
        assert stays.due_to_wake(tx, NOW, 1) == ["early"]


@pytest.mark.parametrize(
    ("patient", "is_concerned"),
    [
        (a_patient(family="Other", birth_date=None), True),  # the number alone
        (a_patient(identifiers=()), True),  # name and birth date
        (a_patient(identifiers=(), family="CÁRSWELL"), True),  # the name in another spelling
        (a_patient(identifiers=(), birth_date=date(1948, 2, 12)), False),
        (a_patient(identifiers=(), family="Cars"), False),
        # the NHS number is the second of two
        (
            a_patient(
                identifiers=(a_number("9990000026", IdentifierKind.CHI), a_number()), family="Other"
            ),
            True,
        ),
    ],
)
def test_an_import_finds_the_open_stays_it_concerns(
    database: Database, patient: object, is_concerned: bool
):
    with database.write() as tx:
        _keep(tx, a_stay(patient=patient), "1", None)
        found = stays.concerned(tx, [a_registration()])
    assert found == (["stay-1"] if is_concerned else [])


def test_an_import_leaves_stays_that_ended_alone(database: Database):
    with database.write() as tx:
        _keep(tx, a_stay(status=StayStatus.DISCHARGED), "1", None)
        assert stays.concerned(tx, [a_registration()]) == []


def test_an_import_finds_the_stay_that_was_told_even_where_the_person_now_differs(
    database: Database,
):
    other = CaredFor(a_number("9990000034"), "Morag", "Weir", date(1950, 1, 1))
    with database.write() as tx:
        _keep(tx, a_stay(), "1", None)
        alert_store.record(tx, [(a_task(), told())])
        assert stays.concerned(tx, [a_registration(patient=other)]) == ["stay-1"]
