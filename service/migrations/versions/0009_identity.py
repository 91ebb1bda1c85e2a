"""Patients and stays with ids of their own, found through aliases."""

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Nothing yet."""
