"""A real ``thinkcarer run``: how soon it answers, what it holds, how soon a Task can be read."""

import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2

from bench.door import BARE, opened
from bench.line import journaled
from bench.rows import Row
from bench.senders import drive, first_answer, framed
from bench.service import Service, held, served
from bench.simulate import LONDON, Meaning, Traffic, messages, register_csv
from mapping.fhir.systems import VISIT

READY_IN, READY_BEHIND_IN = 2.0, 3.0
"""Seconds to the first acknowledgement: with nothing waiting, with much waiting."""
IDLE_MB, LOADED_MB = 150.0, 250.0
A_SECOND = 50
"""Messages a second while Tasks are looked for."""
TASK_P50, TASK_P99 = 50.0, 250.0
"""Milliseconds from sent to readable."""
LIVE = ("M7A", "M4", "M12")
"""Wards of the demo's site that take Tasks."""
_SHARE = 0.1
"""More stays with a carer than there are, so that there are Tasks to time."""
_REST = 0.005
"""Seconds between two looks, so that looking is no load of its own."""
_PATIENCE = 30.0


def measure_start(raw: Sequence[bytes], waiting: int, folder: Path) -> Iterator[Row]:
    """To the first acknowledgement, with an empty journal and with one that is behind."""
    [frame] = framed(raw[:1])
    began = time.perf_counter()
    with opened(BARE, folder) as (port, _):
        bare = first_answer(port, frame) - began
    with TemporaryDirectory(dir=folder) as name:
        url = f"sqlite:///{name}/line.db"
        for words, most in (("nothing", READY_IN), (f"{waiting:,}", READY_BEHIND_IN)):
            with served(Path(name), url) as service:
                took = first_answer(service.mllp_port, frame) - service.began
            yield Row(f"start, {words} waiting", "journal only", took, bare, unit="s", most=most)
            journaled(url, raw[:waiting])


def measure_memory(raw: Sequence[bytes], seconds: float, folder: Path) -> Iterator[Row]:
    """Resident, idle and under 64 senders."""
    with opened(BARE, folder) as (_, pid):
        bare = held(pid)[0] / 1e6
    with TemporaryDirectory(dir=folder) as name, served(Path(name), _url(name)) as service:
        idle = service.held()[0] / 1e6
        yield Row("memory, idle", "journal only", idle, bare, unit="MB", most=IDLE_MB)
        drive(service.mllp_port, framed(raw), 64, seconds)
        loaded = service.held()[0] / 1e6
        yield Row("memory, 64 senders", "journal only", loaded, bare, unit="MB", most=LOADED_MB)


def measure_tasks(seconds: float, folder: Path) -> Iterator[Row]:
    """From sent to readable through the façade, beside the acknowledgement of the same message."""
    traffic = Traffic(
        stays=int(seconds * A_SECOND) + 1,
        registered=5_000,
        share=_SHARE,
        admissions_a_day=A_SECOND * 86_400,
        first=datetime.now(UTC).astimezone(LONDON),
    )
    admissions = [sent for sent in messages(traffic) if sent[1].trigger == "A01"]
    with (
        TemporaryDirectory(dir=folder) as name,
        served(Path(name), _url(name), register_csv(traffic)) as service,
    ):
        answered, readable = _timed(service, admissions)
    for words, place, most in (("median", 0.5, TASK_P50), ("p99", 0.99, TASK_P99)):
        ours, theirs = (values[int((len(values) - 1) * place)] for values in (readable, answered))
        yield Row(f"Task readable, {words}", "acknowledged", ours, theirs, unit="ms", most=most)


def _timed(
    service: Service, admissions: Sequence[tuple[bytes, Meaning]]
) -> tuple[list[float], list[float]]:
    """Milliseconds to the acknowledgement and to the Task of each patient with a carer, sorted."""
    reader = _Reader(service)
    answered: list[float] = []
    began = time.perf_counter()
    for number, (raw, meaning) in enumerate(admissions):
        time.sleep(max(0.0, began + number / A_SECOND - time.perf_counter()))
        if meaning.is_registered and meaning.ward in LIVE:
            reader.sent_at[meaning.visit] = time.perf_counter()
        answered.append(drive(service.mllp_port, framed([raw]), 1, 1.0).p50 / 1e3)
    return sorted(answered), sorted(reader.end())


class _Reader:
    """Asks the façade for the Tasks of stays again and again until it has them."""

    def __init__(self, service: Service) -> None:
        """Looks from now on at what is in ``sent_at``."""
        self.sent_at: dict[str, float] = {}
        self._took: list[float] = []
        signed = {"Authorization": f"Bearer {service.token}"}
        self._client = httpx2.Client(base_url=service.url(""), headers=signed, timeout=_PATIENCE)
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def end(self) -> list[float]:
        """Milliseconds each took, once all are there."""
        self._is_over.set()
        self._thread.join(_PATIENCE)
        self._client.close()
        if self.sent_at:
            raise SystemExit(f"{len(self.sent_at)} Tasks were not readable")
        return self._took

    def _look(self) -> None:
        while self.sent_at or not self._is_over.is_set():
            time.sleep(_REST)
            for visit in list(self.sent_at):
                if self._has_task(visit):
                    took = time.perf_counter() - self.sent_at.pop(visit)
                    self._took.append(took * 1e3)

    def _has_task(self, visit: str) -> bool:
        asked = {"encounter:identifier": f"{VISIT}|{visit}"}
        answer = self._client.get("/fhir/Task", params=asked)
        return bool(answer.raise_for_status().json()["total"])


def _url(folder: str) -> str:
    return f"sqlite:///{folder}/line.db"
