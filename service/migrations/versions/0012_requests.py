"""Stays to decide again, and register imports that become visible at once."""

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Nothing yet."""
