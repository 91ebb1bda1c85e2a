"""A disclosed notice as FHIR R4 Communication."""

from alerts.model.disclosed import DisclosedNotice
from mapping.fhir import systems
from mapping.fhir.elements import (
    Element,
    coded,
    desk,
    instant_ms,
    logical,
    narrative,
    software,
)
from mapping.fhir.resources import checked
from mapping.fhir.systems import Claims


def render(notice: DisclosedNotice, claims: Claims) -> str:
    """The Communication as JSON."""
    body: Element = {
        "id": notice.id,
        **claims.meta("Communication"),
        "text": narrative(*notice.sentences),
        "status": notice.status.value,
        "category": [coded(systems.EVENT, notice.event.value)],
        "subject": logical("Patient", systems.REGISTRATION, notice.registration_id),
        "sent": instant_ms(notice.sent_at),
        "recipient": [desk(notice.to)],
        "sender": software(),
        "payload": [{"contentString": sentence} for sentence in notice.sentences],
    }
    if notice.in_response_to:
        earlier = [{"reference": f"Communication/{n}"} for n in notice.in_response_to]
        body["inResponseTo"] = earlier
    return checked("Communication", body)
