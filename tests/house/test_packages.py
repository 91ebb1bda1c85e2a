"""Every package says on one page what it is, and runs nothing when it is imported."""

import ast

import pytest

from tests.support.tree import PACKAGES, ROOT, named, parsed, sources

LITERAL = (ast.Tuple, ast.Dict, ast.List, ast.Set, ast.Constant)
LINES_OF_A_SCREEN = 60


@pytest.mark.parametrize("folder", [*PACKAGES, "bench", "fixtures"])
def test_every_folder_has_a_readme(folder: str):
    assert (ROOT / folder / "README.md").is_file()


@pytest.mark.parametrize("folder", PACKAGES)
def test_the_readme_of_a_package_fits_one_screen(folder: str):
    assert len((ROOT / folder / "README.md").read_text().splitlines()) <= LINES_OF_A_SCREEN


def test_an_init_holds_its_sentence_imports_and_a_literal_registry_alone():
    more = [
        f"{named(file)}:{node.lineno}"
        for file in sources(*PACKAGES)
        if file.name == "__init__.py"
        for node in parsed(file).body
        if not _may_stand(node)
    ]
    assert not more


def test_tests_are_no_package():
    assert not [named(file) for file in sources("tests") if file.name == "__init__.py"]


def test_test_files_of_different_folders_have_different_names_from_packages():
    assert not {file.parent.name for file in sources("tests")} & set(PACKAGES)


def _may_stand(node: ast.stmt) -> bool:
    if isinstance(node, ast.Import | ast.ImportFrom):
        return True
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    return isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, LITERAL)
