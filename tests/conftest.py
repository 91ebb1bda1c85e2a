"""Fixtures that every folder of tests may use: databases, real ones."""

import gc
import os
import warnings
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ingest import failpoints
from service.database import Database, connect
from tests.support.databases import (
    NoServer,
    postgresql_copy,
    postgresql_server,
    postgresql_template,
    sqlite_copy,
    sqlite_template,
)

KINDS = ("sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql))


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str | NoServer]:
    """The URL of a PostgreSQL server, or why there is none; one a worker."""
    with ExitStack() as stack:
        try:
            found: str | NoServer = stack.enter_context(postgresql_server())
        except NoServer as reason:
            found = reason
        yield found


@pytest.fixture(scope="session")
def migrated_postgresql(postgresql: str | NoServer) -> Iterator[str | None]:
    """The name of the migrated template on that server."""
    if isinstance(postgresql, NoServer):
        yield None
        return
    with postgresql_template(postgresql) as name:
        yield name


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The migrated SQLite file that tests copy."""
    return sqlite_template(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture
def postgresql_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A migrated PostgreSQL database of one's own; skips with the reason where there is none."""
    with postgresql_copy(_server(request), request.getfixturevalue("migrated_postgresql")) as url:
        yield url


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A migrated database of one's own, on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        return sqlite_copy(request.getfixturevalue("migrated_sqlite"), tmp_path)
    return str(request.getfixturevalue("postgresql_url"))


@pytest.fixture(params=KINDS)
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without tables, on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/empty.db"
        return
    with postgresql_copy(_server(request), None) as url:
        yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """That database, open to write."""
    with connect(database_url) as opened:
        yield opened


@pytest.fixture
def passed() -> Iterator[Counter[str]]:
    """How often each fail-point was passed."""
    counted: Counter[str] = Counter()
    failpoints.arm(lambda name: counted.update((name,)))
    yield counted
    failpoints.arm(None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("kafka"):
            item.add_marker(pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """kafka-python 3.0.12 leaves sockets of failed attempts to the garbage collector.

    They are collected after the test, when its log no longer holds them, lest the next be blamed.
    """
    result = yield
    if item.get_closest_marker("kafka"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()
    return result


def _server(request: pytest.FixtureRequest) -> str:
    server = request.getfixturevalue("postgresql")
    if isinstance(server, NoServer):
        if os.environ.get("CI") == "true":
            pytest.fail(f"PostgreSQL is needed: {server}")
        pytest.skip(f"PostgreSQL: {server}")
    return str(server)
