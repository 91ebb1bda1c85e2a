"""README tells the truth: its settings, commands and links are the real ones."""

import re
from dataclasses import fields
from datetime import date
from pathlib import Path

import pytest
import typer

from mapping.register_rows import RegisterTerms, Rows
from service import sitekeys
from service.cli import COMMANDS
from service.settings import Settings
from service.site import load_site
from tests.support.tree import ROOT, texts

README = (ROOT / "README.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()


def test_the_settings_table_is_what_the_settings_say():
    shown = [(each.name, each.default, each.meaning) for each in Settings().shown()]
    assert _rows_of("## Settings") == shown


def test_every_setting_has_a_meaning():
    assert not [each.name for each in fields(Settings) if not each.metadata.get("meaning")]


def test_the_site_example_has_no_fault_and_is_the_one_that_is_described(tmp_path: Path):
    file = tmp_path / "site.toml"
    file.write_text(_site_example())
    assert load_site(file).name == "Anytown (synthetic)"


@pytest.mark.parametrize("table", ["SITE", "HOSPITAL", "WARD", "CENTRE", "FEED"])
def test_the_site_example_shows_every_key(table: str):
    section = re.split(rf"\[+{table.lower()}\]+", _site_example())[1].split("\n[")[0]
    shown = re.findall(r"^(\w+) =", section, re.MULTILINE)
    assert sorted(shown) == sorted(vars(sitekeys)[table].readers)


def test_every_column_of_the_register_is_named():
    columns = Rows(RegisterTerms((), date(2026, 11, 23))).columns
    assert not set(columns) - set(re.findall(r"`(\w+)`", _section("## The register file")))


def test_every_command_is_in_the_table():
    app = typer.Typer()
    for add in COMMANDS:
        add(app)
    names = [command.name for command in app.registered_commands]
    names += [group.name for group in app.registered_groups]
    written = re.findall(r"`(?:thinkcarer )?([a-z]+)", _section("## Commands"))
    assert not set(names) - set(written)


def test_every_make_command_that_is_written_down_exists():
    targets = set(re.findall(r"^([.\w-]+):", MAKEFILE, re.MULTILINE))
    written = {
        target
        for name, text in texts().items()
        if name.endswith(".md") or name == ".ci/run"
        for target in re.findall(
            r"(?:^|`|\$ )(?:CI=true )?make ([.a-z][\w.-]*)", text, re.MULTILINE
        )
    }
    assert {"demo", "test"} <= written <= targets


def test_the_two_commands_come_first():
    assert README.index("make demo") < README.index("make test") < README.index("\n## ")


def test_every_link_between_pages_leads_somewhere():
    broken = [
        f"{name}: {link}"
        for name, text in texts().items()
        if name.endswith(".md")
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
        if not (ROOT / name).parent.joinpath(link).exists()
    ]
    assert not broken


def test_the_changelog_has_a_place_for_what_comes_next():
    assert "\n## Unreleased\n" in (ROOT / "CHANGELOG.md").read_text()


def _rows_of(heading: str) -> list[tuple[str, ...]]:
    lines = [line for line in _section(heading).splitlines() if line.startswith("| `THINKCARER_")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return [(name.strip("`"), default, meaning) for name, default, meaning in cells]


def _section(heading: str) -> str:
    return README.split(heading, 1)[1].split("\n## ", 1)[0]


def _site_example() -> str:
    return re.findall(r"```toml\n(.*?)```", README, re.DOTALL)[0]
