"""Who takes part in a trial, and what can be said of the service from what they hold."""

import json
import re
from collections import defaultdict
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import httpx2

from tests.judge.deployment import CENTRES, Plan, Receivers
from tests.judge.hospital import Hospital, Sender, Story
from tests.judge.launcher import Launcher
from tests.judge.receivers import Told
from tests.judge.verdict import (
    Fault,
    mail_faults,
    notices_faults,
    record_faults,
    versions_faults,
    wards_faults,
)
from tests.support.kafka_server import read_all
from tests.support.running_service import RunningService

INBOX_SIDE = "TOPICSIDE"
"""The centre that reads at its desk where there are no brokers."""
_DAY = re.compile(r"\d{1,2} [A-Z][a-z]+ \d{4}")


@dataclass(frozen=True)
class Scene:
    """Who takes part."""

    service: RunningService
    hospital: Hospital
    senders: list[Sender]
    receivers: Receivers
    desk_token: str = ""
    """Lets the judge read what lies in the inbox; empty where nothing is left there."""


def seen(plan: Plan, scene: Scene) -> list[Fault]:
    """What can be said from the receivers alone."""
    told = list(scene.receivers.fhir.told)
    dates, ours = _dates(told), {"FHIRSIDE"}
    if plan.brokers:
        topic = scene.service.settings["THINKCARER_KAFKA_OUT_TOPIC"]
        bodies = [json.loads(value) for _, value in read_all(plan.brokers, topic)]
        dates |= _dates([Told(body["resourceType"], body["id"], body) for body in bodies])
        ours.add(INBOX_SIDE)
    heard = _of_centres(scene.hospital.stories, ours)
    return [*wards_faults(scene.hospital.stories, told), *notices_faults(heard, dates)]


def recorded(launcher: Launcher, scene: Scene) -> list[Fault]:
    """What the public records say, beside the receivers, and what lies in the inbox."""
    journal, outbox = (launcher.rows(scene.service, name) for name in ("journal", "outbox"))
    return [
        *record_faults(scene.hospital.stories, journal),
        *versions_faults(scene.hospital.stories, outbox, scene.receivers.fhir.told),
        *mail_faults(outbox, [one.text for one in scene.receivers.mail.arrived]),
        *(_inbox_faults(scene) if scene.desk_token else ()),
    ]


def _inbox_faults(scene: Scene) -> Iterator[Fault]:
    """What a centre without a system of its own can read at its desk, by the façade."""
    told: list[Told] = []
    url: str | None = scene.service.url("/fhir/Communication?_count=200")
    with httpx2.Client(
        headers={"Authorization": f"Bearer {scene.desk_token}"}, timeout=30
    ) as client:
        while url:
            page = client.get(url).raise_for_status().json()
            found = [each["resource"] for each in page.get("entry", ())]
            told += [Told("Communication", each["id"], each) for each in found]
            url = next((e["url"] for e in page["link"] if e["relation"] == "next"), None)
    told.sort(key=lambda one: (str(one.body["sent"]), _day(one)))  # a second has many
    heard = _of_centres(scene.hospital.stories, {INBOX_SIDE})
    return notices_faults(heard, _dates(told))


def _of_centres(stories: Sequence[Story], centres: Container[str]) -> list[Story]:
    return [one for one in stories if CENTRES[one.patient.number % len(CENTRES)] in centres]


def _dates(told: Sequence[Told]) -> dict[str, list[str]]:
    """The planned dates in the notices, by registration, each Communication once."""
    heard: dict[str, list[str]] = defaultdict(list)
    known: set[str] = set()
    for one in told:
        if one.kind != "Communication" or one.id in known:
            continue
        known.add(one.id)
        if day := _day(one):
            heard[one.body["subject"]["identifier"]["value"]].append(day)  # type: ignore[index]
    return heard


def _day(one: Told) -> str:
    """The date that a notice names, as ISO 8601; empty where it names none."""
    day = _DAY.search(str(one.body["payload"]))
    if not day:
        return ""
    return datetime.strptime(day.group(), "%d %B %Y").date().isoformat()  # noqa: DTZ007 - a day
