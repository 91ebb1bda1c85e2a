"""The desk's own page: what was decided can be read there, so it has arrived."""

from alerts.delivery import Accepted, Parcel, Receipt


class Inbox:
    """Nothing to carry: the inbox shows what the outbox holds."""

    def send(self, parcel: Parcel) -> Receipt:
        """Taken as soon as it is offered."""
        return Accepted(f"readable in the inbox of {parcel.recipient.code}")
