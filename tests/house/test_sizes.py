"""Modules, functions and folders stay small, and are named for one idea."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.support.tree import PACKAGES, named, parsed, sources

LINES_OF_A_MODULE = 400
LINES_OF_A_FUNCTION = 40
PARAMETERS = 5
FOLDERS_INSIDE_A_PACKAGE = 2
NO_IDEA = {"utils", "util", "helpers", "common", "base", "manager", "core", "misc"}


def test_no_module_is_longer_than_400_lines():
    long = {
        named(file): lines
        for file in sources(*PACKAGES, "tests", "bench")
        if (lines := len(file.read_text().splitlines())) > LINES_OF_A_MODULE
    }
    assert not long


def test_no_function_is_longer_than_40_lines():
    long = {
        where: lines
        for where, function in _functions()
        if (lines := (function.end_lineno or 0) - function.lineno + 1) > LINES_OF_A_FUNCTION
    }
    assert not long


def test_no_function_takes_more_than_5_parameters():
    greedy = {
        where: count
        for where, function in _functions()
        if (count := len(_parameters(function))) > PARAMETERS
    }
    assert not greedy


def test_no_module_is_more_than_two_folders_deep_in_its_package():
    deep = [
        named(file)
        for file in sources(*PACKAGES)
        if len(Path(named(file)).parts) - 2 > FOLDERS_INSIDE_A_PACKAGE
    ]
    assert not deep


def test_every_module_is_named_for_an_idea():
    vague = [named(file) for file in sources(*PACKAGES) if NO_IDEA & {file.stem, file.parent.name}]
    assert not vague


def test_every_module_says_first_what_it_is_for():
    silent = [
        named(file)
        for file in sources(*PACKAGES, "tests", "bench")
        if ast.get_docstring(parsed(file)) is None
    ]
    assert not silent


def _functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    for file in sources(*PACKAGES, "bench"):
        if file.parent.name == "versions":  # a migration is one list of tables, never touched again
            continue
        for node in ast.walk(parsed(file)):
            if isinstance(node, ast.FunctionDef):
                yield f"{named(file)}:{node.lineno} {node.name}", node


def _parameters(function: ast.FunctionDef) -> list[str]:
    taken = function.args
    names = [each.arg for each in (*taken.posonlyargs, *taken.args, *taken.kwonlyargs)]
    return [name for name in names if name not in ("self", "cls")]
