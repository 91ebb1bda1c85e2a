"""Tasks and notices as they stand, and their versions."""

from alerts.delivery import Route
from alerts.model.alert import TaskCode, TaskStatus
from alerts.store import alerts, outbox
from alerts.telling import Cause
from service.database import Database
from tests.support.outbox_rows import told
from tests.support.records import NOW, WARD, a_notice, a_task


def test_what_was_raised_for_a_stay_comes_back_with_what_its_reader_holds(database: Database):
    with database.write() as tx:
        for alert in (a_task(), a_notice(), a_task(id="elsewhere", stay="stay-2")):
            alerts.record(tx, [(alert, told())])
    with database.read() as tx:
        held = alerts.raised_for(tx, ["stay-1"])["stay-1"]
        assert {each.alert for each in held} == {a_task(), a_notice()}
        assert {(each.version, each.facts) for each in held} == {(1, '{"a": 1}')}
        assert alerts.get(tx, "notice-1") == a_notice()
        assert alerts.get(tx, "none") is None


def test_every_version_is_kept_with_what_made_it(database: Database):
    first = told(entry=7, cause=Cause.MESSAGE)
    second = told(2, rendered='{"b": 2}', cause=Cause.PERSON, by="S. Mackie")
    with database.write() as tx:
        alerts.record(tx, [(a_task(), first)])
        alerts.record(tx, [(a_task(urgent=True), second)])
        assert alerts.versions(tx, "task-1") == (first, second)
        assert alerts.rendered(tx, "task-1", 2) == '{"b": 2}'
        assert alerts.rendered(tx, "task-1", 3) is None
        assert alerts.get(tx, "task-1") == a_task(urgent=True)


def test_what_only_we_keep_is_kept_and_is_no_new_version(database: Database):
    done = a_task(status=TaskStatus.COMPLETED)
    with database.write() as tx:
        alerts.record(tx, [(a_task(), told())])
        alerts.note(tx, done)
        assert alerts.get(tx, "task-1") == done
        assert alerts.versions(tx, "task-1") == (told(),)


def test_a_task_was_delivered_once_its_parcel_was_sent(database: Database):
    posting = outbox.Posting(
        "task-1", "stay-1", "Task", 1, WARD, Route("inbox", "inbox"), is_sent=True
    )
    with database.write() as tx:
        alerts.record(tx, [(a_task(), told())])
        assert not alerts.was_delivered(tx, "stay-1", TaskCode.INVOLVE_CARER)
        outbox.put(tx, [posting], NOW)
        assert alerts.was_delivered(tx, "stay-1", TaskCode.INVOLVE_CARER)
        assert not alerts.was_delivered(tx, "stay-1", TaskCode.CONTACT_CARER)
