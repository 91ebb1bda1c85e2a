"""The four packages pass the strictest type check."""

import pytest

from tests.support.tools import module, says_nothing_wrong


@pytest.mark.timeout(600)
def test_every_type_is_declared_and_agrees():
    says_nothing_wrong(*module("mypy", "--strict"))
