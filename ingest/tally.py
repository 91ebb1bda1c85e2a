"""What the doors count, and whom they tell."""

from typing import Protocol

COUNTED = (
    "accepted",
    "repeated",
    "parked",
    "refused",
    "not_stored",
    "frame_half",
    "frame_late",
    "frame_junk",
    "frame_too_long",
    "frame_crowded",
    "connection_lost",
    "connection_refused",
    "handshake_failed",
    "impostor",
    "topic_failed",
    "folder_refused",
)
"""Everything the door counts, by the name given to the Tally."""


class Tally(Protocol):
    """Counts what happens at the door; names are those of COUNTED."""

    def count(self, name: str, n: int = 1) -> None:
        """``n`` more of ``name``."""
