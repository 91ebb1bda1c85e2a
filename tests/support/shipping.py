"""The files that ship the service, read as Docker and Compose read them."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from pathlib import PurePosixPath
from typing import Any

import yaml

from tests.support.tree import ROOT

IMAGE = "thinkcarer"
DEPLOY = "docs/deploy.md"
_VARIABLE = re.compile(r"\$(?:\$|\{(?P<name>\w+)(?::(?P<how>[-?])(?P<rest>[^}]*))?\})")


@dataclass(frozen=True, slots=True)
class Instruction:
    """One line of a Dockerfile, its continuations joined."""

    name: str
    rest: str

    @property
    def words(self) -> list[str]:
        """As the exec form or the shell splits them."""
        if self.rest.lstrip().startswith("["):
            return list(yaml.safe_load(self.rest))
        return shlex.split(self.rest)


@cache
def dockerfile() -> tuple[Instruction, ...]:
    """Every instruction in order."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    return tuple(Instruction(*line.split(None, 1)) for line in lines if line.strip())


def instructions(name: str) -> list[Instruction]:
    """All of one name."""
    return [each for each in dockerfile() if each.name == name]


def last_stage() -> list[Instruction]:
    """What the image is made of in the end."""
    found = list(dockerfile())
    start = max(at for at, each in enumerate(found) if each.name == "FROM")
    return found[start:]


def image_environment() -> dict[str, str]:
    """ENV of the last stage."""
    words = [word for each in last_stage() if each.name == "ENV" for word in each.words]
    return dict(word.split("=", 1) for word in words)


@cache
def compose_text() -> str:
    """The Compose file as it is written."""
    return (ROOT / "docker-compose.yml").read_text()


def compose(environ: Mapping[str, str]) -> dict[str, Any]:
    """The Compose file with its variables filled in; KeyError where a required one is missing."""
    return dict(_filled(yaml.safe_load(compose_text()), environ))


def ours(services: Mapping[str, Any]) -> dict[str, Any]:
    """The services that run this image."""
    return {
        name: service
        for name, service in services.items()
        if service["image"].split(":")[0] == IMAGE
    }


def variables() -> dict[str, str]:
    """Every variable of the Compose file: how it is taken, ``?`` required, ``-`` with a default."""
    found = _VARIABLE.finditer(compose_text())
    return {each["name"]: each["how"] or "" for each in found if each["name"]}


def enters_the_image(path: str) -> bool:
    """Whether .dockerignore lets a file of the repository into the build; the last line wins."""
    enters = True
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if line and not line.startswith("#"):
            pattern = line.removeprefix("!")
            if _fits(path, pattern):
                enters = line.startswith("!")
    return enters


def _fits(path: str, pattern: str) -> bool:
    """Docker matches a folder for all that is in it; ``**/`` is any folder or none."""
    pure = PurePosixPath(path)
    folders = [pure, *pure.parents]
    plain = pattern.removeprefix("**/")
    if plain != pattern:
        return any(fnmatch(each.name, plain) for each in folders)
    return any(_same(each, pattern) for each in folders)


def _same(path: PurePosixPath, pattern: str) -> bool:
    parts, wanted = path.parts, PurePosixPath(pattern).parts
    return len(parts) == len(wanted) and all(map(fnmatch, parts, wanted))


def _filled(value: Any, environ: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(each, environ) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, environ) for each in value]
    return _interpolated(value, environ) if isinstance(value, str) else value


def _interpolated(text: str, environ: Mapping[str, str]) -> str:
    def put(found: re.Match[str]) -> str:
        name = found["name"]
        if name is None:
            return "$"
        given = environ.get(name, "")
        if given or found["how"] != "?":
            return given or found["rest"] or ""
        raise KeyError(name)

    return _VARIABLE.sub(put, text)
