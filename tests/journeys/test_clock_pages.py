"""The clock is set back by a day: what the pages say and show does not last until it is back."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from service.database import Database
from tests.support.adt import Adt
from tests.support.pages import Website, a_website, text_of
from tests.support.people import JEAN

DAY = timedelta(days=1)


@pytest.fixture
def website(database: Database) -> Iterator[Website]:
    with a_website(database) as made:
        made.line.registered(JEAN)
        made.line.take(Adt())
        yield made


def test_a_patient_shown_for_a_quarter_of_an_hour_is_hidden_again(website: Website):
    engineer = website.visitor().enter("engineer")
    engineer.open("/journal/1")
    assert "Carswell" in engineer.press("/journal/1/show", reason="fault", reference="INC-1").text
    website.line.clock.at -= DAY
    assert "Carswell" not in engineer.open("/journal/1").text


def test_news_from_a_day_that_is_not_here_yet_is_not_taken_for_fresh(website: Website):
    nurse = website.visitor().enter("ward:L302H/M7A")
    assert "No news from the hospital" not in text_of(nurse.open("/ward/L302H/M7A"))
    website.line.clock.at -= DAY
    assert "No news from the hospital" in text_of(nurse.open("/ward/L302H/M7A"))
