"""The lock files install from any mirror, bring only what was checked, and pin all we declare."""

import re
from typing import cast

import pytest
from packaging.requirements import Requirement

from tests.support.tree import ROOT, pyproject

LOCKS = {"requirements.lock": (), "requirements-dev.lock": ("dev",)}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_file_names_no_index_and_no_address(lock: str):
    text = (ROOT / lock).read_text()
    assert not re.findall(r"^.*(?:://|--index|--extra-index|--find-links|\s@\s).*$", text, re.M)


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_of_a_lock_file_is_pinned_and_hashed(lock: str):
    assert not [name for name, rest in _entries(lock) if "==" not in rest or "--hash=" not in rest]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_file_pins_everything_that_is_declared(lock: str):
    pinned = {_plain(name) for name, _ in _entries(lock)}
    assert not [name for name in _declared(LOCKS[lock]) if name not in pinned]


@pytest.mark.parametrize("lock", LOCKS)
def test_what_is_pinned_is_new_enough_for_what_is_declared(lock: str):
    pinned = dict(_versions(lock))
    wanted = [Requirement(each) for each in _requirements(LOCKS[lock])]
    assert not [str(each) for each in wanted if pinned[_plain(each.name)] not in each.specifier]


def test_both_lock_files_pin_the_same_versions():
    base, dev = (dict(_versions(lock)) for lock in LOCKS)
    assert not {name: dev.get(name) for name, version in base.items() if dev.get(name) != version}


def _entries(lock: str) -> list[tuple[str, str]]:
    text = re.sub(r"^\s*#.*\n", "", (ROOT / lock).read_text(), flags=re.M)
    joined = text.replace("\\\n", " ")
    return [
        (re.split(r"[\[=<> ;]", line, maxsplit=1)[0], line)
        for line in joined.splitlines()
        if line.strip()
    ]


def _versions(lock: str) -> list[tuple[str, str]]:
    return [(_plain(name), line.split("==")[1].split()[0]) for name, line in _entries(lock)]


def _declared(extras: tuple[str, ...]) -> list[str]:
    return [_plain(Requirement(each).name) for each in _requirements(extras)]


def _requirements(extras: tuple[str, ...]) -> list[str]:
    project = pyproject()["project"]
    wanted = list(cast("list[str]", project["dependencies"]))
    optional = cast("dict[str, list[str]]", project["optional-dependencies"])
    for extra in extras:
        wanted += optional[extra]
    return wanted


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
