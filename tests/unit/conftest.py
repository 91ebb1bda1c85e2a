"""Hypothesis learns its profiles before any test is collected."""

import tests.support.fuzzing  # noqa: F401 - registers the long run
