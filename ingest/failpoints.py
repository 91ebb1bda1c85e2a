"""Named places where a test may kill, hang, delay or fail the process; in production, nothing.

Only code can arm them: no setting, message, header or request reaches ``arm``, and nothing of the
product calls it.
"""

from collections.abc import Callable

POINTS = (
    "frame-read",
    "before-append",
    "after-append",
    "after-commit",
    "before-answer",
    "after-answer",
    "file-read",
    "file-journaled",
    "records-polled",
    "records-journaled",
    "offsets-committed",
    "batch-claimed",
    "entry-settled",
    "batch-decided",
    "batch-committed",
    "requests-decided",
    "rows-brought",
    "register-shown",
    "import-step",
    "lanes-beat",
    "parcel-claimed",
    "before-send",
    "after-send",
    "outcome-kept",
    "outcome-committed",
    "preparing",
    "started",
    "draining",
)
"""In the order in which a message meets them; the last three are the process's."""

_struck: Callable[[str], None] | None = None


def passing(name: str) -> None:
    """The line has come to this point."""
    if _struck is not None:
        _struck(name)


def arm(struck: Callable[[str], None] | None) -> None:
    """Call this at every point from now on; None for nothing."""
    global _struck
    _struck = struck
