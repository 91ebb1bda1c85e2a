"""An answer about a doubtful match binds a person and can be taken back."""

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Nothing yet."""
