"""The code is written as ruff writes it and finds nothing to complain of."""

from tests.support.tools import module, says_nothing_wrong


def test_every_file_is_formatted():
    says_nothing_wrong(*module("ruff", "format", "--check", "."))


def test_the_linter_finds_nothing():
    says_nothing_wrong(*module("ruff", "check", "--quiet", "."))
