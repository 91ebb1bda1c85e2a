"""The last word that a centre hears is true, whenever the world changes around a delivery."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import pytest
from sqlalchemy import text

from alerts.delivery import Accepted, Parcel, Receipt, Refused, TryLater, Unavailable
from alerts.store import alerts as alert_store
from alerts.store import claims, outbox
from service.database import Database, DatabaseBusy, connect
from service.dispatch import Hand, Outlet, deliver_next
from service.site import load_site
from tests.support.adt import Adt
from tests.support.channels import Scripted
from tests.support.line import TestLine
from tests.support.people import JEAN, a_registration

HUGH = Adt()
GONE = HUGH.later("A03", 2)
BACK = HUGH.later("A13", 3)


@dataclass
class Meanwhile(Scripted):
    """Something happens while the receiver thinks."""

    happens: list[Callable[[], None]] = field(default_factory=list)

    def send(self, parcel: Parcel) -> Receipt:
        if self.happens and _is_notice(parcel, "discharged"):
            self.happens.pop()()
        return super().send(parcel)


@pytest.fixture
def line(database: Database) -> TestLine:
    return _line_on(database)


def _line_on(database: Database) -> TestLine:
    site = load_site(None)
    centres = tuple(
        replace(centre, channel="kafka") if centre.code == "LANCARERS" else centre
        for centre in site.centres
    )
    line = TestLine(database, site=replace(site, centres=centres))
    line.registered(JEAN)
    return line


def test_undone_while_it_waits_nothing_is_said(line: TestLine):
    line.take(HUGH, GONE, BACK)
    assert _heard(line, Meanwhile()) == []


def test_undone_in_flight_the_correction_follows(line: TestLine):
    line.take(HUGH, GONE)
    channel = Meanwhile(happens=[lambda: line.take(BACK)])
    assert _heard(line, channel) == ["discharged", "cancelled"]


def test_undone_after_it_was_sent_the_correction_follows(line: TestLine):
    line.take(HUGH, GONE)
    channel = Meanwhile()
    assert _heard(line, channel) == ["discharged"]
    line.take(BACK)
    assert _heard(line, channel) == ["discharged", "cancelled"]


def test_undone_where_it_could_not_be_delivered_nothing_is_said(line: TestLine):
    line.take(HUGH, GONE)
    channel = Meanwhile([Refused("422"), Refused("422")])
    _heard(line, channel)
    line.take(BACK)
    channel.carried.clear()
    assert _heard(line, channel) == []


def test_undone_while_the_destination_is_away_nothing_is_said(line: TestLine):
    line.take(HUGH, GONE)
    channel = Meanwhile([Unavailable("503")])
    deliver_next(line.line, Outlet("kafka", channel), Hand())
    channel.carried.clear()
    line.take(BACK)
    assert _heard(line, channel) == []


def test_undone_while_nobody_knows_whether_it_arrived_the_correction_follows(line: TestLine):
    line.take(HUGH, GONE)
    lost = Unavailable("no answer", is_in_doubt=True)
    channel = Meanwhile([lost])
    deliver_next(line.line, Outlet("kafka", channel), Hand())
    line.take(BACK)
    assert _heard(line, channel) == ["discharged", "discharged", "cancelled"]
    assert [_status(parcel) for parcel in channel.carried if _is_notice(parcel, "discharged")] == [
        "completed",
        "entered-in-error",
    ]


def test_undone_after_a_kill_that_may_have_come_too_late_the_correction_follows(line: TestLine):
    line.take(HUGH, GONE)
    with line.database.write() as tx:
        claims.claim_due(
            tx, claims.Claim("kafka", timedelta(seconds=30), 1, line.line.under), line.clock.at
        )
    with line.database.write() as tx:
        claims.release(tx, line.clock.at)
    line.take(BACK)
    told = {p.alert: p.state for p in _parcels(line)}
    assert "withdrawn" not in {state for alert, state in told.items() if alert == _first(line)}


def test_undone_in_flight_and_taken_though_the_answer_was_lost_the_correction_follows(
    line: TestLine,
):
    line.take(HUGH, GONE)
    channel = Meanwhile(
        [Unavailable("no answer"), Accepted("it is there already")],
        happens=[lambda: line.take(BACK)],
    )
    assert _heard(line, channel)[-2:] == ["discharged", "cancelled"]


def test_consent_that_ends_while_a_notice_waits_keeps_it_here(line: TestLine):
    line.take(HUGH, GONE)
    line.registered(a_registration(ended_on=date(2026, 11, 22)))
    assert "discharged" not in _heard(line, Meanwhile())


def test_consent_that_ends_in_flight_takes_back_what_was_said(line: TestLine):
    line.take(HUGH, GONE)
    ended = a_registration(ended_on=date(2026, 11, 22))
    channel = Meanwhile(happens=[lambda: line.registered(ended)])
    assert _heard(line, channel) == ["discharged", "discharged", "withdrawn"]


def test_consent_that_ends_keeps_a_call_here_that_nobody_has_been_asked_for(line: TestLine):
    line.take(HUGH, GONE)
    line.registered(a_registration(ended_on=date(2026, 11, 22)))
    channel = Meanwhile()
    _heard(line, channel)
    assert channel.carried == []


def test_consent_that_ends_takes_back_a_call_that_the_centre_was_asked_for(line: TestLine):
    line.take(HUGH, GONE)
    channel = Meanwhile()
    _heard(line, channel)
    channel.carried.clear()
    line.registered(a_registration(ended_on=date(2026, 11, 22)))
    _heard(line, channel)
    told = [json.loads(p.payload)["status"] for p in channel.carried]
    assert told == ["entered-in-error", "cancelled", "completed"]
    assert _is_notice(channel.carried[-1], "withdrawn")


def test_undone_before_what_was_sent_again_has_left_the_correction_follows(line: TestLine):
    line.take(HUGH, GONE)
    channel = Meanwhile()
    assert _heard(line, channel) == ["discharged"]
    with line.database.write() as tx:
        assert all(outbox.resend(tx, parcel.id, line.clock.at) for parcel in _parcels(line))
    line.take(BACK)
    assert _heard(line, channel)[-1] == "cancelled"


def test_undone_after_an_outcome_that_could_not_be_kept_the_correction_follows(line: TestLine):
    line.take(HUGH, GONE)
    channel, lease = Meanwhile(), timedelta(seconds=30)
    outlet = Outlet("kafka", channel)
    with line.database.write() as tx:
        [carried] = claims.claim_due(
            tx, claims.Claim("kafka", lease, 1, line.line.under), line.clock.at
        )
    assert _is_notice(carried, "discharged")
    deliver_next(line.line, outlet, Hand(carried, DatabaseBusy()))
    line.take(BACK)
    assert _heard(line, channel)[-1] == "cancelled"


def test_after_the_last_try_that_may_have_arrived_the_correction_follows(line: TestLine):
    line.take(HUGH, GONE)
    channel = Meanwhile([TryLater("451", is_in_doubt=True)])
    with line.database.write() as tx:
        tx.execute(text("update outbox set refusals = 30"))
    deliver_next(line.line, Outlet("kafka", channel), Hand())
    assert "stuck" in {parcel.state for parcel in _parcels(line)}
    line.take(BACK)
    assert _heard(line, channel)[-1] == "cancelled"


@pytest.mark.postgresql
def test_while_it_is_decided_what_becomes_of_a_notice_nobody_carries_it(postgresql_url: str):
    with connect(postgresql_url) as database:
        line = _line_on(database)
        line.take(HUGH, GONE)
        stay = _parcels(line)[0].stay
        with database.write() as deciding:
            unsent = outbox.here(deciding, stay).unsent
            with database.write() as carrying:
                due = claims.claim_due(
                    carrying,
                    claims.Claim("kafka", timedelta(seconds=9), 9, line.line.under),
                    line.clock.at,
                )
        assert unsent
        assert not {parcel.alert for parcel in due} & set(unsent)


def test_the_ward_of_a_stranger_is_not_told_whose_carer_was_meant(line: TestLine):
    line.take(HUGH)
    of_tom = replace(JEAN.patient, given="Tom", family="Brown", birth_date=date(1950, 1, 1))
    number = replace(of_tom.identifier, value="9990000026")
    line.registered(a_registration(patient=replace(of_tom, identifier=number)))
    with line.database.read() as tx:
        last = [p for p in outbox.find(tx) if p.recipient.code == "L302H/M7A"][-1]
        payload = alert_store.rendered(tx, last.alert, last.version) or ""
    assert json.loads(payload)["status"] == "cancelled"
    assert "Jean" not in payload
    assert "R-1" not in payload


def _heard(line: TestLine, channel: Scripted) -> list[str]:
    """Every notice that the topic took, in order; the clock runs until nothing waits."""
    outlet, hand = Outlet("kafka", channel), Hand()
    for _ in range(30):
        if not deliver_next(line.line, outlet, hand):
            line.clock.at += timedelta(minutes=1)
    return [_event(parcel) for parcel in channel.carried if parcel.kind == "Communication"]


def _parcels(line: TestLine) -> list[outbox.ParcelRow]:
    with line.database.read() as tx:
        return [p for p in outbox.find(tx) if p.channel == "kafka"]


def _first(line: TestLine) -> str:
    return _parcels(line)[0].alert


def _status(parcel: Parcel) -> str:
    return str(json.loads(parcel.payload)["status"])


def _event(parcel: Parcel) -> str:
    return str(json.loads(parcel.payload)["category"][0]["coding"][0]["code"])


def _is_notice(parcel: Parcel, event: str) -> bool:
    return parcel.kind == "Communication" and _event(parcel) == event
