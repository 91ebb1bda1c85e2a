"""README tells the truth: its settings, commands and links are the real ones."""

import re
from dataclasses import fields

from service.settings import Settings
from tests.support.tree import ROOT, texts

README = (ROOT / "README.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()


def test_the_settings_table_is_what_the_settings_say():
    shown = [(each.name, each.default, each.meaning) for each in Settings().shown()]
    assert _rows_of("## Settings") == shown


def test_every_setting_has_a_meaning():
    assert not [each.name for each in fields(Settings) if not each.metadata.get("meaning")]


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
    section = README.split(heading, 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("| `THINKCARER_")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return [(name.strip("`"), default, meaning) for name, default, meaning in cells]
