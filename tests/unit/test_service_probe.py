"""The reserved person of the probe is surely the one on the register."""

from datetime import UTC, datetime

from alerts.matching import match
from alerts.model.alert import MatchGrade
from alerts.model.events import AdtEvent
from alerts.model.identity import Patient
from alerts.movements import patient_after
from mapping.hl7.events import read_event
from service.probe import REGISTRATION, admission
from service.site import dialects_of, load_site

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def test_the_probe_matches_its_registration_for_certain():
    site = load_site(None)
    feed = site.feeds[0]
    event = read_event(admission(site, feed, "PROBE1", NOW), dialects_of(site)[feed.name], NOW)
    assert isinstance(event, AdtEvent)
    patient = patient_after(Patient(), event.patient)
    [found] = match(patient, ("P1",), (REGISTRATION,), (), NOW)
    assert found.grade is MatchGrade.CERTAIN
