"""Packages know only what lies below them, and what is imported is declared."""

from tests.support.tools import module, says_nothing_wrong, script


def test_every_import_contract_is_kept():
    says_nothing_wrong(*script("lint-imports", "--no-cache"))


def test_nothing_is_used_undeclared_and_nothing_declared_unused():
    says_nothing_wrong(*module("deptry", "."))
