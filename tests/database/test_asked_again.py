"""What is about to leave is checked against what holds then, at every claim, retry and resend."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import text

from alerts.delivery import Accepted, Parcel, Receipt, TryLater, Unavailable
from alerts.model.register import Sharing
from alerts.model.site import NoticeEvent
from alerts.store import outbox
from service.database import Database
from service.dispatch import Hand, Outlet, deliver_next
from service.sends import resend
from service.site import load_site
from tests.support.adt import Adt
from tests.support.channels import Scripted
from tests.support.line import TestLine
from tests.support.people import JEAN, a_registration

HUGH = Adt(planned=date(2026, 11, 25))
LOST = Unavailable("504", is_in_doubt=True)
REFUSED = Unavailable("503")


def _restricted(line: TestLine) -> None:
    line.take(HUGH.later("A08", 1, hiding="2"))


def _sensitive(line: TestLine) -> None:
    raw = HUGH.later("A08", 1).raw().replace(b"|||||||||||||||V1001", b"||||||||||||VIP|||V1001")
    line.take(raw)


def _died(line: TestLine) -> None:
    line.take(HUGH.later("A08", 1, died="Y"))


def _never_came(line: TestLine) -> None:
    line.take(HUGH.later("A11", 1))


def _someone_else(line: TestLine) -> None:
    line.take(HUGH.later("A08", 1, born="19480212"))


def _no_events(line: TestLine) -> None:
    line.registered(a_registration(agrees_events=False))


def _refused(line: TestLine) -> None:
    line.registered(a_registration(sharing=Sharing.REFUSED))


def _ended(line: TestLine) -> None:
    line.registered(a_registration(ended_on=date(2026, 11, 20)))


CHANGES = (
    _restricted,
    _sensitive,
    _died,
    _never_came,
    _someone_else,
    _no_events,
    _refused,
    _ended,
)


@pytest.fixture
def line(database: Database) -> TestLine:
    made = _line_on(database)
    made.registered(JEAN)
    made.take(HUGH)
    return made


@pytest.mark.parametrize("changed", CHANGES)
def test_what_may_have_arrived_is_corrected_and_never_repeated_as_it_was(
    line: TestLine, changed: Callable[[TestLine], None]
):
    centre = Centre([LOST])
    centre.visit(line)
    centre.carried.clear()
    changed(line)
    centre.visit(line, times=20)
    assert centre.stated() == []
    assert not any("Wednesday 25 November" in p.payload for p in centre.carried)
    assert centre.last_events() in (["withdrawn"], ["cancelled"])


@pytest.mark.parametrize("changed", CHANGES)
def test_what_surely_did_not_arrive_is_not_sent_at_all(
    line: TestLine, changed: Callable[[TestLine], None]
):
    centre = Centre([REFUSED])
    centre.visit(line)
    centre.carried.clear()
    changed(line)
    centre.visit(line, times=20)
    assert [p for p in centre.carried if p.kind == "Communication"] == []


@pytest.mark.parametrize("changed", CHANGES)
def test_what_was_sent_is_not_sent_again_by_a_person_once_it_may_not_be(
    line: TestLine, changed: Callable[[TestLine], None]
):
    centre = Centre()
    centre.visit(line, times=9)
    planned = centre.message_of(line, "planned")
    changed(line)
    centre.visit(line, times=20)
    centre.carried.clear()
    assert planned in resend(line.line, "A. Engineer", [planned])
    centre.visit(line, times=9)
    assert centre.carried == []
    assert _audited(line) == [("A. Engineer", "outbox resend", f"outbox/{planned}", True)]


def test_what_still_holds_is_sent_again_by_a_person_and_audited(line: TestLine):
    centre = Centre()
    centre.visit(line, times=9)
    planned = centre.message_of(line, "planned")
    centre.carried.clear()
    assert resend(line.line, "A. Engineer", [planned]) == {}
    centre.visit(line, times=9)
    assert [p.id for p in centre.carried] == [planned]
    assert _audited(line) == [("A. Engineer", "outbox resend", f"outbox/{planned}", False)]


@pytest.mark.parametrize("answer", [REFUSED, TryLater("429"), Unavailable("401"), LOST])
def test_an_import_while_the_receiver_thinks_keeps_the_retry_here(line: TestLine, answer: Receipt):
    centre = Centre([answer], meanwhile=[lambda: _no_events(line)])
    centre.visit(line)
    centre.carried.clear()
    line.clock.at += timedelta(hours=1)
    centre.visit(line, times=9)
    assert centre.stated() == []
    assert not any("Wednesday 25 November" in p.payload for p in centre.carried)


def test_a_site_file_that_changed_keeps_here_what_it_no_longer_lets_go(line: TestLine):
    centre = Centre([REFUSED])
    centre.visit(line)
    centre.carried.clear()
    wards = tuple(replace(w, live=w.code != "M7A") for w in line.site.wards)
    changed = _line_on(line.database, wards=wards)
    changed.clock.at = line.clock.at
    centre.visit(changed, times=20)
    assert [p for p in centre.carried if p.kind == "Communication"] == []


def test_a_centre_that_no_longer_lists_an_event_gets_no_news_of_it_that_waited(line: TestLine):
    centre = Centre([REFUSED])
    centre.visit(line)
    centre.carried.clear()
    events = (NoticeEvent.DISCHARGED, NoticeEvent.CANCELLED)
    changed = _line_on(line.database, events=events)
    changed.clock.at = line.clock.at
    centre.visit(changed, times=20)
    assert [p for p in centre.carried if p.kind == "Communication"] == []


def test_a_stay_that_cannot_be_decided_again_keeps_only_its_own_messages_here(line: TestLine):
    line.registered(_of_morag())
    other = Adt(number="9990000026", family="Other", given="Morag", born="19500101", visit="V2")
    line.take(other.but(planned=date(2026, 11, 26), at=line.clock.at))
    with line.database.write() as tx:
        tx.execute(text("update stay set decided_under = 'other'"))
        tx.execute(text("update stay set body = '{' where visit = 'V1001'"))
    centre, hand = Centre(), Hand()
    outlet = Outlet("kafka", centre)
    for _ in range(6):
        try:
            deliver_next(line.line, outlet, hand)
        except ValueError as failure:
            hand.failure = failure
    assert ["Thursday 26 November" in p.payload for p in centre.carried] == [True]


class Centre(Scripted):
    """A centre on the topic; something may happen while it thinks."""

    def __init__(
        self,
        answers: list[Receipt | Exception] | None = None,
        meanwhile: list[Callable[[], None]] | None = None,
    ) -> None:
        super().__init__(answers or [])
        self.meanwhile = meanwhile or []

    def send(self, parcel: Parcel) -> Receipt:
        if self.meanwhile:
            self.meanwhile.pop()()
        return super().send(parcel)

    def visit(self, line: TestLine, times: int = 1) -> None:
        hand = Hand()
        for _ in range(times):
            if not deliver_next(line.line, Outlet("kafka", self), hand):
                line.clock.at += timedelta(minutes=1)
                line.work()

    def stated(self) -> list[str]:
        """The news that it believes in the end: neither in error nor undone."""
        last = {p.alert: json.loads(p.payload) for p in self.carried if p.kind == "Communication"}
        undone = {
            answered["reference"].partition("/")[2]
            for body in last.values()
            for answered in body.get("inResponseTo", ())
        }
        return [
            _event(body)
            for name, body in last.items()
            if body["status"] == "completed"
            and name not in undone
            and _event(body) not in ("cancelled", "withdrawn")
        ]

    def last_events(self) -> list[str]:
        bodies = [json.loads(p.payload) for p in self.carried if p.kind == "Communication"]
        return [_event(b) for b in bodies if b["status"] == "completed"]

    def message_of(self, line: TestLine, event: str) -> int:
        """The outbox message that told it last."""
        told = [p for p in self.carried if p.kind == "Communication"]
        return [p.id for p in told if _event(json.loads(p.payload)) == event][-1]


def _event(body: dict[str, list[dict[str, list[dict[str, str]]]]]) -> str:
    return body["category"][0]["coding"][0]["code"]


def _line_on(database: Database, **changes: object) -> TestLine:
    site = load_site(None)
    centre = {k: v for k, v in changes.items() if k == "events"}
    centres = tuple(
        replace(c, channel="kafka", **centre) if c.code == "LANCARERS" else c for c in site.centres
    )
    rest = {k: v for k, v in changes.items() if k != "events"}
    return TestLine(database, site=replace(site, centres=centres, **rest))


def _of_morag():
    person = replace(
        JEAN.patient,
        identifier=replace(JEAN.patient.identifier, value="9990000026"),
        given="Morag",
        family="Other",
        birth_date=date(1950, 1, 1),
    )
    return a_registration(registration_id="R-2", patient=person)


def _audited(line: TestLine) -> list[tuple[str, str, str, bool]]:
    with line.database.read() as tx:
        rows = tx.execute(text("select actor, action, subject, reason from audit order by id"))
        return [(r.actor, r.action, r.subject, r.reason != "") for r in rows]


__all__ = ["Accepted", "outbox"]
