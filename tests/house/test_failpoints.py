"""Fail-points: each that is named is passed in one place, and nothing of the product arms them."""

import re

from ingest.failpoints import POINTS
from tests.support.tree import texts

PRODUCT = ("ingest/", "mapping/", "alerts/", "service/")


def _passed() -> list[str]:
    found = []
    for name, text in texts().items():
        if name.startswith(PRODUCT):
            found += re.findall(r'passing\("([a-z-]+)"\)', text)
    return found


def test_every_point_is_passed_in_exactly_one_place():
    assert sorted(_passed()) == sorted(POINTS)


def test_nothing_of_the_product_can_arm_them():
    armed = [
        name
        for name, text in texts().items()
        if name.startswith(PRODUCT)
        and name != "ingest/failpoints.py"
        and re.search(r"failpoints\.|import failpoints|import .*\barm\b", text)
    ]
    assert armed == []
