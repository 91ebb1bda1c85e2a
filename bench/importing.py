"""A register file of 100,000 rows beside the running service: how long others wait meanwhile."""

import re
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from html import unescape
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2

from bench.postgresql import new_database, postgresql
from bench.rows import Row
from bench.service import Service, served
from bench.simulate import Traffic, messages, register_csv
from bench.soak import A_STAY, LAG, PACE, Line

ROWS = 100_000
MOST = 250.0
"""Milliseconds, the slowest of a hundred."""
_KNOWN = 1_000
"""People on the register before, of whom some are in hospital."""
_A_SECOND = 20
"""Messages: some four hundred patients are there at once, seventy of them on the ward."""
_SENDERS = 4
_WARD = "L302H/M7A"
_BETWEEN = 0.25
"""Seconds between two presses."""
_FORM = re.compile(r'<form\b[^>]*action="([^"]*)"[^>]*>.*?</form>', re.DOTALL)
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)"')
_PATIENCE = 30.0


def measure(seconds: float, folder: Path, server: str | None) -> Iterator[Row]:
    """Acknowledgements and presses during an import beside those before it, on both databases."""
    with TemporaryDirectory(dir=folder) as place:
        yield from _rows("SQLite", f"sqlite:///{place}/line.db", seconds)
    with ExitStack() as stack:
        url = stack.enter_context(new_database(stack.enter_context(postgresql(server))))
        yield from _rows("PostgreSQL", url, seconds)


def _rows(name: str, url: str, seconds: float) -> Iterator[Row]:
    traffic = Traffic(
        stays=20_000,
        registered=_KNOWN,
        share=0.1,
        admissions_a_day=int(_A_SECOND / A_STAY * 86_400),
        first=datetime.now(UTC) - LAG,
        pace=PACE,
    )
    with TemporaryDirectory() as folder:
        place = Path(folder)
        with served(place, url, register_csv(traffic)) as service:
            larger = place / "larger.csv"
            larger.write_text(register_csv(replace(traffic, registered=ROWS)), encoding="utf-8")
            quiet, busy, took = _waits(service, traffic, larger, seconds)
    words = f"{ROWS:,} rows, {name}"
    yield Row(f"import, {words}", "a minute", took, 60.0, unit="s")
    for who, during, before in (
        ("acknowledged", busy.acknowledged, quiet.acknowledged),
        ("nurse's Save", busy.saved, quiet.saved),
    ):
        ours, theirs = (_slowest_of_100(took) for took in (during, before))
        yield Row(f"{who}, p99, importing {words}", "before", ours, theirs, unit="ms", most=MOST)


@dataclass(frozen=True, slots=True)
class _Waits:
    """Seconds that each waited."""

    acknowledged: Sequence[float]
    saved: Sequence[float]


def _waits(
    service: Service, traffic: Traffic, file: Path, seconds: float
) -> tuple[_Waits, _Waits, float]:
    """Before the import and during it, and how long it took until all was decided."""
    sender = _Sender(service, traffic)
    time.sleep(seconds)
    nurse = _Nurse(service)
    sender.taken()
    time.sleep(seconds)
    quiet = _Waits(sender.taken(), nurse.taken())
    began = time.perf_counter()
    importing = subprocess.Popen(
        service.words("register", "import", str(file)),
        env=service.environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    if importing.wait():
        raise SystemExit("the register was not imported")
    took = time.perf_counter() - began
    busy = _Waits(sender.taken(), nurse.taken())
    nurse.end()
    sender.end()
    return quiet, busy, took


class _Sender:
    """Messages of a whole hospital by four connections."""

    def __init__(self, service: Service, traffic: Traffic) -> None:
        """Sends from now on."""
        self._lines = [Line(service.mllp_port) for _ in range(_SENDERS)]
        self._sent = messages(traffic)
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._send, daemon=True)
        self._thread.start()

    def taken(self) -> list[float]:
        """Seconds of every answer since the last call."""
        return [each for line in self._lines for each in line.taken()]

    def end(self) -> None:
        """After the last answer."""
        self._is_over.set()
        self._thread.join()
        for line in self._lines:
            line.end()

    def _send(self) -> None:
        began = time.monotonic()
        for number, (raw, meaning) in enumerate(self._sent):
            self._is_over.wait(max(0.0, began + number / _A_SECOND - time.monotonic()))
            if self._is_over.is_set():
                return
            self._lines[hash(meaning.visit) % _SENDERS].queue.put(raw)


class _Nurse:
    """Writes down what carers said, one patient of the ward after the other."""

    def __init__(self, service: Service) -> None:
        """Signs in, and presses from now on."""
        made = service.command("token", "create", "--role", "ward", "--scope", _WARD)
        self._client = httpx2.Client(base_url=service.url(""), timeout=_PATIENCE)
        page = self._client.get("/").text
        [form] = islice(_forms(page, "/sign-in"), 1)
        self._client.post("/sign-in", data=form | {"token": made.split()[-1]})
        self._took: list[float] = []
        self._fault = ""
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._press, daemon=True)
        self._thread.start()

    def taken(self) -> list[float]:
        """Seconds of every press since the last call."""
        if self._fault:
            raise SystemExit(self._fault)
        found = self._took[:]
        del self._took[: len(found)]
        return found

    def end(self) -> None:
        """After the last press."""
        self._is_over.set()
        self._thread.join()
        self._client.close()

    def _press(self) -> None:
        number = 0
        while not self._is_over.wait(_BETWEEN):
            page = self._client.get(f"/ward/{_WARD}").text
            forms = list(_forms(page, "/ward/record"))
            if not forms:
                continue
            number += 1
            said = {"proof": "views", "how": "given", "text": f"I can come on {number} days."}
            began = time.perf_counter()
            answer = self._client.post("/ward/record", data=forms[number % len(forms)] | said)
            self._took.append(time.perf_counter() - began)
            if answer.status_code != 303:
                self._fault = f"a press was answered with {answer.status_code}"
                return


def _forms(page: str, action: str) -> Iterator[dict[str, str]]:
    """The hidden fields of each such form."""
    for form in _FORM.finditer(page):
        if form.group(1) == action:
            yield {name: unescape(value) for name, value in _HIDDEN.findall(form.group(0))}


def _slowest_of_100(took: Sequence[float]) -> float:
    """Milliseconds."""
    if not took:
        raise SystemExit("nobody waited: nothing was measured")
    return sorted(took)[int((len(took) - 1) * 0.99)] * 1e3
