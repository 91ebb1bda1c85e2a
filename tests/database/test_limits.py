"""What is too long for the database is the message's fault, and is not tried for ever."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from alerts.model.stay import Stay
from alerts.store import stays
from service.database import connect
from tests.support.hostile import RANDOM

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.mark.postgresql
def test_what_no_index_can_hold_is_not_taken_for_a_database_that_is_away(postgresql_url: str):
    with (
        connect(postgresql_url) as database,
        pytest.raises(OperationalError),
        database.write() as tx,
    ):
        _keep(tx, Stay("S1", "pas", RANDOM, opened_at=NOW))


def _keep(tx: Connection, stay: Stay) -> None:
    shelf = stays.Shelf(tx)
    shelf.save(stay, "key", stays.Ahead())
    shelf.flush()
