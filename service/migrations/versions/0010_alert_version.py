"""Every version of a Task or notice that a reader was told."""

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Nothing yet."""
