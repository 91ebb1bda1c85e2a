"""The desk's own page: what was decided can be read there, so it has arrived."""

from datetime import timedelta

from alerts.delivery import Accepted, Parcel, Receipt


class Inbox:
    """Nothing to carry: the inbox shows what the outbox holds."""

    patience = timedelta(seconds=1)

    def send(self, parcel: Parcel) -> Receipt:
        """Taken as soon as it is offered."""
        return Accepted(f"readable in the inbox of {parcel.recipient.code}")

    def fault(self) -> str:
        """It is always open."""
        return ""

    def close(self) -> None:
        """Nothing is held."""
