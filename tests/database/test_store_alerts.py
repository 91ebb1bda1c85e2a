"""Tasks and notices as they stand, and their versions."""

import json

from alerts.delivery import Route
from alerts.model.alert import TaskCode, TaskStatus
from alerts.store import alerts, outbox
from service.database import Database
from tests.support.records import NOW, WARD, a_notice, a_task


def test_what_was_raised_for_a_stay_comes_back(database: Database):
    with database.write() as tx:
        assert alerts.record(tx, a_task(), "{}", 7, NOW) == 1
        assert alerts.record(tx, a_notice(), "{}", None, NOW) == 1
        assert alerts.record(tx, a_task(id="elsewhere", stay="stay-2"), "{}", None, NOW) == 1
    with database.read() as tx:
        assert set(alerts.raised_for(tx, ["stay-1"])["stay-1"]) == {a_task(), a_notice()}
        assert alerts.get(tx, "notice-1") == a_notice()
        assert alerts.get(tx, "none") is None


def test_a_change_is_a_new_version_and_a_repeat_is_none(database: Database):
    with database.write() as tx:
        assert alerts.record(tx, a_task(), _rendered("a"), 1, NOW) == 1
        assert alerts.record(tx, a_task(), _rendered("a", lastModified="later"), 2, NOW) is None
        assert alerts.record(tx, a_task(urgent=True), _rendered("b"), 4, NOW) == 2


def test_what_only_we_keep_is_kept_and_is_no_new_version(database: Database):
    done = a_task(status=TaskStatus.COMPLETED)
    with database.write() as tx:
        alerts.record(tx, a_task(), _rendered("a"), 1, NOW)
        assert alerts.record(tx, done, _rendered("a"), 3, NOW) is None
        assert alerts.get(tx, "task-1") == done
        assert alerts.record(tx, done, _rendered("b"), 4, NOW) == 2


def test_a_task_was_delivered_once_its_parcel_was_sent(database: Database):
    posting = outbox.Posting("task-1", "stay-1", "Task", 1, WARD, Route("inbox", "inbox"), "{}")
    with database.write() as tx:
        alerts.record(tx, a_task(), "{}", None, NOW)
        assert not alerts.was_delivered(tx, "stay-1", TaskCode.INVOLVE_CARER)
        outbox.put(tx, posting, NOW, sent=True)
        assert alerts.was_delivered(tx, "stay-1", TaskCode.INVOLVE_CARER)
        assert not alerts.was_delivered(tx, "stay-1", TaskCode.CONTACT_CARER)


def _rendered(says: str, **more: str) -> str:
    return json.dumps({"resourceType": "Task", "description": says, **more})
