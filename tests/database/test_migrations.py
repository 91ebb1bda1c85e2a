"""The migrations and the tables say the same, on both databases."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, inspect, text

from alerts.store.identity_tables import metadata as alert_tables
from ingest.journal import metadata as journal_tables
from service.database import (
    Database,
    DatabaseNotReady,
    DatabaseTooNew,
    connect,
    migrate,
    require_current,
)
from service.lanes import metadata as lane_tables


def test_the_migrations_make_exactly_the_tables(database: Database):
    with database.read() as tx:
        context = MigrationContext.configure(tx, opts={"compare_server_default": True})
        assert compare_metadata(context, _every_table()) == []


def test_migrating_twice_changes_nothing(empty_database_url: str):
    with connect(empty_database_url) as database:
        migrate(database)
        migrate(database)
        require_current(database)


def test_a_database_of_a_newer_release_is_refused(database: Database):
    with database.write() as tx:
        tx.execute(text("update alembic_version set version_num = '9999'"))
    with pytest.raises(DatabaseTooNew, match="newer release"):
        migrate(database)
    with pytest.raises(DatabaseTooNew):
        require_current(database)


def test_a_database_that_was_not_migrated_says_what_to_run(empty_database_url: str):
    with connect(empty_database_url) as database, pytest.raises(DatabaseNotReady, match="migrate"):
        require_current(database)


def test_a_migration_that_fails_half_way_leaves_nothing(empty_database_url: str):
    with connect(empty_database_url) as database:
        with database.write() as tx:
            # The last migration makes this table too, and fails.
            tx.execute(text("create table audit (id integer)"))
        with pytest.raises(Exception, match="audit"):
            migrate(database)
        with database.read() as tx:
            assert set(inspect(tx).get_table_names()) == {"audit"}


def _every_table() -> MetaData:
    together = MetaData()
    for metadata in (alert_tables, journal_tables, lane_tables):
        for table in metadata.tables.values():
            table.to_metadata(together)
    return together
