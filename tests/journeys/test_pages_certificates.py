"""The engineers' page tells of certificates before they stop the feeds."""

from dataclasses import replace
from datetime import timedelta

import pytest

from service.certificates import Certificate
from service.database import Database
from tests.support.line import START
from tests.support.pages import a_website, text_of


@pytest.mark.parametrize(
    ("left", "told"),
    [
        (timedelta(days=31), None),
        (timedelta(days=29), "Certificate mllp expires on 22 December 2026: put a new one"),
        (timedelta(days=-1), "Certificate mllp expired on 22 November 2026: put a new one"),
    ],
)
def test_engineers_are_told_of_a_certificate_near_its_end(
    database: Database, left: timedelta, told: str | None
):
    with a_website(database) as website:
        found = (Certificate("mllp", START + left),)
        website.desk = replace(website.desk, certificates=lambda: found)
        words = text_of(website.visitor().enter("engineer").open("/journal"))
    assert ("Certificate mllp" in words) == (told is not None)
    assert told is None or told in words
