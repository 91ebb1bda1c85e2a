"""A disclosed notice as an R4 Communication."""

from alerts.model.disclosed import DisclosedNotice
from alerts.model.site import NoticeEvent
from mapping.fhir.elements import (
    Element,
    concept,
    element,
    head,
    instant_with_milliseconds,
    narrative,
    reference,
    to_desk,
    to_us,
    words,
)
from mapping.fhir.resources import checked
from mapping.fhir.systems import CARER_EVENT, COMMUNICATION_CATEGORY, REGISTRATION, Claims

_EVENTS = {
    NoticeEvent.PLANNED: "Discharge planned",
    NoticeEvent.DATE_CHANGED: "Planned date of discharge changed",
    NoticeEvent.DISCHARGED: "Left hospital",
    NoticeEvent.CANCELLED: "Earlier notice no longer holds",
    NoticeEvent.WITHDRAWN: "Earlier notice withdrawn",
}


def render(notice: DisclosedNotice, claims: Claims) -> str:
    """The notice as JSON, checked."""
    sentences = [s for s in map(words, notice.sentences) if s]
    body = head("Communication", notice.id, claims) | element(
        {
            "text": narrative(_EVENTS[notice.event], (f"To: {notice.to.display}", *sentences)),
            "inResponseTo": [_earlier(notice_id) for notice_id in notice.in_response_to],
            "status": notice.status.value,
            "category": [
                concept(CARER_EVENT, notice.event.value, _EVENTS[notice.event]),
                concept(COMMUNICATION_CATEGORY, "notification"),
            ],
            "subject": reference("Patient", REGISTRATION, notice.registration_id),
            "sent": instant_with_milliseconds(notice.sent_at),
            "recipient": [to_desk(notice.to)],
            "sender": to_us(),
            "payload": [{"contentString": sentence} for sentence in sentences],
        }
    )
    return checked("Communication", body)


def _earlier(notice_id: str) -> Element:
    return {"reference": f"Communication/{notice_id}"}
