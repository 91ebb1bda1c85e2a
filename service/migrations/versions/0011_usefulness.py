"""Why nothing was said, and which stays wait for old news to settle."""

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Nothing yet."""
