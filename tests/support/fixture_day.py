"""The fixture day played through the line by a clock that tells each message's own time."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import text

from alerts.model.site import Site
from mapping.register_csv import RegisterTerms, read
from service.commands.fixture_day import FixtureMessage, messages, register_file
from service.database import Database
from service.probe import LONDON
from service.site import load_site
from tests.support.line import TestLine

EXPECTED = Path(__file__).resolve().parents[2] / "fixtures" / "expected"
DAY = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


def a_line_with_the_register(database: Database, site: Site | None = None) -> TestLine:
    line = TestLine(database, site=site or load_site(None))
    line.clock.at = DAY
    terms = RegisterTerms(
        centres=tuple(c.code for c in line.site.centres),
        synthetic=line.site.synthetic,
        today=DAY.date(),
    )
    found = read(register_file().read_bytes(), terms)
    assert not found.faults
    line.registered(*found.rows)
    return line


def play(line: TestLine, day: Iterator[FixtureMessage] | None = None) -> Iterator[FixtureMessage]:
    """Take each message a minute after it was sent, and yield once it is worked off."""
    for message in day or messages():
        sent = sent_at(message.raw)
        if sent is not None:
            line.clock.at = max(line.clock.at, sent + timedelta(minutes=1))
        line.take(message.raw)
        yield message


def sent_at(raw: bytes) -> datetime | None:
    """MSH-7, London wall clock."""
    parts = raw.lstrip(b"\xef\xbb\xbf").split(b"|")
    try:
        local = datetime.strptime(parts[6][:12].decode(), "%Y%m%d%H%M").replace(tzinfo=LONDON)
    except (IndexError, ValueError):
        return None
    return local.astimezone(UTC)


def what_came_of_it(line: TestLine, after_entry: int, after_parcel: int) -> dict[str, object]:
    """The journal rows since, and every parcel since as the FHIR that was queued."""
    with line.database.read() as tx:
        entries = tx.execute(
            text("select id, state, reason, flags from journal where id > :id order by id"),
            {"id": after_entry},
        ).all()
        parcels = tx.execute(
            text(
                "select o.id, o.recipient, v.rendered as payload from outbox o "
                "join alert_version v on v.alert = o.alert and v.version = o.version "
                "where o.id > :id order by o.id"
            ),
            {"id": after_parcel},
        ).all()
    return {
        "journal": [{"state": e.state, "reason": e.reason, "flags": e.flags} for e in entries],
        "sent": [{"to": p.recipient, "resource": json.loads(p.payload)} for p in parcels],
    }


def newest(line: TestLine) -> tuple[int, int]:
    """Ids of the newest journal row and parcel."""
    with line.database.read() as tx:
        entry = tx.execute(text("select coalesce(max(id), 0) from journal")).scalar_one()
        parcel = tx.execute(text("select coalesce(max(id), 0) from outbox")).scalar_one()
    return int(entry), int(parcel)


def end_result(database: Database) -> list[tuple[object, ...]]:
    """What every desk holds in the end, without the times at which it was decided."""
    with database.read() as tx:
        rows = tx.execute(
            text(
                "select kind, code, recipient_kind, recipient, registration, status, state "
                "from alert where recipient not like 'THINKCARER%' "
                "order by kind, code, recipient, registration, id"
            )
        ).all()
        entries = tx.execute(
            text("select control_id, state, reason from journal order by control_id, digest")
        ).all()
    return [tuple(row) for row in (*rows, *entries)]
