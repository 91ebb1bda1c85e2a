"""The sending side: stays whose every message should be seen by a receiver, and the ways in.

A sender has one message outstanding, or all of a stay, sends again until it is acknowledged, and
only then what follows. What was acknowledged is all that the judge knows.
"""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import takewhile
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


Send = Callable[[Sequence[Step]], int]
"""How many were acknowledged, from the first; an OSError says that nobody knows."""


@dataclass
class Sender:
    """A thread that sends story after story by one way."""

    hospital: Hospital
    ways: Callable[[], Send]
    pause: float
    at_once: int = 1
    """Messages that are sent before the first is answered."""
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
            while story.acknowledged < len(story.steps):
                if self.hospital.is_closing.is_set() or self.retired.is_set():
                    return
                if not self._tell(send, story):
                    return
                time.sleep(self.pause)

    def _tell(self, send: Send, story: Story) -> bool:
        """The next messages of the story; whether all were acknowledged before we were stopped."""
        until = min(story.acknowledged + self.at_once, len(story.steps))
        story.sent = until
        while story.acknowledged < until:
            story.acknowledged += self._taken(send, story.steps[story.acknowledged : until])
            if story.acknowledged < until and self.stopped.wait(AGAIN_AFTER):
                return False
        return True

    @staticmethod
    def _taken(send: Send, steps: Sequence[Step]) -> int:
        try:
            return send(steps)
        except (OSError, httpx2.HTTPError, KafkaError):
            return 0


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

        def send(steps: Sequence[Step]) -> int:
            [step] = steps
            headers = {
                "Authorization": f"Bearer {token}",
                "Content-Type": "application/hl7-v2",
            }
            answer = client.post(f"{url}/hl7v2", content=step.raw, headers=headers)
            return int(answer.status_code == 200 and f"MSA|AA|{step.control_id}" in answer.text)

        return send

    return ways


def by_folder(folder: Path) -> Callable[[], Send]:
    """A file a message; what lies in done/ was taken."""

    def ways() -> Send:
        def send(steps: Sequence[Step]) -> int:
            [step] = steps
            name = f"{step.control_id}.hl7"
            done, put = folder / "done" / name, folder / name
            if not done.exists() and not put.exists():
                part = folder / f"{name}.part"
                part.write_bytes(step.raw)
                os.rename(part, put)
            until = time.monotonic() + PATIENCE
            while time.monotonic() < until:
                if done.exists():
                    return 1
                time.sleep(0.02)
            return 0

        return send

    return ways


def by_topic(brokers: str, topic: str) -> Callable[[], Send]:
    """A record a message; what the brokers have is for the service to fetch."""

    def ways() -> Send:
        producer = KafkaProducer(bootstrap_servers=brokers, acks="all")

        def send(steps: Sequence[Step]) -> int:
            [step] = steps
            visit = step.control_id.partition("-")[0]
            producer.send(topic, step.raw, visit.encode()).get(10)
            time.sleep(BROKERS_REST)
            return 1

        return send

    return ways


class _Line:
    """MLLP in a few lines of our own."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.line: socket.socket | None = None

    def send(self, steps: Sequence[Step]) -> int:
        """All at once; answers that came before it broke count."""
        answers = b""
        try:
            if self.line is None:
                self.line = socket.create_connection(("127.0.0.1", self.port), PATIENCE)
            self.line.sendall(b"".join(b"\x0b" + step.raw + b"\x1c\r" for step in steps))
            while answers.count(b"\x1c\r") < len(steps):
                part = self.line.recv(65_536)
                if not part:
                    raise ConnectionError
                answers += part
        except OSError:
            if self.line is not None:
                self.line.close()
            self.line = None
        told = answers.split(b"\x1c\r")[:-1]
        pairs = zip(steps, told, strict=False)
        taken = (f"MSA|AA|{step.control_id}".encode() in answer for step, answer in pairs)
        return sum(takewhile(bool, taken))


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
