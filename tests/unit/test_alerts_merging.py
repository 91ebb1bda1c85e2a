"""Our version and theirs put together: nothing recorded is lost, what cannot both be is left."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.merging import OPEN, InConflict, Merged, merge
from alerts.model.alert import NoticeStatus, TaskState, TaskStatus
from alerts.model.events import FactKind
from alerts.sameness import is_same
from mapping.fhir import communication, task
from mapping.fhir.systems import Claims
from tests.support.disclosed import COORDINATOR, a_centre_task, a_fact, a_notice, a_ward_task

Resource = dict[str, object]
CLAIMS = Claims(draft=False)
STATES = "https://thinkcarer.example/CodeSystem/carer-task-state"


def ours(**changes: object) -> str:
    return task.render(a_ward_task(**changes), CLAIMS)


def there(**changes: object) -> str:
    """The first version as it stands at the server, with what its user changed."""
    return json.dumps(json.loads(ours()) | {"meta": {"versionId": "2"}} | changes)


def state(code: str) -> Resource:
    return {"coding": [{"system": STATES, "code": code}]}


def merged(new: str, old: str, *earlier: str) -> Resource:
    result = merge(new, old, earlier)
    assert isinstance(result, Merged), result
    return json.loads(result.payload)


ENDS = ("completed", "failed", "cancelled", "rejected", "entered-in-error")
OUR_OPEN = ("requested", "received", "in-progress")
OUR_ENDS = ("completed", "failed", "cancelled")

STATUSES = [
    # ours, theirs, what both say (None: a person looks)
    *((mine, theirs, max(mine, theirs, key=OPEN.index)) for mine in OUR_OPEN for theirs in OPEN),
    *((mine, theirs, mine) for mine in OUR_ENDS for theirs in OPEN),  # the world ended it
    *((mine, mine, mine) for mine in OUR_ENDS),  # both ended it the same way
    *((mine, theirs, None) for mine in OUR_OPEN for theirs in ENDS),  # ours would re-open
    *((mine, theirs, None) for mine in OUR_ENDS for theirs in ENDS if mine != theirs),
]


@pytest.mark.parametrize(("mine", "theirs", "both"), STATUSES)
def test_the_status_is_the_one_further_on_and_an_end_of_theirs_stands(mine, theirs, both):
    result = merge(ours(status=TaskStatus(mine)), there(status=theirs))
    if both is None:
        assert result == InConflict(f"it was marked as {theirs} there, and ours says {mine}")
    else:
        assert isinstance(result, Merged)
        assert json.loads(result.payload)["status"] == both


INVOLVEMENT = [
    # our state, our status, theirs, what both say
    ("not-informed", "requested", "informed", "informed"),  # they got further
    ("informed", "in-progress", "views-invited", "views-invited"),
    ("views-recorded", "in-progress", "informed", "views-recorded"),  # we know of more
    ("not-informed", "requested", "not-applicable", "not-applicable"),  # theirs to say
    ("engage-share-nothing", "in-progress", "informed", "engage-share-nothing"),  # a refusal holds
    ("informed", "in-progress", "engage-share-nothing", "informed"),  # and ends when we say so
    ("missed", "failed", "informed", "missed"),  # short of the whole record: missed is true
    ("missed", "failed", "views-recorded", "missed"),
    ("missed", "failed", "account-taken", None),  # the whole record stands there
    ("missed", "failed", "complete", None),
    ("not-informed", "cancelled", "informed", "not-informed"),  # what ended has our state
]


@pytest.mark.parametrize(("mine", "status", "theirs", "both"), INVOLVEMENT)
def test_involvement_recorded_there_is_kept(mine, status, theirs, both):
    new = ours(state=TaskState(mine), status=TaskStatus(status))
    result = merge(new, there(businessStatus=state(theirs), status="in-progress"))
    if both is None:
        assert result == InConflict(f"{theirs} was recorded there, and ours says missed")
    else:
        assert isinstance(result, Merged)
        assert json.loads(result.payload)["businessStatus"]["coding"][0]["code"] == both


def test_a_state_that_ours_lacks_is_kept():
    new, old = (task.render(a_centre_task(urgent=urgent), CLAIMS) for urgent in (True, False))
    theirs = json.dumps(json.loads(old) | {"businessStatus": {"text": "rang, no reply"}})
    assert merged(new, theirs)["businessStatus"] == {"text": "rang, no reply"}


THEIR_OUTPUT = {"type": {"text": "call"}, "valueString": "Rang at noon"}
PRACTITIONER = {"type": "Practitioner", "display": "Staff nurse"}

CHANGES: list[tuple[Resource, Resource, Callable[[Resource], bool]]] = [
    # what we changed, what they changed, what must hold
    (
        {"owner": COORDINATOR, "place": None},  # moved to an unknown ward while they began
        {"status": "in-progress"},
        lambda r: r["status"] == "in-progress" and r["owner"]["display"] == COORDINATOR.display,
    ),
    (
        {"due_at": None, "note": None},  # what we take away is gone
        {"note": [{"text": "Carer works nights"}]},
        lambda r: "restriction" not in r and "description" not in r and "note" in r,
    ),
    (
        {"note": "Other words"},
        {"output": [THEIR_OUTPUT], "executionPeriod": {"start": "2026-11-20T10:00:00Z"}},
        lambda r: r["output"] == [THEIR_OUTPUT] and "executionPeriod" in r,
    ),
    (
        {"facts": (a_fact(),)},  # both recorded something
        {"output": [THEIR_OUTPUT]},
        lambda r: len(r["output"]) == 2 and r["output"][1] == THEIR_OUTPUT,
    ),
    (
        {"note": "Other words"},  # they gave it to a nurse of the ward where the patient lies
        {"owner": PRACTITIONER},
        lambda r: r["owner"] == PRACTITIONER and r["description"] == "Other words",
    ),
    (
        {"place": "L302H/M7B"},  # the patient moved: it is another ward's now
        {"owner": PRACTITIONER},
        lambda r: r["owner"]["identifier"]["value"] == "L302H/M7A",
    ),
    (
        {"status": TaskStatus.CANCELLED, "reason": "The admission was cancelled"},
        {"status": "in-progress", "statusReason": {"text": "Began"}},
        lambda r: r["statusReason"] == {"text": "The admission was cancelled"},
    ),
    (
        {"urgent": True},
        {"status": "on-hold", "statusReason": {"text": "Carer is away"}},
        lambda r: r["statusReason"] == {"text": "Carer is away"} and r["priority"] == "urgent",
    ),
    (
        {"urgent": True},
        {"lastModified": "2026-11-20T12:00:00+02:00"},  # the later instant, however it is written
        lambda r: r["lastModified"] == "2026-11-20T12:00:00+02:00",
    ),
    (
        {"urgent": True},
        {"status": "received"},  # our words say "requested"
        lambda r: "text" not in r,
    ),
    (
        {"urgent": True},
        {"note": [{"text": "Seen"}]},
        lambda r: "text" in r,
    ),
]


@pytest.mark.parametrize(("we", "they", "holds"), CHANGES)
def test_both_changes_to_a_task_are_in_what_is_sent(we, they, holds):
    assert holds(merged(ours(**we), there(**they)))


def test_a_fact_that_was_taken_back_does_not_come_back():
    before, now = ours(facts=(a_fact(), a_fact(FactKind.VIEWS))), ours(facts=(a_fact(),))
    noted = json.dumps(json.loads(before) | {"note": [{"text": "Seen"}]})
    assert len(merged(now, noted)["output"]) == 2, "nobody can tell whose it was"
    assert len(merged(now, noted, before)["output"]) == 1


def test_an_end_that_was_ours_may_be_taken_back():
    failed = ours(status=TaskStatus.FAILED, state=TaskState.MISSED)
    noted = json.dumps(json.loads(failed) | {"note": [{"text": "Seen"}]})
    assert isinstance(merge(ours(), noted), InConflict)
    assert merged(ours(), noted, ours(), failed)["status"] == "requested"


def test_an_end_that_was_ours_two_versions_ago_is_theirs_now():
    ended = ours(status=TaskStatus.COMPLETED)
    cancelled = ours(status=TaskStatus.CANCELLED)
    theirs = json.dumps(json.loads(ended) | {"note": [{"text": "Seen"}]})
    assert isinstance(merge(cancelled, theirs, (ended, ours())), InConflict)


def test_our_own_earlier_version_is_nobodys_change():
    first, second = ours(status=TaskStatus.COMPLETED), ours(note="Other words")
    assert merge(second, first, (first,)) == Merged(second)


def test_what_stands_there_already_need_not_be_sent():
    ended = ours(status=TaskStatus.COMPLETED)
    theirs = json.dumps(json.loads(ended) | {"output": [THEIR_OUTPUT]})
    result = merge(ended, theirs)
    assert isinstance(result, Merged)
    assert result.is_there


OTHERS = [
    there(id="66710d5c-dc1e-53c9-a775-ee63786fc710"),
    there(resourceType="Basic"),
    there(code={"coding": [{"system": "https://thinkcarer.example/CodeSystem/carer-task"}]}),
    there(code={"text": "something of theirs"}),
]


@pytest.mark.parametrize("other", OTHERS)
def test_another_resource_is_not_overwritten(other):
    assert isinstance(merge(ours(), other), InConflict)


def notice(**changes: object) -> str:
    return communication.render(a_notice(**changes), CLAIMS)


def changed(**changes: object) -> str:
    return json.dumps(json.loads(notice()) | changes)


IN_ERROR = notice(status=NoticeStatus.ENTERED_IN_ERROR)
NOTICES = [
    # ours, theirs, is it taken
    (IN_ERROR, notice(), True),  # ours at an earlier status
    (notice(), changed(meta={"versionId": "4", "tag": [{"code": "seen"}]}), True),  # meta alone
    (notice(), changed(text={"status": "empty"}), True),
    (IN_ERROR, changed(received="2026-11-22T16:00:00Z"), True),  # when it arrived
    (IN_ERROR, changed(note=[{"text": "Rang"}]), True),
    (notice(), changed(payload=[{"contentString": "Other words"}]), False),
    (notice(), changed(subject={"display": "somebody"}), False),
    (notice(), changed(status="entered-in-error"), False),  # they withdrew it, ours says it again
    (notice(), changed(priority="urgent"), False),
]


@pytest.mark.parametrize(("new", "old", "is_taken"), NOTICES)
def test_a_notice_is_ours_alone(new, old, is_taken):
    result = merge(new, old)
    assert isinstance(result, Merged if is_taken else InConflict)
    if isinstance(result, Merged):
        said = json.loads(result.payload)
        kept = {name: p for name, p in json.loads(old).items() if name in ("received", "note")}
        assert is_same(json.dumps(said), json.dumps(json.loads(new) | kept))


def test_a_notice_that_says_more_now_replaces_the_version_that_was_taken():
    """What was wrong about the person says other words than the notice did."""
    first = notice()
    second = json.loads(first) | {"payload": [{"contentString": "Please disregard it."}]}
    taken = changed(received="2026-11-23T12:00:00Z")
    assert isinstance(merge(json.dumps(second), taken), InConflict)
    said = merged(json.dumps(second), taken, first)
    assert (said["payload"], said["received"]) == (second["payload"], "2026-11-23T12:00:00Z")


def test_no_conflict_quotes_the_resource():
    theirs = there(status="completed", note=[{"text": "Ann Smith"}], output=[THEIR_OUTPUT])
    result = merge(ours(), theirs)
    assert isinstance(result, InConflict)
    assert "Smith" not in result.why


@given(
    status=st.sampled_from([status for status in TaskStatus if status in OUR_OPEN]),
    mine=st.sampled_from([state for state in TaskState if state is not TaskState.MISSED]),
    facts=st.sets(st.sampled_from(list(FactKind))),
    theirs=st.sampled_from(OPEN),
    reached=st.sampled_from(list(TaskState)),
    output=st.sampled_from([[], [THEIR_OUTPUT]]),
)
def test_what_is_put_together_once_stays_so(status, mine, facts, theirs, reached, output):
    new = ours(status=status, state=mine, urgent=True, facts=tuple(map(a_fact, sorted(facts))))
    old = there(status=theirs, businessStatus=state(reached.value), output=output)
    once = merge(new, old)
    assert isinstance(once, Merged)
    again = merge(new, once.payload)
    assert isinstance(again, Merged)
    assert again.is_there
