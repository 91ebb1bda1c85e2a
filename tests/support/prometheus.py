"""Prometheus as it is packaged: its rule checker, and a server that looks every second."""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
import yaml

from tests.support.running_service import free_port
from tests.support.tree import ROOT

RULES = ROOT / "docs/monitoring/alerts.yml"
PATIENCE = 25.0
DASHBOARD = ROOT / "docs/monitoring/dashboard.json"


def program(name: str) -> str:
    """Where it is; skips where it is not installed, fails where CI lacks it."""
    found = shutil.which(name)
    if found:
        return found
    reason = f"{name} is not installed (Debian package prometheus)"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def alerts() -> dict[str, dict[str, str]]:
    """The rules by the name of the alert."""
    [group] = yaml.safe_load(RULES.read_text())["groups"]
    return {rule["alert"]: rule for rule in group["rules"]}


def questions() -> dict[str, str]:
    """What the panels of the dashboard ask, by panel, with its variables filled in."""
    board = json.loads(DASHBOARD.read_text())
    return {
        f"{panel['title']} {target['refId']}": target["expr"]
        .replace("$__rate_interval", "5s")
        .replace("$job", "thinkcarer")
        for panel in board["panels"]
        for target in panel["targets"]
    }


def selectors(expression: str) -> list[str]:
    """Every metric with its labels that an expression asks for."""
    return re.findall(r"(?:thinkcarer_\w+|up)\b(?:\{[^}]*\})?", expression)


def hastened() -> str:
    """The rules with seconds for minutes, and no patience."""
    text = re.sub(r"\n +for: \w+", "", RULES.read_text())
    slopes = re.sub(r"((?:deriv|min_over_time)\(\w+_(?:waiting|seconds))\[\w+\]", r"\1[5s]", text)
    return re.sub(r"\[\d+[mh]\]", "[1m]", slopes)


class Prometheus:
    """A server that scrapes and evaluates every second."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.fired: set[str] = set()

    def ask(self, query: str) -> list[dict[str, object]]:
        """The answer to an instant query; raises where there is an error."""
        answer = httpx2.get(f"{self.url}/api/v1/query", params={"query": query}).json()
        assert answer["status"] == "success", f"{query}: {answer}"
        return list(answer["data"]["result"])

    def has_fired(self, *names: str) -> bool:
        """Whether each of them has fired by now."""
        found = httpx2.get(f"{self.url}/api/v1/alerts").json()["data"]["alerts"]
        firing = {each["labels"]["alertname"] for each in found if each["state"] == "firing"}
        self.fired |= firing
        return self.fired >= set(names)

    def wait_for(self, *names: str, meanwhile: Callable[[], object] = bool) -> None:
        """Until each of them has fired."""
        until = time.monotonic() + PATIENCE
        while not self.has_fired(*names):
            assert time.monotonic() < until, f"did not fire: {sorted(set(names) - self.fired)}"
            meanwhile()
            time.sleep(0.2)

    def wait_until(self, query: str) -> None:
        """Until there is an answer."""
        until = time.monotonic() + PATIENCE
        while not self.ask(query):
            assert time.monotonic() < until, f"no answer: {query}"
            time.sleep(0.1)

    def is_up(self) -> bool:
        try:
            return httpx2.get(f"{self.url}/-/ready").status_code == 200
        except httpx2.HTTPError:
            return False


@contextmanager
def watching(folder: Path, ports: Sequence[int]) -> Iterator[Prometheus]:
    """A server with the hastened rules that looks at services on these ports."""
    own, server = free_port(), program("prometheus")
    (folder / "alerts.yml").write_text(hastened())
    targets = [{"targets": [f"127.0.0.1:{port}" for port in ports]}]
    scrape = {"job_name": "thinkcarer", "static_configs": targets}
    every = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    config = {"global": every, "rule_files": ["alerts.yml"], "scrape_configs": [scrape]}
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    address = f"127.0.0.1:{own}"
    arguments = (
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/tsdb",
        f"--web.listen-address={address}",
    )
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen([server, *arguments], stdout=log, stderr=log)
    try:
        made = Prometheus(f"http://{address}")
        _until(made.is_up, folder / "prometheus.log")
        yield made
    finally:
        process.kill()
        process.wait(10)


def _until(is_so: Callable[[], bool], log: Path) -> None:
    until = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < until, log.read_text()[-2000:]
        time.sleep(0.05)
