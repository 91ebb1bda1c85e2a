"""The repository's own files, as the house rules read them."""

import ast
import subprocess
import tomllib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("ingest", "mapping", "alerts", "service")


@cache
def tracked() -> tuple[Path, ...]:
    """Every file that is in the repository, or would be with the next commit."""
    listed = subprocess.run(
        [
            "git",
            "-c",
            "safe.directory=*",
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            "-z",
        ],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    files = {ROOT / name for name in listed.split("\0") if name}
    return tuple(sorted(file for file in files if file.is_file()))


@cache
def texts() -> dict[str, str]:
    """Every tracked file that is text, by its path in the repository."""
    found = {}
    for file in tracked():
        raw = file.read_bytes()
        if b"\0" not in raw:
            found[named(file)] = raw.decode("utf-8", "replace")
    return found


def sources(*folders: str) -> tuple[Path, ...]:
    """The Python files below these folders."""
    return tuple(
        file
        for file in tracked()
        if file.suffix == ".py" and file.relative_to(ROOT).parts[0] in folders
    )


def parsed(file: Path) -> ast.Module:
    """The syntax tree of one file."""
    return ast.parse(file.read_text(), filename=str(file))


def named(file: Path) -> str:
    """A file as a message shows it."""
    return file.relative_to(ROOT).as_posix()


@cache
def pyproject() -> dict[str, dict[str, object]]:
    """pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())
