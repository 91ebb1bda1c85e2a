"""What docs/ says of events, answers, figures and limits is what the code does."""

import re
from configparser import ConfigParser
from pathlib import PurePosixPath
from typing import Any

import pytest
import yaml

from ingest.header import MAX_SEGMENTS, MAX_SEPARATORS
from ingest.mllp import Limits
from ingest.tally import COUNTED
from mapping.hl7.events import TRIGGERS
from service.metrics import Metrics
from service.settings import PREFIX, Settings
from tests.support.shipping import DEPLOY, compose
from tests.support.tree import ROOT, sources

ENGINE = "docs/interface-engine.md"
ENVIRON = {"POSTGRES_PASSWORD": "made0up0for0the0test", "SECRET_KEY": "made0up0for0the0test"}


def test_the_events_to_route_are_those_that_are_understood():
    section = _section(ENGINE, "## Which events to route")
    assert re.findall(r"^\| `(A\d\d)` \|", section, re.MULTILINE) == sorted(TRIGGERS)
    others = section.split("Any other ADT trigger")[1].split("###")[0]
    assert not set(re.findall(r"A\d\d", others)) & set(TRIGGERS)


def test_the_limits_of_a_message_are_the_limits_of_the_door():
    told = _section(ENGINE, "### What must be in them").replace(" 000", "000")
    assert f"{MAX_SEGMENTS} segments and {MAX_SEPARATORS} separators" in told
    assert "up to 1 MiB" in told
    assert Settings().max_message_bytes == Limits().message_bytes == 1024 * 1024


def test_what_is_said_of_connections_is_so():
    told = _section(ENGINE, "## What to set")
    assert f"{Limits().peer_connections} from one address" in told
    assert f"closed after {Limits().frame_for:.0f} seconds" in told
    assert Limits().idle_for is None


def test_every_figure_to_watch_exists():
    exposed = Metrics(dict).text().decode() + (ROOT / "service/metrics.py").read_text()
    names = set(re.findall(r"thinkcarer_\w+", _section(DEPLOY, "## Watching it")))
    plain = {name.removeprefix("thinkcarer_").removesuffix("_total") for name in names}
    assert plain
    assert [
        name for name in sorted(plain) if not re.search(rf"\b(thinkcarer_)?{name}\b", exposed)
    ] == []


def test_every_kind_of_fault_at_the_door_is_counted_by_that_name():
    told = _section(DEPLOY, "## Watching it")
    kinds = set(re.findall(r'what="(\w+)"', told)) | {"handshake_failed"}
    assert kinds <= set(COUNTED)
    assert "`handshake_failed`" in told


def test_the_rights_on_the_fhir_server_are_those_that_are_asked_for():
    asked = "".join(file.read_text() for file in sources("alerts") if "channels" in file.parts)
    scopes = re.compile(r"system/\w+\.\w+")
    assert set(scopes.findall(_section(DEPLOY, "### FHIR"))) == set(scopes.findall(asked))


def test_the_systemd_unit_starts_what_is_installed_with_the_settings_that_are_written():
    unit = ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(_fence(DEPLOY, "ini"))
    service = unit["Service"]
    text = (ROOT / DEPLOY).read_text()
    program, command = service["ExecStart"].split()
    assert PurePosixPath(program).name == "thinkcarer"
    assert f"ln --symbolic --force {program} " in text
    assert command == "run"
    assert f"cat >{service['EnvironmentFile']} <<" in text
    assert f"useradd --system --home-dir {service['WorkingDirectory']} " in text
    assert f"{service['User']}\n" in text


def test_the_example_of_an_override_changes_what_is_there():
    override = yaml.safe_load(_fence(DEPLOY, "yaml"))
    services: dict[str, Any] = compose(ENVIRON)["services"]
    for name, service in override["services"].items():
        assert name in services
        targets = [each.split(":")[1] for each in service["volumes"]]
        for variable, value in service["environment"].items():
            assert variable.removeprefix(PREFIX).lower() in Settings.__dataclass_fields__
            assert any(value.startswith(f"{target}/") for target in targets)


@pytest.mark.parametrize("document", [DEPLOY, ENGINE, "docs/runbook.md"])
def test_every_place_that_a_document_points_to_has_a_heading(document: str):
    missing = []
    for page, anchor in re.findall(r"\]\(([^)#]*)#([^)]+)\)", (ROOT / document).read_text()):
        target = (ROOT / document).parent / page if page else ROOT / document
        headings = re.findall(r"^#+ (.+)$", target.read_text(), re.MULTILINE)
        if anchor not in map(_anchor, headings):
            missing.append(f"{page}#{anchor}")
    assert missing == []


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def _section(document: str, heading: str) -> str:
    rest = (ROOT / document).read_text().split(f"\n{heading}\n", 1)[1]
    level = heading.split(" ", 1)[0]
    return re.split(rf"\n#{{1,{len(level)}}} ", rest, maxsplit=1)[0]


def _fence(document: str, language: str) -> str:
    found = re.findall(rf"^```{language}\n(.*?)^```$", (ROOT / document).read_text(), re.S | re.M)
    assert len(found) == 1
    return str(found[0])
