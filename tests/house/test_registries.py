"""What is registered is complete: each entry has the files that go with it."""

import ast
import re
from pathlib import Path

import pytest

from alerts.channels import CHANNELS
from mapping.hl7.events import TRIGGERS
from tests.support.tree import ROOT, named, parsed, sources, texts

PAGES = ROOT / "service/web/pages"
ADDRESSES = {"message": "show", "signin": "sign-in"}
"""Of pages whose address is not their name."""
TEMPLATES = ROOT / "service/web/templates"


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_every_trigger_has_a_fixture(trigger: str):
    assert [f for f in (ROOT / "fixtures/hl7").rglob("*.hl7") if trigger.lower() in f.name.lower()]


@pytest.mark.parametrize("channel", CHANNELS)
def test_every_channel_passes_the_contract_that_all_share(channel: str):
    assert CHANNELS[channel].__module__.startswith("alerts.channels.")
    assert [
        name
        for name, text in texts().items()
        if name.startswith("tests/") and 'parametrize("name", CHANNELS)' in text
    ]


def test_every_page_is_in_the_registry():
    held = (PAGES / "__init__.py").read_text()
    registry = held[held.index("PAGES") :]
    assert not [page for page in _pages() if f"{page}." not in registry and page not in registry]


@pytest.mark.parametrize("page", [f.stem for f in sorted(PAGES.glob("[!_]*.py"))])
def test_every_page_has_its_template(page: str):
    printed = {Path(name).name for name in _strings(PAGES / f"{page}.py") if name.endswith(".html")}
    assert printed, f"{page} prints no template"
    assert not [name for name in printed if not (TEMPLATES / name).is_file()]


@pytest.mark.parametrize("page", [f.stem for f in sorted(PAGES.glob("[!_]*.py"))])
def test_every_page_has_a_test(page: str):
    assert [
        named(file)
        for file in sources("tests")
        if file.parent.name in ("journeys", "database", "unit")
        if re.search(rf"/{ADDRESSES.get(page, page)}\b", file.read_text())
    ]


def test_every_command_is_in_the_registry():
    held = (ROOT / "service/cli.py").read_text()
    offering = [
        file.stem
        for file in sources("service")
        if file.parent.name == "commands" and _offers_commands(file)
    ]
    assert offering
    assert not [name for name in offering if f"{name}.register" not in held]


def _pages() -> list[str]:
    return [file.stem for file in PAGES.glob("[!_]*.py")]


def _offers_commands(file: Path) -> bool:
    return any(
        isinstance(node, ast.FunctionDef)
        and node.name == "register"
        and [each.arg for each in node.args.args] == ["app"]
        for node in parsed(file).body
    )


def _strings(file: Path) -> set[str]:
    return {
        node.value
        for node in ast.walk(parsed(file))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
