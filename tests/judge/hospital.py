"""The sending side: stays whose every message should be seen by a receiver, and the ways in.

A sender has one message outstanding, sends it again until it is acknowledged, and only then the
next one of that stay. What was acknowledged is all that the judge knows.
"""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx2
from kafka import KafkaProducer
from kafka.errors import KafkaError

from bench.simulate import Person, person
from tests.support.adt import LONDON, Adt

WARDS = 4
"""Each stay moves through all of them: one version of the ward's Task each."""
AGAIN_AFTER = 0.05
"""Seconds after which a sender that got no answer tries again."""
PATIENCE = 4.0
"""Seconds that a sender waits for an answer."""
BROKERS_REST = 0.3
"""Seconds between two records: brokers take them also while nobody reads them."""


@dataclass(frozen=True)
class Step:
    """One message and the effect it must have: the ward that is told, or the date that moved."""

    control_id: str
    raw: bytes
    ward: str | None
    planned: date | None


@dataclass
class Story:
    """One stay of a patient of its own, and how much of it was acknowledged."""

    visit: str
    patient: Person
    steps: tuple[Step, ...]
    acknowledged: int = 0
    sent: int = 0


@dataclass
class Hospital:
    """Every story that was begun, and whether new ones may be."""

    stays: int
    stories: list[Story] = field(default_factory=list)
    is_closing: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self) -> Story | None:
        """The next story; None once no more are begun."""
        with self._lock:
            number = len(self.stories)
            if self.is_closing.is_set() or number >= self.stays:
                return None
            self.stories.append(_story(number))
            return self.stories[-1]

    def acknowledged(self) -> int:
        return sum(story.acknowledged for story in self.stories)


Send = Callable[[Step], bool]
"""Whether it was acknowledged; an OSError says that nobody knows."""


@dataclass
class Sender:
    """A thread that sends story after story by one way."""

    hospital: Hospital
    ways: Callable[[], Send]
    pause: float
    stopped: threading.Event = field(default_factory=threading.Event)
    retired: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def retire(self) -> None:
        """Send no more than the message in hand."""
        self.retired.set()
        self.thread.join(60)

    def _run(self) -> None:
        send = self.ways()
        while not self.retired.is_set() and (story := self.hospital.begin()):
            for step in story.steps:
                if self.hospital.is_closing.is_set() or self.retired.is_set():
                    return
                story.sent += 1
                while not self._is_taken(send, step):
                    if self.stopped.wait(AGAIN_AFTER):
                        return
                story.acknowledged += 1
                time.sleep(self.pause)

    @staticmethod
    def _is_taken(send: Send, step: Step) -> bool:
        try:
            return send(step)
        except (OSError, httpx2.HTTPError, KafkaError):
            return False


def by_mllp(port: int) -> Callable[[], Send]:
    """A connection that is kept while it lasts."""

    def ways() -> Send:
        line = _Line(port)
        return line.send

    return ways


def by_http(url: str, token: str) -> Callable[[], Send]:
    """One request a message."""

    def ways() -> Send:
        client = httpx2.Client(timeout=PATIENCE)

        def send(step: Step) -> bool:
            headers = {
                "Authorization": f"Bearer {token}",
                "Content-Type": "application/hl7-v2",
            }
            answer = client.post(f"{url}/hl7v2", content=step.raw, headers=headers)
            return answer.status_code == 200 and f"MSA|AA|{step.control_id}" in answer.text

        return send

    return ways


def by_folder(folder: Path) -> Callable[[], Send]:
    """A file a message; what lies in done/ was taken."""

    def ways() -> Send:
        def send(step: Step) -> bool:
            name = f"{step.control_id}.hl7"
            done, put = folder / "done" / name, folder / name
            if not done.exists() and not put.exists():
                part = folder / f"{name}.part"
                part.write_bytes(step.raw)
                os.rename(part, put)
            until = time.monotonic() + PATIENCE
            while time.monotonic() < until:
                if done.exists():
                    return True
                time.sleep(0.02)
            return False

        return send

    return ways


def by_topic(brokers: str, topic: str) -> Callable[[], Send]:
    """A record a message; what the brokers have is for the service to fetch."""

    def ways() -> Send:
        producer = KafkaProducer(bootstrap_servers=brokers, acks="all")

        def send(step: Step) -> bool:
            visit = step.control_id.partition("-")[0]
            producer.send(topic, step.raw, visit.encode()).get(10)
            time.sleep(BROKERS_REST)
            return True

        return send

    return ways


class _Line:
    """MLLP in a few lines of our own."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.line: socket.socket | None = None

    def send(self, step: Step) -> bool:
        try:
            if self.line is None:
                self.line = socket.create_connection(("127.0.0.1", self.port), PATIENCE)
            self.line.sendall(b"\x0b" + step.raw + b"\x1c\r")
            answer = b""
            while not answer.endswith(b"\x1c\r"):
                part = self.line.recv(65_536)
                if not part:
                    raise ConnectionError
                answer += part
        except OSError:
            if self.line is not None:
                self.line.close()
            self.line = None
            raise
        return f"MSA|AA|{step.control_id}".encode() in answer


def ward(number: int) -> str:
    return f"J{number}"


def _story(number: int) -> Story:
    patient, visit = person(number), f"J{number:06d}"
    return Story(visit, patient, tuple(_steps(patient, visit)))


def _steps(patient: Person, visit: str) -> Iterator[Step]:
    """A01, then the bed moves and the planned date moves, turn by turn."""
    began = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    tomorrow = began.astimezone(LONDON).date() + timedelta(days=1)
    moves = [(place, days) for place in range(WARDS) for days in (place, place + 1)][
        : 2 * WARDS - 1
    ]
    for order, (place, days) in enumerate(moves[:-1]):
        planned = tomorrow + timedelta(days=days)
        trigger = "A01" if not order else "A08" if order % 2 else "A02"
        control_id = f"{visit}-{order}"
        message = Adt(
            trigger=trigger,
            at=began + timedelta(minutes=order),
            visit=visit,
            number=patient.nhs,
            family=patient.family,
            given=patient.given,
            born=f"{patient.born_on:%Y%m%d}",
            ward=ward(place),
            planned=planned,
            control_id=control_id,
        )
        moved = order % 2 == 0
        yield Step(control_id, message.raw(), ward(place) if moved else None, planned)
